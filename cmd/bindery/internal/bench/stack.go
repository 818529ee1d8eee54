package bench

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"bindery/cmd/bindery/internal/bench/child"
)

// stack is redis-server, a gateway and a carrier.
type stack struct {
	o                    *Options
	form                 Form
	dir                  string
	redis, smsc, gateway *child.Child
	client               *redis.Client
	key                  string
	address              string // of the gateway's API
	carrier              string // the carrier's address
	record               string // file of the carrier
	closed               bool   // the carrier has written its record

	weights Weights
	scripts []ScriptStats
}

// account is the id of the sender, and of the carrier.
const account = "bench"

// startBound is how long a part may take until it is ready.
const startBound = 30 * time.Second

const (
	stopBound = 15 * time.Second // windows drain, the record is written
	killBound = 5 * time.Second
)

func startStack(ctx context.Context, o *Options, form Form, after time.Duration) (*stack, error) {
	dir, err := os.MkdirTemp("", "bindery-bench-")
	if err != nil {
		return nil, err
	}
	s := &stack{o: o, form: form, dir: dir, key: rand.Text(), record: filepath.Join(dir, "record")}
	if err := s.start(ctx, after); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *stack) start(ctx context.Context, after time.Duration) error {
	var memory string
	for _, a := range []*string{&memory, &s.carrier, &s.address} {
		address, err := child.FreeAddress()
		if err != nil {
			return err
		}
		*a = address
	}
	if err := s.startRedis(ctx, memory); err != nil {
		return err
	}
	var err error
	if s.smsc, err = startCarrier(ctx, s.dir, s.o.Self, s.carrier, after, s.record); err != nil {
		return err
	}
	return s.startGateway(ctx, memory)
}

// startRedis takes the settings that the README asks for.
func (s *stack) startRedis(ctx context.Context, address string) (err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	s.redis, err = child.Start(s.dir, "redis-server", "redis-server", "--bind", host, "--port", port, "--dir", s.dir,
		"--appendonly", "yes", "--appendfsync", s.o.Fsync, "--save", "", "--maxmemory-policy", "noeviction",
		"--auto-aof-rewrite-percentage", "400", "--rdbcompression", "no", "--lazyfree-lazy-expire", "yes")
	if err != nil {
		return err
	}
	s.client = redis.NewClient(&redis.Options{Addr: address, MaxRetries: -1, ReadTimeout: 30 * time.Second})
	return s.redis.Until(ctx, "the first answer", startBound, func() bool { return s.client.Ping(ctx).Err() == nil })
}

func (s *stack) startGateway(ctx context.Context, memory string) (err error) {
	file := filepath.Join(s.dir, "bindery.yaml")
	err = os.WriteFile(file, fmt.Appendf(nil, `
redis: {url: "redis://%s/0"}
http: {listen: %q}
accounts: [{id: %s, api_key: %s, admin: true}]
carriers: [{id: %s, address: %q, system_id: bench, password: bench, binds: %d, window: %d, rate: 0}]
routes: [{id: default, carriers: [%s]}]
`, memory, s.address, account, s.key, account, s.carrier, s.o.Binds, s.o.Window, account), 0o600)
	if err != nil {
		return err
	}
	if s.gateway, err = child.Start(s.dir, "gateway", s.o.Self, "serve", "--config", file); err != nil {
		return err
	}
	return s.ready(ctx)
}

// ready waits until Redis answers and every bind is up.
func (s *stack) ready(ctx context.Context) error {
	return s.gateway.Until(ctx, "binding", startBound, func() bool { return s.bound(ctx) })
}

func (s *stack) bound(ctx context.Context) bool {
	if resp, err := s.ask(ctx, http.MethodGet, "/readyz"); err != nil || resp != http.StatusOK {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+"/metrics", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	up := 0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if l := lines.Text(); strings.HasPrefix(l, "bindery_bind_up{") && strings.HasSuffix(l, " 1") {
			up++
		}
	}
	return up >= s.o.Binds
}

// ask answers the status.
func (s *stack) ask(ctx context.Context, method, path string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+s.address+path, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// send sends in the run's form.
func (s *stack) send(ctx context.Context, p *pace, k, of int) error {
	switch s.form {
	case Single:
		return s.singles(ctx, p)
	case Batch:
		return s.batches(ctx, p)
	default:
		return s.lines(ctx, p, k, of)
	}
}

// closeBooks ends gateway and carrier, whose record is then complete.
func (s *stack) closeBooks() error {
	s.closed = true
	return errors.Join(s.gateway.Stop(syscall.SIGTERM, stopBound), s.smsc.Stop(syscall.SIGINT, stopBound))
}

// stop ends what runs, at once, and leaves nothing.
func (s *stack) stop() error {
	if !s.closed { // the run has failed, which says more than how these end
		for _, c := range []*child.Child{s.gateway, s.smsc} {
			_ = c.Stop(syscall.SIGKILL, killBound)
		}
	}
	var err error
	if s.client != nil {
		err = s.client.Close()
	}
	return errors.Join(err, s.redis.Stop(syscall.SIGKILL, killBound), os.RemoveAll(s.dir))
}

// explain adds what a child said last, where one has ended.
func (s *stack) explain(err error) error { return child.Explain(err, s.redis, s.smsc, s.gateway) }
