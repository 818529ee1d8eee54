package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"bindery/cmd/bindery/internal/bench/child"
	"bindery/cmd/bindery/internal/bench/ledger"
)

// stack is redis-server, a gateway and a carrier.
type stack struct {
	o                    *Options
	form                 Form
	dir                  string
	redis, smsc, gateway *child.Child
	client               *redis.Client
	keys                 []string // of the accounts
	heads                []string // of requests with one message, by account
	tail                 string   // of messages
	address              string   // of the gateway's API
	carrier              string   // the carrier's address
	record               string   // file of the carrier
	pipe                 *os.File // the record is a pipe; nil: a file
	along                chan error
	closed               bool // the carrier has written its record
	carriers, binds      int  // of each

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
	s := &stack{o: o, form: form, dir: dir, record: filepath.Join(dir, "record"), carriers: 1, binds: o.Binds}
	switch {
	case o.IdleCarriers > 0:
		s.carriers, s.binds = o.IdleCarriers, o.IdleBinds
	case o.BusyCarriers > 0:
		s.carriers = o.BusyCarriers
	}
	for range o.Accounts {
		s.keys = append(s.keys, rand.Text())
	}
	if err := s.start(ctx, after); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *stack) start(ctx context.Context, after time.Duration) error {
	var memory string
	for _, a := range []*string{&memory, &s.address} {
		address, err := child.FreeAddress()
		if err != nil {
			return err
		}
		*a = address
	}
	s.tail = tailOf(s.bulk())
	s.heads = heads(s.address, s.keys)
	if err := s.startRedis(ctx, memory); err != nil {
		return err
	}
	var err error
	if s.o.soaks() {
		if err := s.openPipe(); err != nil {
			return err
		}
	}
	if s.smsc, s.carrier, err = startCarrier(ctx, s.dir, s.o.Self, anyPort, after, s.record); err != nil {
		return err
	}
	return s.startGateway(ctx, memory)
}

// ready waits until Redis answers and every bind is up.
func (s *stack) ready(ctx context.Context) error {
	return s.gateway.Until(ctx, "binding", startBound, func() bool { return s.bound(ctx) })
}

func (s *stack) bound(ctx context.Context) bool {
	if resp, err := s.ask(ctx, http.MethodGet, "/readyz"); err != nil || resp != http.StatusOK {
		return false
	}
	up := 0
	err := s.metrics(ctx, func(line string) {
		if strings.HasPrefix(line, "bindery_bind_up{") && strings.HasSuffix(line, " 1") {
			up++
		}
	})
	return err == nil && up >= s.carriers*s.binds
}

// ask answers the status.
func (s *stack) ask(ctx context.Context, method, path string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+s.address+path, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+s.keys[0])
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// send sends in the run's form.
func (s *stack) send(ctx context.Context, p *ledger.Pace, k, of int) error {
	switch s.form {
	case Single:
		return s.singles(ctx, p, s.tail)
	case Batch:
		return s.batches(ctx, p)
	default:
		return s.lines(ctx, p, k, of)
	}
}

// bulk is the priority of what is sent in the run's form.
func (s *stack) bulk() string {
	if s.o.Priority == Mixed {
		return Bulk
	}
	return s.o.Priority
}

// readAlong reads the carrier's record while it is written, for a run whose
// record would not fit: the carrier writes into a pipe with a name.
func (s *stack) readAlong(l *ledger.Ledger) {
	s.along = make(chan error, 1)
	go func() { s.along <- l.ReadRecord(s.pipe) }()
}

// openPipe opens the reader's end before the carrier opens its own.
func (s *stack) openPipe() (err error) {
	if err := syscall.Mkfifo(s.record, 0o600); err != nil {
		return fmt.Errorf("a pipe for the carrier's record: %w", err)
	}
	s.pipe, err = os.OpenFile(s.record, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	return err
}

// closeBooks ends gateway and carrier, whose record is then complete.
func (s *stack) closeBooks(l *ledger.Ledger) error {
	s.closed = true
	if err := errors.Join(s.gateway.Stop(syscall.SIGTERM, stopBound), s.smsc.Stop(syscall.SIGINT, stopBound)); err != nil {
		return err
	}
	if s.along == nil {
		return readRecord(l, s.record)
	}
	err := <-s.along
	s.along = nil
	return err
}

// stop ends what runs, at once, and leaves nothing.
func (s *stack) stop() error {
	if !s.closed { // the run has failed, which says more than how these end
		for _, c := range []*child.Child{s.gateway, s.smsc} {
			_ = c.Stop(syscall.SIGKILL, killBound)
		}
	}
	if s.along != nil {
		<-s.along // the carrier's end of the pipe is closed
	}
	var err error
	if s.pipe != nil {
		err = s.pipe.Close()
	}
	if s.client != nil {
		err = errors.Join(err, s.client.Close())
	}
	return errors.Join(err, s.redis.Stop(syscall.SIGKILL, killBound), os.RemoveAll(s.dir))
}

// explain adds what a child said last, where one has ended.
func (s *stack) explain(err error) error { return child.Explain(err, s.redis, s.smsc, s.gateway) }
