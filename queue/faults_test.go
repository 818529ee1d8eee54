package queue

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"bindery/internal/redistest"
)

func TestScriptsSayWhatTheyAre(t *testing.T) {
	entries, err := luaFiles.ReadDir("lua")
	if err != nil {
		t.Fatal(err)
	}
	run := map[string]bool{}
	for _, s := range scripts {
		run[s.Name()] = true
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".lua")
		text := lua(name)
		if !run[name] {
			if strings.HasPrefix(text, "#!") || !strings.HasPrefix(text, "-- "+name+":") {
				t.Errorf("%s: a piece begins with -- %s:", e.Name(), name)
			}
			continue
		}
		want := "#!lua flags=allow-oom\n"
		if name == "accept" { // alone takes something in
			want = "#!lua\n"
		}
		if !strings.HasPrefix(text, want+"-- "+name+" ") {
			t.Errorf("%s begins with %q", e.Name(), text[:min(40, len(text))])
		}
		for _, say := range []string{"-- KEYS 1 ", "Answers", "Safe to run twice"} {
			if name != "time" && !strings.Contains(text, say) {
				t.Errorf("%s does not say %q", e.Name(), say)
			}
		}
	}
}

// Redis forgets scripts when it restarts.
func TestNoScript(t *testing.T) {
	onEach(t, func(r *rig) {
		flush := func() {
			if err := r.db.ScriptFlush(r.ctx).Err(); err != nil {
				r.Fatal(err)
			}
		}
		flush()
		ids := r.accept(push("acme", 1))
		flush()
		o := r.owner()
		flush()
		l := r.lease(o, 1)
		flush()
		r.settle(o, l.all(Submitted))
		flush()
		r.finish(Finish{Part: l.Parts[0].Part, Status: StatusDelivered, Carrier: "alpha"})
		if got := r.statuses("acme", ids[0]); got != "submitted delivered" {
			r.Errorf("events: %s", got)
		}
	})
}

// A full Redis takes nothing in, and the queue drains all the same.
func TestFull(t *testing.T) {
	s := redistest.Start(t, "--maxmemory", "12mb", "--maxmemory-policy", "noeviction")
	r := newRig(t, redis.NewClient(&redis.Options{Addr: s.Addr}), Options{})
	o := r.owner()
	accepted, full := 0, false
	for !full {
		p := push("acme", 100)
		for i := range p.Messages {
			p.Messages[i].Text = strings.Repeat(fmt.Sprintf("%020d", rand.Uint64()), 20)
		}
		_, err := r.q.Accept(r.ctx, p)
		switch {
		case err == nil:
			accepted += 100
		case errors.Is(err, ErrFull):
			full = true
		default:
			t.Fatal(err)
		}
		if accepted > 100_000 {
			t.Fatal("it never got full")
		}
	}
	many := push("acme", 1000) // bodies written before: refused as well
	if _, err := r.q.Accept(r.ctx, many); !errors.Is(err, ErrFull) {
		t.Errorf("many blocks: %v", err)
	}
	if m := r.db.Memory(r.ctx); !m.Filling() {
		t.Errorf("%+v", m)
	}
	if !r.q.Full(r.ctx) {
		t.Error("not full")
	}
	done := 0
	for {
		l := r.lease(o, 500)
		if len(l.Parts) == 0 {
			break
		}
		r.settle(o, l.all(Submitted))
		var fs []Finish
		for _, p := range l.Parts {
			fs = append(fs, Finish{Part: p.Part, Status: StatusDelivered, Carrier: "alpha"})
		}
		for _, f := range r.finish(fs...) {
			if f == FinishedNew {
				done++
			}
		}
		r.renew(o)
	}
	if done != accepted {
		t.Errorf("accepted %d, delivered %d", accepted, done)
	}
	r.checkHome()
}

// Each script's reply is lost once, the caller calls again; and each call is
// delivered once more at the end: once is what there is of everything.
func TestRepliesLostAndCallsDeliveredLate(t *testing.T) {
	onEach(t, func(r *rig) {
		c := r.addChaos()
		lost := map[string]bool{}
		c.lose = func(name string) bool {
			was := lost[name]
			lost[name] = true
			return !was
		}
		again := func(f func() error) {
			r.Helper()
			err := f()
			for tries := 0; errors.Is(err, ErrUnavailable) && tries < 5; tries++ {
				err = f()
			}
			if err != nil {
				r.Fatal(err)
			}
		}
		p := push("acme", 10)
		p.Key = &Key{Hash: [16]byte{5}}
		p.Messages[9].Hold = true
		var ids []ID
		var o *Owner
		var l *Lease
		again(func() (err error) { ids, err = r.q.Accept(r.ctx, p); return err })
		again(func() (err error) { o, err = r.q.NewOwner(r.ctx); return err })
		again(func() error { return o.Renew(r.ctx) })
		again(func() (err error) {
			l, err = o.Lease(r.ctx, LeaseRequest{Carrier: "alpha", Routes: []string{"default"}, Max: 10})
			return err
		})
		if len(l.Parts) != 10 {
			r.Fatalf("%d parts", len(l.Parts))
		}
		again(func() error { return o.Mark(r.ctx, l.Number, []Part{l.Parts[9].Part}) })
		ss := l.all(Submitted)
		ss[8].Verdict, ss[7].Verdict = Back, Retry
		ss[7].Delay = time.Millisecond
		again(func() error { return o.Settle(r.ctx, ss) })
		again(func() error { return r.q.Cancel(r.ctx, "acme", ids[8]) })
		f := Finish{Part: l.Parts[0].Part, Status: StatusDelivered, Carrier: "alpha"}
		again(func() error { _, err := r.q.Finish(r.ctx, []Finish{f}); return err })
		r.pass(20 * time.Millisecond)
		again(func() error { _, err := r.q.stepDue(r.ctx); return err })
		again(func() error { _, err := r.q.stepSweep(r.ctx); return err })
		again(func() error { _, err := r.q.stepSweep(r.ctx); return err })
		again(func() error { _, err := r.q.Get(r.ctx, "acme", ids[0]); return err })
		for name, n := range c.seen {
			if n < 2 && name != "time" && name != "carrier" {
				r.Errorf("%s ran %d times", name, n)
			}
		}
		before := len(r.events("acme"))
		for i := range len(c.calls) {
			c.again(r, i)
			r.checkHome()
		}
		if after := len(r.events("acme")); after != before || before != 10 { // 8 submitted, a cancel, a final
			r.Errorf("%d events, then %d", before, after)
		}
	})
}

// What does not parse goes to dead and to its end, and holds nothing up.
func TestPoison(t *testing.T) {
	onEach(t, func(r *rig) {
		bad := r.accept(push("acme", 3))
		sh := r.q.shardOf("acme")
		b := Block(bad[0][:blockLength])
		raw := r.db.Get(r.ctx, sh.block(b)).Val()
		broken := raw[:be16(raw, 2)+3*entrySize] + strings.Repeat("\xff", len(raw)-be16(raw, 2)-3*entrySize)
		if err := r.db.Set(r.ctx, sh.block(b), broken, 0).Err(); err != nil {
			r.Fatal(err)
		}
		if err := r.db.LPush(r.ctx, sh.lane("default", Normal, "acme"), "no descriptor", string(b)+"/9/9//1").Err(); err != nil {
			r.Fatal(err)
		}
		good := r.accept(push("acme", 1))
		worse := r.accept(push("acme", 1))
		if err := r.db.Set(r.ctx, sh.block(Block(worse[0][:blockLength])), "", 0).Err(); err != nil {
			r.Fatal(err)
		}
		r.q.bodies = bodies{} // as of a process that has yet to read them
		o := r.owner()
		l := r.lease(o, 10)
		if len(l.Parts) != 1 || l.Parts[0].Message.ID != good[0] {
			r.Fatalf("%+v", l.Parts)
		}
		if got := r.statuses("acme", bad[1]); got != "failed" {
			r.Errorf("events: %s", got)
		}
		dead, n, err := r.q.Dead(r.ctx, 10)
		if err != nil || n != 3 || len(dead) != 3 || !strings.Contains(dead[2], string(worse[0])) || !strings.Contains(dead[2], "malformed") {
			r.Errorf("dead: %q, %d, %v", dead, n, err)
		}
		r.settle(o, l.all(Submitted))
		if ok, err := o.Leave(r.ctx); !ok || err != nil {
			r.Errorf("leave: %v %v", ok, err)
		}
	})
}

func TestUnavailable(t *testing.T) {
	s := redistest.Start(t)
	r := newRig(t, redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1}), Options{})
	o := r.owner()
	s.Kill(t)
	if _, err := r.q.Accept(r.ctx, push("acme", 1)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("accept: %v", err)
	}
	if _, err := o.Lease(r.ctx, LeaseRequest{Carrier: "alpha", Routes: []string{"default"}, Max: 1}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("lease: %v", err)
	}
	s.Run(t)
}
