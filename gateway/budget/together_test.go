package budget

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"bindery/internal/redisdb"
	"bindery/internal/redistest"
)

func company(t *testing.T, db *redisdb.DB, carriers int) (list []*Binds, together *Together) {
	together = NewTogether(db, defaultLease)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { together.Run(ctx) })
	for i := range carriers {
		b := NewBinds(db, BindsOptions{Carrier: fmt.Sprintf("c%d", i), Instance: "a", Binds: 2, Together: together})
		list = append(list, b)
		wg.Go(func() { _ = b.Run(ctx) })
	}
	t.Cleanup(func() { cancel(); wg.Wait() })
	return list, together
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline, tick := time.After(30*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(what)
		}
	}
}

func (b *Binds) renewals() int64 {
	b.turn.take(context.Background())
	defer b.turn.end()
	return b.number
}

// Many carriers keep their shares, also when the server forgot the script.
func TestTogether(t *testing.T) {
	c := redistest.Start(t).Client(t)
	list, _ := company(t, redisdb.Wrap(c), 120)
	all := func(holds func(*Binds) bool) func() bool {
		return func() bool {
			for _, b := range list {
				if !holds(b) {
					return false
				}
			}
			return true
		}
	}
	await(t, "not all have their share", all(func(b *Binds) bool { return b.Share() == 2 }))
	if err := c.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	was := map[*Binds]int64{}
	for _, b := range list {
		was[b] = b.renewals()
	}
	await(t, "not all are renewed", all(func(b *Binds) bool { return b.renewals() >= was[b]+2 }))
	for _, b := range list {
		if s := b.State(); s.Share != 2 || s.Err != nil {
			t.Fatalf("%s: %+v", b.o.Carrier, s)
		}
	}
}

// Redis falls silent: Together waits for it with one group, and the others must
// not lapse unseen meanwhile. Each has given its slots up when its lease is over,
// and all go on by themselves. At rest nobody has a timer of its own.
func TestTogetherSilenced(t *testing.T) {
	simulate(t, func(w *world) {
		t := w.t
		db, l, closeDB := w.client(0)
		ctx, cancel := context.WithCancel(t.Context())
		together := NewTogether(db, defaultLease)
		var list []*Binds
		var running sync.WaitGroup
		running.Go(func() { together.Run(ctx) })
		for i := range 6 * togetherMax { // two calls a group
			b := NewBinds(db, BindsOptions{Carrier: fmt.Sprintf("c%d", i), Instance: "a", Binds: 2, Together: together, Now: time.Now})
			list = append(list, b)
			running.Go(func() { _ = b.Run(ctx) })
		}
		all := func(when string, share int) {
			t.Helper()
			for _, b := range list {
				if s := b.State(); s.Share != share || (s.Err == nil) != (share > 0) {
					t.Errorf("%s: %s %+v", when, b.o.Carrier, s)
				}
			}
		}
		<-time.After(defaultLease / 2)
		all("at rest", 2)
		for _, b := range list {
			if d := b.next(); d != never {
				t.Errorf("%s wakes by itself in %v", b.o.Carrier, d)
			}
		}
		l.fail(silentError{})
		<-time.After(defaultLease + 500*time.Millisecond) // the last renewals were up to a second old
		all("silent", 0)
		l.fail(nil)
		<-time.After(defaultLease / 2)
		all("heard again", 2)
		cancel()
		running.Wait()
		closeDB()
	})
}

// While nobody listens the shares stay (a refusal), each sees the error, and all
// go on by themselves.
func TestTogetherRefused(t *testing.T) {
	s := redistest.Start(t)
	list, _ := company(t, redisdb.Wrap(s.Client(t)), 15)
	for _, b := range list {
		await(t, "no share", func() bool { return b.Share() == 2 })
	}
	s.Kill(t)
	for _, b := range list {
		await(t, "no refusal", func() bool { return isRefusal(b.State().Err) })
		if b.Share() != 2 {
			t.Errorf("%s: %+v", b.o.Carrier, b.State())
		}
	}
	s.Run(t)
	for _, b := range list {
		await(t, "not renewed again", func() bool { return b.State().Err == nil })
	}
	await(t, "go-redis still tries to dial", func() bool { return !dialling() })
}

func dialling() bool {
	stacks := make([]byte, 1<<20)
	return strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "tryDial")
}
