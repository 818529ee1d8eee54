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
)

// stack is what is measured.
type stack struct {
	dir                  string
	redis, smsc, gateway *process
	client               *redis.Client
	key                  string
	base                 string // the gateway's address
	record               string // file of the carrier
	closed               bool   // the carrier has written its record
}

// account is the id of the sender, and of the carrier.
const account = "bench"

// startBound is how long a part may take until it is ready.
const startBound = 30 * time.Second

const killBound = 5 * time.Second

func startStack(ctx context.Context, o *Options, after time.Duration) (*stack, error) {
	dir, err := os.MkdirTemp("", "bindery-bench-")
	if err != nil {
		return nil, err
	}
	s := &stack{dir: dir, key: rand.Text(), record: filepath.Join(dir, "record")}
	if err := s.start(ctx, o, after); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *stack) start(ctx context.Context, o *Options, after time.Duration) error {
	var addresses [3]string
	for i := range addresses {
		a, err := freeAddress()
		if err != nil {
			return err
		}
		addresses[i] = a
	}
	if err := s.startRedis(ctx, addresses[0], o.Fsync); err != nil {
		return err
	}
	if err := s.startCarrier(ctx, o.Self, addresses[1], after); err != nil {
		return err
	}
	return s.startGateway(ctx, o, addresses)
}

// startRedis takes the settings that the README asks for.
func (s *stack) startRedis(ctx context.Context, address, fsync string) (err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	s.redis, err = start(s.dir, "redis-server", "redis-server", "--bind", host, "--port", port, "--dir", s.dir,
		"--appendonly", "yes", "--appendfsync", fsync, "--save", "", "--maxmemory-policy", "noeviction",
		"--auto-aof-rewrite-percentage", "400", "--rdbcompression", "no", "--lazyfree-lazy-expire", "yes")
	if err != nil {
		return err
	}
	s.client = redis.NewClient(&redis.Options{Addr: address, MaxRetries: -1, ReadTimeout: 30 * time.Second})
	return s.redis.until(ctx, "the first answer", startBound, func() bool { return s.client.Ping(ctx).Err() == nil })
}

func (s *stack) startCarrier(ctx context.Context, self, address string, after time.Duration) (err error) {
	receipts := "with" // in one write with the response
	if after > 0 {
		receipts = "after"
	}
	s.smsc, err = start(s.dir, "carrier", self, "simulate", "--listen", address, "--quiet", "--receipts", receipts,
		"--receipt-delay", after.String(), "--receipt-window", "-1", "--record", s.record)
	if err != nil {
		return err
	}
	return s.smsc.until(ctx, "listening", startBound, func() bool {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
}

func (s *stack) startGateway(ctx context.Context, o *Options, addresses [3]string) (err error) {
	file := filepath.Join(s.dir, "bindery.yaml")
	err = os.WriteFile(file, fmt.Appendf(nil, `
redis: {url: "redis://%s/0"}
http: {listen: %q}
accounts: [{id: %s, api_key: %s, admin: true}]
carriers: [{id: %s, address: %q, system_id: bench, password: bench, binds: %d, window: %d, rate: 0}]
routes: [{id: default, carriers: [%s]}]
`, addresses[0], addresses[2], account, s.key, account, addresses[1], o.Binds, o.Window, account), 0o600)
	if err != nil {
		return err
	}
	s.base = "http://" + addresses[2]
	if s.gateway, err = start(s.dir, "gateway", o.Self, "serve", "--config", file); err != nil {
		return err
	}
	return s.gateway.until(ctx, "binding", startBound, func() bool { return s.ready(ctx, o.Binds) })
}

// ready: Redis answers and every bind is up.
func (s *stack) ready(ctx context.Context, binds int) bool {
	if resp, err := s.ask(ctx, http.MethodGet, "/readyz"); err != nil || resp != http.StatusOK {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/metrics", nil)
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
	return up >= binds
}

// ask answers the status.
func (s *stack) ask(ctx context.Context, method, path string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, nil)
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

// closeBooks ends gateway and carrier, whose record is then complete.
func (s *stack) closeBooks() error {
	s.closed = true
	return errors.Join(end(s.gateway, syscall.SIGTERM, 15*time.Second), end(s.smsc, syscall.SIGINT, 15*time.Second))
}

func end(p *process, signal syscall.Signal, patience time.Duration) error {
	if p == nil {
		return nil
	}
	return p.stop(signal, patience)
}

// stop ends what runs, at once, and leaves nothing.
func (s *stack) stop() error {
	if !s.closed { // the run has failed, which says more than how these end
		for _, p := range []*process{s.gateway, s.smsc} {
			_ = end(p, syscall.SIGKILL, killBound)
		}
	}
	var err error
	if s.client != nil {
		err = s.client.Close()
	}
	return errors.Join(err, end(s.redis, syscall.SIGKILL, killBound), os.RemoveAll(s.dir))
}

// explain adds what a child said last, where one has ended.
func (s *stack) explain(err error) error {
	for _, p := range []*process{s.redis, s.smsc, s.gateway} {
		select {
		case <-p.done:
			return fmt.Errorf("%w; %s ended: %s", err, p.name, p.tail())
		default:
		}
	}
	return err
}
