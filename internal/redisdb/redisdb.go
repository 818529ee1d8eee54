// Package redisdb opens a Redis of any kind by its URL, checks it at start and
// runs scripts on it. It knows no key. queue, dlr and gateway/budget run their
// scripts through it; below it is go-redis. A DB is safe for any number of
// goroutines: the only state of its own are what the server was found to
// understand (written once) and the last probe of its memory (an atomic).
package redisdb

import (
	"crypto/tls"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// DB is a Redis: one server, a cluster, or a sentinel's master.
type DB struct {
	redis.UniversalClient
	dialect atomic.Int32 // of scripts: unknown, flagged or plain
	memory  memoryProbe
}

// Open parses url (redis://, rediss://, redis+cluster://h1:p,h2:p,
// redis+sentinel://h1:p,h2:p/master[/db]; rediss+cluster and rediss+sentinel
// speak TLS) and returns a client; nothing is dialled.
func Open(rawURL string) (*DB, error) {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	if !ok {
		return nil, fmt.Errorf("redisdb: url has no scheme, want redis://, rediss://, redis+cluster:// or redis+sentinel://")
	}
	secure := strings.HasPrefix(scheme, "rediss")
	switch scheme {
	case "redis", "rediss":
		o, err := redis.ParseURL(rawURL)
		if err != nil {
			return nil, fmt.Errorf("redisdb: url: %w", withoutURL(err))
		}
		return Wrap(redis.NewClient(o)), nil
	case "redis+cluster", "rediss+cluster":
		h, err := parseHosts(rest, secure)
		if err != nil {
			return nil, err
		}
		if h.path != "" {
			return nil, fmt.Errorf("redisdb: url: a cluster has no database, got %q", h.path)
		}
		return Wrap(redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: h.addrs, Username: h.user, Password: h.password, TLSConfig: h.tls,
		})), nil
	case "redis+sentinel", "rediss+sentinel":
		return openSentinel(rest, secure)
	}
	return nil, fmt.Errorf("redisdb: url scheme %q, want redis, rediss, redis+cluster or redis+sentinel", scheme)
}

// Wrap makes a DB of a client (miniredis in tests and the demo).
func Wrap(c redis.UniversalClient) *DB { return &DB{UniversalClient: c} }

func openSentinel(rest string, secure bool) (*DB, error) {
	h, err := parseHosts(rest, secure)
	if err != nil {
		return nil, err
	}
	master, dbText, _ := strings.Cut(h.path, "/")
	if master == "" {
		return nil, fmt.Errorf("redisdb: url: redis+sentinel needs the master's name after the hosts")
	}
	db := 0
	if dbText != "" {
		if db, err = strconv.Atoi(dbText); err != nil || db < 0 {
			return nil, fmt.Errorf("redisdb: url: database %q is no number", dbText)
		}
	}
	return Wrap(redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: master, SentinelAddrs: h.addrs, DB: db,
		Username: h.user, Password: h.password, TLSConfig: h.tls,
	})), nil
}

type hosts struct {
	addrs          []string
	user, password string
	path           string // without the leading slash
	tls            *tls.Config
}

// parseHosts reads [user[:password]@]host[:port],…[/path]; net/url takes only
// one host.
func parseHosts(rest string, secure bool) (hosts, error) {
	var h hosts
	list, path, _ := strings.Cut(rest, "/")
	h.path = strings.TrimSuffix(path, "/")
	if at := strings.LastIndexByte(list, '@'); at >= 0 {
		user, password, _ := strings.Cut(list[:at], ":")
		var err error
		if h.user, err = url.PathUnescape(user); err != nil {
			return h, fmt.Errorf("redisdb: url: user is not escaped rightly")
		}
		if h.password, err = url.PathUnescape(password); err != nil {
			return h, fmt.Errorf("redisdb: url: password is not escaped rightly")
		}
		list = list[at+1:]
	}
	for _, addr := range strings.Split(list, ",") {
		if addr == "" {
			return h, fmt.Errorf("redisdb: url: an empty host")
		}
		if !strings.Contains(addr[strings.LastIndexByte(addr, ']')+1:], ":") {
			addr += ":6379"
		}
		h.addrs = append(h.addrs, addr)
	}
	if secure {
		h.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return h, nil
}

// withoutURL keeps a password out of the error: url.Error quotes its input.
func withoutURL(err error) error {
	if e, ok := err.(*url.Error); ok { //nolint:errorlint // only the outermost quotes it
		return e.Err
	}
	return err
}
