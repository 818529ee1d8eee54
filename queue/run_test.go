package queue

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"bindery/internal/redistest"
)

// run starts the background steps, ended with the test.
func (r *rig) run() {
	ctx, cancel := context.WithCancel(r.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.q.Run(ctx, func(step string, err error) { r.Errorf("%s: %v", step, err) })
	}()
	r.Cleanup(func() {
		cancel()
		<-done
	})
}

func TestDoorbell(t *testing.T) {
	onEach(t, func(r *rig) {
		bell := r.q.Wake()
		r.run()
		deadline := time.After(20 * time.Second)
		for rung := false; !rung; { // the subscription takes a moment
			r.accept(push("acme", 1))
			select {
			case <-bell:
				rung = true
			case <-time.After(50 * time.Millisecond):
				o := r.owner()
				r.settle(o, r.lease(o, 500).all(Submitted)) // empty again: the next one rings
			case <-deadline:
				r.Fatal("no bell")
			}
		}
	})
}

func TestBellNamesTheRoute(t *testing.T) {
	onEach(t, func(r *rig) {
		rung := make(chan string, 100)
		r.q.Bell(func(route string) { rung <- route })
		r.run()
		deadline := time.After(20 * time.Second)
		for {
			r.accept(push("acme", 1))
			select {
			case route := <-rung:
				if route != push("acme", 1).Route {
					r.Errorf("the bell of route %q rings", route)
				}
				return
			case <-time.After(50 * time.Millisecond):
				o := r.owner()
				r.settle(o, r.lease(o, 500).all(Submitted))
			case <-deadline:
				r.Fatal("no bell")
			}
		}
	})
}

func TestWaiting(t *testing.T) {
	onEach(t, func(r *rig) {
		w := NewWaits([]string{"none", push("acme", 1).Route, "@alpha"})
		want := func(what string, wanted bool) {
			r.Helper()
			has, err := r.q.Waiting(r.ctx, w)
			if err != nil || len(has) != 3 || has[0] || has[1] != wanted || has[2] {
				r.Errorf("%s: %v, %v", what, has, err)
			}
		}
		want("nothing was ever pushed", false)
		r.accept(push("acme", 2))
		want("two wait", true)
		o := r.owner()
		l := r.lease(o, 500)
		want("both are leased", false)
		r.settle(o, l.all(Back))
		want("they went back", true)
	})
}

// What is scheduled comes up by itself, and an instance that is gone is
// reclaimed by one that lives.
func TestRun(t *testing.T) {
	s := redistest.Start(t)
	r := newRig(t, redis.NewClient(&redis.Options{Addr: s.Addr}), Options{})
	r.brief()
	p := push("acme", 2)
	p.Messages[1].SendAt = r.q.clock.now().Add(200 * time.Millisecond)
	r.accept(p)
	dead := r.owner()
	if l := r.lease(dead, 10); len(l.Parts) != 1 {
		t.Fatalf("%d parts", len(l.Parts))
	}
	alive := r.owner()
	r.run()
	got := 0
	deadline := time.After(30 * time.Second)
	for tick := time.NewTicker(100 * time.Millisecond); got < 2; {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d parts", got)
		}
		r.renew(alive)
		l := r.lease(alive, 10)
		got += len(l.Parts)
		for _, part := range l.Parts {
			if part.MaybeSent != (part.Part.Index == 0) {
				t.Errorf("%+v", part)
			}
		}
		r.settle(alive, l.all(Submitted))
	}
	r.checkHome()
}

// A fail-over lost a settle: the row owes what the process does not hold.
func TestRenewFindsWhatIsNotHeld(t *testing.T) {
	onEach(t, func(r *rig) {
		r.accept(push("acme", 3))
		o := r.owner()
		l := r.lease(o, 3)
		o.held.drop(l.Parts[1].Part, l.Number)
		r.renew(o)
		r.checkHome()
		again := r.lease(o, 3)
		if len(again.Parts) != 1 || again.Parts[0].Part != l.Parts[1].Part || !again.Parts[0].MaybeSent {
			r.Errorf("%+v", again.Parts)
		}
	})
}

func TestTrim(t *testing.T) {
	r := miniRig(t, Options{Owed: func(account string) string { return map[string]string{"bolt": "1-1"}[account] }})
	for _, account := range []string{"acme", "bolt"} {
		ids := r.accept(push(account, 1))
		if err := r.q.Cancel(r.ctx, account, ids[0]); err != nil {
			t.Fatal(err)
		}
	}
	r.pass(25 * time.Hour)
	r.step(r.q.stepSweep) // (which hears the time)
	r.step(r.q.stepTrim)
	if n := len(r.events("acme")); n != 0 {
		t.Errorf("%d events past the history", n)
	}
	if n := len(r.events("bolt")); n != 1 {
		t.Errorf("%d events that are still owed", n)
	}
}

func TestHistoryIsBoundedByBytes(t *testing.T) {
	r := miniRig(t, Options{HistoryBytes: 20_000})
	var first, last ID
	for range 50 {
		ids := r.accept(push("acme", 1))
		if first == "" {
			first = ids[0]
		}
		last = ids[0]
		if err := r.q.Cancel(r.ctx, "acme", ids[0]); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
	}
	r.step(r.q.stepSweep)
	if h := r.q.History(); h.Bytes < 20_000 {
		t.Errorf("it went before its two minutes: %+v", h)
	}
	r.pass(MinHistoryAge)
	r.step(r.q.stepSweep)
	h := r.q.History()
	if h.Bytes > 20_000 || h.Bytes < 10_000 || h.Age > 3*time.Minute {
		t.Errorf("%+v", h)
	}
	if _, err := r.q.Get(r.ctx, "acme", first); err != ErrGone { //nolint:errorlint // this very value
		t.Errorf("the first: %v", err)
	}
	r.get("acme", last)
}
