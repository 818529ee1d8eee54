package budget

import (
	"context"
	"net"
	"sort"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"bindery/internal/redisdb"
)

// world is a Redis inside a synctest bubble and what several instances do on it.
type world struct {
	t    *testing.T
	m    *miniredis.Miniredis
	mu   sync.Mutex // guards used
	used []time.Duration
	from time.Time
	wg   sync.WaitGroup
}

// simulatesMinutes skips a test under the race detector, which makes minutes of
// them and sees the same code in the others.
func simulatesMinutes(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("minutes of simulated time, under the race detector minutes of real time")
	}
}

// simulate runs f in simulated time, with a Redis that starts with it.
func simulate(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, m: miniredis.NewMiniRedis(), from: time.Now()}
		defer w.m.Close()
		f(w)
		w.wg.Wait()
		<-time.After(time.Minute) // calls that were left behind come to their ends
	})
}

// link is one client's way to the Redis of a world, which can be cut.
type link struct {
	client *redis.Client
	mu     sync.Mutex // guards err
	err    error
	delay  time.Duration
}

func (l *link) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

type silentError struct{}

func (silentError) Error() string   { return "i/o timeout" }
func (silentError) Timeout() bool   { return true }
func (silentError) Temporary() bool { return true }

// hook makes every command fail as the link does, or answer late.
func (l *link) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook runs one command after the other: over an unbuffered pipe
// client and server would wait for each other.
func (l *link) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		var first error
		for _, cmd := range cmds {
			if err := l.client.Process(ctx, cmd); first == nil {
				first = err
			}
		}
		return first
	}
}

func (l *link) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		l.mu.Lock()
		err, delay := l.err, l.delay
		l.mu.Unlock()
		if err != nil {
			if _, silent := err.(silentError); silent {
				<-ctx.Done()
				err = ctx.Err()
			}
			cmd.SetErr(err)
			return err
		}
		if delay > 0 {
			<-time.After(delay)
		}
		err = next(ctx, cmd)
		if delay > 0 {
			<-time.After(delay)
		}
		return err
	}
}

func (w *world) client(delay time.Duration) (*redisdb.DB, *link, func()) {
	c := redis.NewClient(&redis.Options{
		Addr: "127.0.0.1:1", MaxRetries: -1, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		Dialer:                   func(context.Context, string, string) (net.Conn, error) { return w.m.Dial() },
	})
	l := &link{client: c, delay: delay}
	c.AddHook(l)
	return redisdb.Wrap(c), l, func() { _ = c.Close() }
}

// sender takes tokens as fast as it gets them until its time is over.
type sender struct {
	rate *Rate
	link *link
	got  int
}

// send starts an instance that has a backlog from start until end, and whose
// need in one Take is chunk. It ends like a crash: nothing is given back.
func (w *world) send(name string, o RateOptions, delay, start, end time.Duration, chunk int) *sender {
	o.Carrier, o.Instance, o.Now = "alpha", name, time.Now
	db, l, closeDB := w.client(delay)
	ctx, cancel := context.WithCancel(w.t.Context())
	s := &sender{rate: NewRate(db, o), link: l}
	w.wg.Go(func() { _ = s.rate.Run(ctx); closeDB() })
	w.wg.Go(func() {
		defer cancel()
		<-time.After(start)
		stop := time.After(end - start)
		for {
			n := s.rate.Take(chunk)
			s.got += n
			w.mu.Lock()
			for range n {
				w.used = append(w.used, time.Since(w.from))
			}
			w.mu.Unlock()
			var again <-chan time.Time
			if n == chunk {
				again = time.After(time.Millisecond)
			}
			select {
			case <-stop:
				return
			case <-s.rate.Ready():
			case <-again:
			}
		}
	})
	return s
}

// most is the largest number of tokens used in any second.
func (w *world) most() int {
	sort.Slice(w.used, func(i, j int) bool { return w.used[i] < w.used[j] })
	most, from := 0, 0
	for i, t := range w.used {
		for w.used[from] <= t-time.Second {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

func (w *world) between(from, to time.Duration) int {
	n := 0
	for _, t := range w.used {
		if from <= t && t < to {
			n++
		}
	}
	return n
}
