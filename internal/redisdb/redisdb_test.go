package redisdb_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"bindery/internal/redisdb"
	"bindery/internal/redistest"
)

func TestOpen(t *testing.T) {
	for _, url := range []string{
		"redis://127.0.0.1:6379/0", "redis://user:secret@127.0.0.1/3", "rediss://h:6380", "redis+cluster://a:1,b:2,[::1]:3",
		"rediss+cluster://u:p%40ss@a,b", "redis+sentinel://a:1,b:2/master", "redis+sentinel://a/master/2",
	} {
		db, err := redisdb.Open(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if err := db.Close(); err != nil {
			t.Errorf("%s: close: %v", url, err)
		}
	}
	for url, want := range map[string]string{
		"127.0.0.1:6379":                  "no scheme",
		"http://127.0.0.1":                `scheme "http"`,
		"redis://hunter2@h:port":          "url",
		"redis+cluster://a,,b":            "empty host",
		"redis+cluster://a:1/3":           "no database",
		"redis+sentinel://a:1":            "master's name",
		"redis+sentinel://a:1/m/x":        `database "x"`,
		"redis+cluster://u:%zzhunter2@a:": "password",
	} {
		db, err := redisdb.Open(url)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error tells a secret: %v", url, err)
		}
		if db != nil {
			t.Errorf("%s: a client all the same", url)
		}
	}
}

// TestClusterAddresses: the addresses and credentials are those of the URL.
func TestClusterAddresses(t *testing.T) {
	db, err := redisdb.Open("rediss+cluster://me:p%40ss@a,b:7000,[::1]:7001")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	o := db.UniversalClient.(*redis.ClusterClient).Options()
	if strings.Join(o.Addrs, " ") != "a:6379 b:7000 [::1]:7001" || o.Username != "me" || o.Password != "p@ss" || o.TLSConfig == nil {
		t.Errorf("%v %s %s %v", o.Addrs, o.Username, o.Password, o.TLSConfig)
	}
}

func TestCheck(t *testing.T) {
	ctx := context.Background()
	rs := redistest.Start(t)
	db := redisdb.Wrap(rs.Client(t))
	found, err := db.Check(ctx)
	if err != nil || found.Version == "" || !strings.Contains(strings.Join(found.Warnings, "\n"), "appendonly") {
		t.Fatalf("%+v %v", found, err)
	}
	for name, value := range map[string]string{"appendonly": "yes", "auto-aof-rewrite-percentage": "400", "lazyfree-lazy-expire": "yes", "maxmemory": "64mb"} {
		if err := db.ConfigSet(ctx, name, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if found, err = db.Check(ctx); err != nil || len(found.Warnings) != 0 || found.MaxMemory != 64<<20 {
		t.Errorf("rightly set: %+v %v", found, err)
	}
	if err := db.ConfigSet(ctx, "maxmemory-policy", "allkeys-lru").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err = db.Check(ctx); !errors.Is(err, redisdb.ErrUnsuitable) || !strings.Contains(err.Error(), "allkeys-lru") {
		t.Errorf("an evicting policy: %v", err)
	}
	rs.Kill(t)
	if _, err = db.Check(ctx); err == nil || errors.Is(err, redisdb.ErrUnsuitable) {
		t.Errorf("away: %v", err)
	}
}

// TestUnknownIsSaid: what a server does not tell is a warning, not silence.
func TestUnknownIsSaid(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr()})
	defer c.Close()
	found, err := redisdb.Wrap(c).Check(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(found.Warnings, "\n")
	for _, want := range []string{"version is unknown", "maxmemory-policy is unknown", "appendonly is unknown"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q lacks %q", all, want)
		}
	}
}

func TestFilling(t *testing.T) {
	ctx := context.Background()
	rs := redistest.Start(t)
	db := redisdb.Wrap(rs.Client(t))
	if m := db.Memory(ctx); m.Used == 0 || m.Filling() {
		t.Errorf("without maxmemory: %+v", m)
	}
	if err := db.ConfigSet(ctx, "maxmemory", "1mb").Err(); err != nil {
		t.Fatal(err)
	}
	full := redisdb.Wrap(rs.Client(t)) // its own probe, not yet cached
	if m := full.Memory(ctx); !m.Filling() {
		t.Errorf("%d of %d octets is not full", m.Used, m.Max)
	}
}

const echo = "#!lua flags=allow-oom\nreturn {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}"

// TestScriptRuns on a server that takes the first line and on one that does
// not, and again after the server forgot it.
func TestScriptRuns(t *testing.T) {
	ctx := context.Background()
	m := miniredis.RunT(t)
	for name, client := range map[string]*redis.Client{
		"redis-server": redistest.Start(t).Client(t),
		"miniredis":    redis.NewClient(&redis.Options{Addr: m.Addr()}),
	} {
		db := redisdb.Wrap(client)
		s := redisdb.NewScript("echo", echo)
		if err := s.Load(ctx, db); err != nil {
			t.Fatalf("%s: load: %v", name, err)
		}
		for n := int64(1); n <= 3; n++ {
			reply, err := s.Run(ctx, db, []string{"k"}, "v")
			list, ok := reply.([]any)
			if err != nil || !ok || list[0] != "k" || list[1] != "v" || list[2] != n {
				t.Fatalf("%s: %v %v", name, reply, err)
			}
			if err := client.ScriptFlush(ctx).Err(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

func TestScriptErrorsNameTheScript(t *testing.T) {
	ctx := context.Background()
	db := redisdb.Wrap(redistest.Start(t).Client(t))
	for _, s := range []*redisdb.Script{
		redisdb.NewScript("broken", "#!lua\nreturn ("), redisdb.NewScript("failing", "#!lua\nreturn redis.error_reply('ERR no')"),
	} {
		if _, err := s.Run(ctx, db, []string{"k"}); err == nil || !strings.HasPrefix(err.Error(), s.Name()+": ") {
			t.Errorf("%s: %v", s.Name(), err)
		}
	}
}

// TestAllowOOM: a full Redis takes the scripts that drain it, and no other.
func TestAllowOOM(t *testing.T) {
	ctx := context.Background()
	db := redisdb.Wrap(redistest.Start(t, "--maxmemory", "300kb").Client(t))
	drains := redisdb.NewScript("drains", "#!lua flags=allow-oom\nreturn redis.call('SET', KEYS[1], 'v')")
	fills := redisdb.NewScript("fills", "#!lua\nreturn redis.call('SET', KEYS[1], 'v')")
	if _, err := drains.Run(ctx, db, []string{"k"}); err != nil {
		t.Errorf("a script that drains is refused by a full Redis: %v", err)
	}
	if _, err := fills.Run(ctx, db, []string{"k"}); err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("a script that fills is taken by a full Redis: %v", err)
	}
}

// Whoever reads a server's slow log learns the names behind the sums.
func TestScriptsAreKnownByTheirSums(t *testing.T) {
	s := redisdb.NewScript("named", "#!lua flags=allow-oom\nreturn 'a name'")
	for _, sha := range s.Hashes() {
		if got := redisdb.NameOf(sha); got != "named" {
			t.Errorf("%s is %q", sha, got)
		}
	}
	if got := redisdb.NameOf("0"); got != "" {
		t.Errorf("a sum of nothing is %q", got)
	}
}
