package budget

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	opening = 150 * time.Millisecond // a bind
	closing = 700 * time.Millisecond // an unbind
)

// fleet is several instances' bind pools at one carrier, which counts binds.
type fleet struct {
	*world
	slots int
	mu    sync.Mutex // guards bound
	bound int        // at the carrier, now
}

// pool follows its share as a bind pool does: opening and closing takes time.
type pool struct {
	f      *fleet
	binds  *Binds
	link   *link
	mu     sync.Mutex // guards held
	held   int
	cancel context.CancelFunc
	done   chan struct{}
}

func (f *fleet) add(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bound += n; f.bound > f.slots {
		f.t.Errorf("%v: %d binds at the carrier, of %d slots", time.Since(f.from), f.bound, f.slots)
	}
}

func (f *fleet) start(name string) *pool {
	db, l, closeDB := f.client(0)
	ctx, cancel := context.WithCancel(f.t.Context())
	p := &pool{f: f, link: l, cancel: cancel, done: make(chan struct{})}
	p.binds = NewBinds(db, BindsOptions{
		Carrier: "alpha", Instance: name, Binds: f.slots, Now: time.Now, Held: p.holds,
	})
	var wg sync.WaitGroup
	wg.Go(func() { _ = p.binds.Run(ctx) })
	wg.Go(func() { p.follow(ctx) })
	f.wg.Go(func() { wg.Wait(); closeDB(); close(p.done) })
	return p
}

func (p *pool) holds() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

func (p *pool) change(n int) {
	p.mu.Lock()
	p.held += n
	p.mu.Unlock()
	p.f.add(n)
}

// follow opens one bind at a time and closes all that are too many; its end is
// that of the process: what was bound is cut.
func (p *pool) follow(ctx context.Context) {
	defer func() { p.change(-p.holds()) }()
	for {
		wait := 20 * time.Millisecond
		switch share, held := p.binds.Share(), p.holds(); {
		case held < share:
			p.change(1)
			wait = opening
		case held > share:
			wait = closing
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if wait == closing {
			p.change(min(p.binds.Share()-p.holds(), 0))
		}
	}
}

func (p *pool) die() { p.cancel(); <-p.done }

func (f *fleet) pass(d time.Duration) { <-time.After(d) }

func (f *fleet) expect(what string, want ...int) func(ps ...*pool) {
	return func(ps ...*pool) {
		f.t.Helper()
		for i, p := range ps {
			if p.holds() != want[i] {
				f.t.Errorf("%s: instance %d holds %d binds, want %d (%+v)", what, i, p.holds(), want[i], p.binds.State())
			}
		}
	}
}

func withFleet(t *testing.T, slots int, f func(*fleet)) {
	t.Helper()
	simulate(t, func(w *world) { f(&fleet{world: w, slots: slots}) })
}

func TestBindsAreShared(t *testing.T) {
	tests := []struct{ slots, instances, most, least int }{
		{1, 1, 1, 1}, {4, 1, 4, 4}, {4, 2, 2, 2}, {4, 3, 2, 1}, {5, 3, 2, 1}, {2, 3, 1, 0}, {20, 8, 3, 2},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d among %d", tt.slots, tt.instances), func(t *testing.T) {
			withFleet(t, tt.slots, func(f *fleet) {
				var all []*pool
				for i := range tt.instances {
					all = append(all, f.start(fmt.Sprint("i", i)))
					f.pass(3 * time.Second)
				}
				f.pass(10 * time.Second)
				sum := 0
				for i, p := range all {
					if n := p.holds(); n > tt.most || n < tt.least {
						t.Errorf("instance %d holds %d, want %d to %d", i, n, tt.least, tt.most)
					}
					sum += p.holds()
				}
				if sum != tt.slots {
					t.Errorf("%d binds in all, want %d", sum, tt.slots)
				}
				if s := all[0].binds.State(); s.Up != sum || s.Unbound != 0 {
					t.Errorf("state %+v, want %d up", s, sum)
				}
				for _, p := range all {
					p.die()
				}
			})
		})
	}
}

// One is killed: its slots pass a lease later, not before, and it gets its
// share again when it returns.
func TestBindsOfTheDeadPassOneLeaseLater(t *testing.T) {
	withFleet(t, 4, func(f *fleet) {
		a, b := f.start("a"), f.start("b")
		f.pass(20 * time.Second)
		f.expect("together", 2, 2)(a, b)
		a.die()
		f.pass(9 * time.Second)
		f.expect("within the lease", 2)(b)
		f.pass(4 * time.Second)
		f.expect("after it", 4)(b)
		a = f.start("a2")
		f.pass(10 * time.Second)
		f.expect("returned", 2, 2)(a, b)
		a.die()
		b.die()
	})
}

// A new instance alone does not take what another just left behind.
func TestNewcomerWaitsALease(t *testing.T) {
	withFleet(t, 4, func(f *fleet) {
		a := f.start("a")
		f.pass(5 * time.Second)
		a.die()
		f.pass(12 * time.Second)
		b := f.start("b")
		f.pass(9 * time.Second)
		f.expect("new", 0)(b)
		f.pass(4 * time.Second)
		f.expect("a lease later", 4)(b)
		b.die()
	})
}

func TestLeaveGivesBackAtOnce(t *testing.T) {
	withFleet(t, 4, func(f *fleet) {
		a, b := f.start("a"), f.start("b")
		f.pass(20 * time.Second)
		a.die()
		db, _, closeDB := f.client(0)
		leaving := NewBinds(db, a.binds.o) // the client of a was closed with it
		leaving.number = a.binds.number
		if err := leaving.Leave(f.t.Context()); err != nil {
			t.Fatal(err)
		}
		closeDB()
		f.pass(3 * time.Second)
		f.expect("after it left", 4)(b)
		b.die()
	})
}

// Redis is silent for one instance: it has given all up when its lease is
// over, and the other has them a little later.
func TestBindsAreGivenUpInSilence(t *testing.T) {
	withFleet(t, 4, func(f *fleet) {
		a, b := f.start("a"), f.start("b")
		f.pass(20 * time.Second)
		a.link.fail(silentError{})
		f.pass(8 * time.Second)
		f.expect("within the lease", 2, 2)(a, b)
		f.pass(3 * time.Second)
		f.expect("after it", 0)(a)
		f.pass(3 * time.Second)
		f.expect("the other", 0, 4)(a, b)
		a.link.fail(nil)
		f.pass(15 * time.Second)
		f.expect("heard again", 2, 2)(a, b)
		a.die()
		b.die()
	})
}

// Redis refuses everybody: the binds stay up, for as long as it takes, and
// when it is back nobody loses one to another. Only what died meanwhile passes,
// a lease after the return.
func TestBindsAreKeptWhenRefused(t *testing.T) {
	refusals := []error{
		fmt.Errorf("dial: %w", syscall.ECONNREFUSED),
		errors.New("LOADING Redis is loading the dataset in memory"),
		errors.New("CLUSTERDOWN The cluster is down"),
	}
	for _, refusal := range refusals {
		t.Run(refusal.Error(), func(t *testing.T) {
			withFleet(t, 6, func(f *fleet) {
				a, b, c := f.start("a"), f.start("b"), f.start("c")
				f.pass(30 * time.Second)
				for _, p := range []*pool{a, b, c} {
					p.link.fail(respError{refusal})
				}
				f.pass(5 * time.Second)
				c.die()
				f.pass(40 * time.Second)
				f.expect("refused", 2, 2)(a, b)
				a.link.fail(nil)
				f.pass(7 * time.Second)
				f.expect("one is back", 2, 2)(a, b)
				b.link.fail(nil)
				f.pass(2 * time.Second)
				f.expect("both are back", 2, 2)(a, b)
				f.pass(6 * time.Second)
				f.expect("a lease later", 3, 3)(a, b)
				a.die()
				b.die()
			})
		})
	}
}

// respError is an error as go-redis makes it of a reply.
type respError struct{ error }

func (respError) RedisError()     {}
func (e respError) Unwrap() error { return e.error }

// A renewal that comes again, or late, changes nothing.
func TestBindTwice(t *testing.T) {
	simulate(t, func(w *world) {
		db, _, closeDB := w.client(0)
		defer closeDB()
		run := func(instance string, number, keeps int, held ...int) []int64 {
			t.Helper()
			reply, err := bindScript.Run(w.t.Context(), db, []string{bindsKey("x"), stateKey("x"), rateKey("x")},
				instance, number, 10_000, 4, keeps, append(held, keeps)[0], keeps, 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			v, err := numbers(reply, 8)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		if v := run("a", 1, 0); v[0] != 4 {
			t.Fatalf("share %d, want 4", v[0])
		}
		run("b", 1, 0)
		if v := run("a", 2, 4); v[0] != 2 {
			t.Fatalf("share %d, want 2", v[0])
		}
		before := w.m.HGet(bindsKey("x"), "a")
		<-time.After(time.Second)
		for _, number := range []int{1, 2} { // late, and again
			if v := run("a", number, 0); v[0] != 2 {
				t.Errorf("number %d: share %d, want 2", number, v[0])
			}
			if after := w.m.HGet(bindsKey("x"), "a"); after != before {
				t.Errorf("number %d: row %q became %q", number, before, after)
			}
		}
		if v := run("b", 2, 0); v[0] != 0 {
			t.Errorf("share of b is %d before a gave back", v[0])
		}
		run("a", 3, 2, 1) // one of the two that it keeps to is not open yet
		if v := run("b", 3, 0); v[0] != 2 {
			t.Errorf("share of b is %d after a gave back", v[0])
		}
	})
}

func TestPauseIsSeenByAll(t *testing.T) {
	withFleet(t, 2, func(f *fleet) {
		a, b := f.start("a"), f.start("b")
		f.pass(10 * time.Second)
		for _, paused := range []bool{true, true, false} {
			var err error
			if paused {
				err = a.binds.Pause(f.t.Context())
			} else {
				err = b.binds.Resume(f.t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			f.pass(1500 * time.Millisecond)
			if a.binds.Paused() != paused || b.binds.Paused() != paused {
				t.Errorf("paused is %v and %v, want %v", a.binds.Paused(), b.binds.Paused(), paused)
			}
			f.expect("paused or not", 1, 1)(a, b)
		}
		a.die()
		b.die()
	})
}

// A pause whose call arrives late, after it was undone, changes nothing.
func TestPauseTwice(t *testing.T) {
	simulate(t, func(w *world) {
		db, _, closeDB := w.client(0)
		defer closeDB()
		run := func(paused int, seen, word string, want int64) {
			t.Helper()
			reply, err := pauseScript.Run(w.t.Context(), db, []string{stateKey("x")}, paused, seen, word)
			if err != nil || reply != want {
				t.Fatalf("answer %v, %v; want %d", reply, err, want)
			}
		}
		run(1, "0", "first", 1)
		run(1, "0", "first", 1)
		run(0, "1", "second", 1)
		run(1, "0", "first", 0)
		if v := w.m.HGet(stateKey("x"), "paused"); v != "0" {
			t.Errorf("paused is %q", v)
		}
	})
}

func TestUnboundAndSilent(t *testing.T) {
	withFleet(t, 2, func(f *fleet) {
		a := f.start("a")
		f.pass(3 * time.Second)
		var silent, gone atomic.Bool
		db, _, closeDB := f.client(0)
		ctx, cancel := context.WithCancel(f.t.Context())
		b := NewBinds(db, BindsOptions{Carrier: "alpha", Instance: "b", Binds: 2, Now: time.Now,
			Up: func() int { return 1 - bit(gone.Load()) }, Silent: silent.Load})
		f.wg.Go(func() { _ = b.Run(ctx); closeDB() })
		a.die()
		f.pass(5 * time.Second)
		if s := b.State(); s.Up != 3 || s.Silent {
			t.Errorf("%+v, want the dead counted within its lease", s)
		}
		silent.Store(true)
		f.pass(8 * time.Second)
		if s := b.State(); s.Up != 1 || !s.Silent {
			t.Errorf("%+v, want one up and silent", s)
		}
		gone.Store(true)
		f.pass(5 * time.Second)
		if s := b.State(); s.Unbound < 3*time.Second || s.Unbound > 6*time.Second || s.Silent {
			t.Errorf("%+v, want it unbound for about 5 s", s)
		}
		cancel()
	})
}
