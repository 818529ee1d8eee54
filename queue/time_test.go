package queue

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCancel(t *testing.T) {
	onEach(t, func(r *rig) {
		p := push("acme", 3)
		p.Messages[0].Parts = 2
		ids := r.accept(p)
		for range 2 {
			if err := r.q.Cancel(r.ctx, "acme", ids[0]); err != nil {
				r.Fatal(err)
			}
		}
		if got := r.statuses("acme", ids[0]); got != "canceled" {
			r.Errorf("events: %s", got)
		}
		if err := r.q.Cancel(r.ctx, "other", ids[1]); !errors.Is(err, ErrNotFound) {
			r.Errorf("another account's: %v", err)
		}
		o := r.owner()
		l := r.lease(o, 10) // skips what was canceled
		if len(l.Parts) != 2 || l.Parts[0].Message.ID != ids[1] || l.Left != [3]int{} {
			r.Fatalf("%+v", l)
		}
		if err := r.q.Cancel(r.ctx, "acme", ids[1]); !errors.Is(err, ErrTooLate) {
			r.Errorf("leased: %v", err)
		}
		r.settle(o, l.all(Back)[:1])
		if err := r.q.Cancel(r.ctx, "acme", ids[1]); err != nil {
			r.Errorf("given back: %v", err)
		}
		if v := r.get("acme", ids[1]); v.Status != StatusCanceled || v.Carrier != "" {
			r.Errorf("%+v", v)
		}
	})
}

func TestScheduledAndRetried(t *testing.T) {
	onEach(t, func(r *rig) {
		p := push("acme", 4)
		at := r.q.clock.now().Add(400 * time.Millisecond)
		p.Messages[1].SendAt, p.Messages[2].SendAt = at, at
		ids := r.accept(p)
		o := r.owner()
		l := r.lease(o, 10)
		if len(l.Parts) != 2 {
			r.Fatalf("%d parts", len(l.Parts))
		}
		if d, err := r.q.Depths(r.ctx); err != nil || d.Scheduled != 2 {
			r.Errorf("%+v %v", d, err)
		}
		ss := l.all(Retry)
		ss[0].Delay, ss[1].Delay = 100*time.Millisecond, 200*time.Millisecond
		r.settle(o, ss)
		r.pass(500 * time.Millisecond)
		d, err := r.q.Depths(r.ctx)
		if want := []Depth{{Route: "default", Priority: Normal, Retrying: 2, Orphan: true}}; err != nil || !cmp.Equal(d.Lanes, want) {
			r.Errorf("%+v %v", d, err)
		}
		r.step(r.q.stepDue)
		l = r.lease(o, 10)
		var got []ID
		for _, p := range l.Parts {
			got = append(got, p.Message.ID)
		}
		// what was tried before goes before what was scheduled
		if diff := cmp.Diff([]ID{ids[0], ids[3], ids[1], ids[2]}, got); diff != "" {
			r.Error(diff)
		}
	})
}

func TestExpiry(t *testing.T) {
	onEach(t, func(r *rig) {
		p := push("acme", 5)
		for i := range p.Messages {
			p.Messages[i].Validity = 300 * time.Millisecond
			p.Messages[i].Hold = i == 2
		}
		r.q.o.ReceiptClock = func(string) time.Duration { return 300 * time.Millisecond }
		ids := r.accept(p)
		o := r.owner()
		l := r.lease(o, 4) // 4 stays
		r.settle(o, l.all(Submitted)[:1])
		r.settle(o, l.all(Uncertain)[1:3]) // 1 waits again, 2 is held
		r.settle(o, l.all(Back)[3:])
		r.pass(time.Second)
		r.step(r.q.stepSweep)
		r.step(r.q.stepSweep)
		want := []string{"submitted unknown", "unknown", "unknown", "expired", "expired"}
		codes := []string{"no_receipt", "uncertain", "uncertain", "validity", "validity"}
		for i, id := range ids {
			if got := r.statuses("acme", id); got != want[i] {
				r.Errorf("message %d: %s, want %s", i, got, want[i])
			}
			if v := r.get("acme", id); v.Error.Code != codes[i] {
				r.Errorf("message %d: %+v", i, v.Error)
			}
		}
		for _, e := range r.events("acme") {
			if uncertain := e.ID == ids[1] || e.ID == ids[2]; e.Uncertain != uncertain {
				r.Errorf("%+v", e)
			}
			if e.Status != "submitted" && e.Error.Message != errOf(errNumber(e.Error.Code)).Message {
				r.Errorf("%+v", e)
			}
		}
		if l := r.lease(o, 10); len(l.Parts) != 0 {
			r.Errorf("%+v", l.Parts)
		}
		if n := r.db.ZCard(r.ctx, r.q.shardOf("acme").expiry()).Val(); n != 0 {
			r.Errorf("%d blocks in expiry", n)
		}
	})
}

func TestReclaim(t *testing.T) {
	onEach(t, func(r *rig) {
		r.brief()
		p := push("acme", 6)
		p.Messages[4].Hold, p.Messages[5].Hold = true, true
		ids := r.accept(p)
		dead := r.owner()
		l := r.lease(dead, 2)
		l2 := r.lease(dead, 10)
		if err := dead.Mark(r.ctx, l2.Number, []Part{l2.Parts[3].Part}); err != nil {
			r.Fatal(err)
		}
		alive := r.owner()
		for range 10 {
			r.pass(220 * time.Millisecond)
			r.renew(alive)
		}
		if dead.Holds() || !alive.Holds() {
			r.Errorf("fences: %v %v", dead.Holds(), alive.Holds())
		}
		r.step(r.q.stepReclaim)
		if err := dead.Renew(r.ctx); !errors.Is(err, ErrLapsed) {
			r.Errorf("renew: %v", err)
		}
		if err := dead.Settle(r.ctx, l.all(Submitted)); !errors.Is(err, ErrLapsed) {
			r.Errorf("settle: %v", err)
		}
		got := r.lease(alive, 10)
		if len(got.Parts) != 5 {
			r.Fatalf("%+v", got.Parts)
		}
		for i, p := range got.Parts {
			if p.Message.ID != ids[i] || p.MaybeSent != (i < 4) || p.Attempt != map[bool]uint8{true: 2, false: 1}[i < 4] {
				r.Errorf("%d: %+v", i, p)
			}
		}
		if n := r.db.Exists(r.ctx, r.q.shardOf("acme").lease(dead.id)).Val(); n != 0 {
			r.Error("the lease of the dead is still there")
		}
		r.settle(alive, got.all(Submitted))
		if e := r.events("acme")[0]; !e.Uncertain || e.Attempt != 2 {
			r.Errorf("%+v", e)
		}
		// the held one: nobody sends it again; a late answer ends its doubt
		f := Finish{Part: l2.Parts[3].Part, Status: StatusSubmitted, Late: true, Carrier: "alpha"}
		if got := r.finish(f, f); got[0] != FinishedNew || got[1] != FinishedRepeat {
			r.Errorf("late response: %v", got)
		}
		if got := r.statuses("acme", ids[5]); got != "submitted" {
			r.Errorf("events: %s", got)
		}
	})
}

func TestNobodyReclaimsTheLiving(t *testing.T) {
	r := miniRig(t, Options{})
	r.accept(push("acme", 1))
	a := r.owner()
	l := r.lease(a, 1)
	b := r.owner()
	for range 4 {
		r.pass(3 * time.Second)
		r.renew(a)
		r.renew(b)
	}
	r.step(r.q.stepReclaim)
	r.pass(30 * time.Second) // Redis was away for both
	r.renew(b)
	r.step(r.q.stepReclaim) // b's renewals are broken: it may not
	r.renew(a)
	r.settle(a, l.all(Submitted))
}

func TestHistory(t *testing.T) {
	onEach(t, func(r *rig) {
		ids := r.accept(push("acme", 2))
		o := r.owner()
		l := r.lease(o, 2)
		for i := range l.Parts {
			r.finish(Finish{Part: l.Parts[i].Part, Status: StatusDelivered, Carrier: "alpha"})
		}
		sh := r.q.shardOf("acme")
		if n := r.db.ZCard(r.ctx, sh.history()).Val(); n != 1 {
			r.Fatalf("%d blocks in history", n)
		}
		r.settle(o, l.all(Submitted)) // only taken off: the receipts were faster
		if got := r.statuses("acme", ids[0]); got != "delivered" {
			r.Errorf("events: %s", got)
		}
		r.q.o.HistoryAge = 0
		if _, err := r.q.run(r.ctx, forgetScript, sh, 0, 0, 100, 0); err != nil {
			r.Fatal(err)
		}
		if _, err := r.q.Get(r.ctx, "acme", ids[0]); !errors.Is(err, ErrGone) {
			r.Errorf("get: %v", err)
		}
		if got := r.finish(Finish{Part: l.Parts[0].Part, Status: StatusDelivered}); got[0] != FinishedGone {
			r.Errorf("finish: %v", got)
		}
		keys, err := r.db.Keys(r.ctx, sh.prefix+"*:"+string(l.Parts[0].Part.Block)).Result()
		if err != nil || len(keys) != 0 {
			r.Errorf("left: %v %v", keys, err)
		}
		if n := r.db.HGet(r.ctx, sh.counts(), "bytes").Val(); n != "0" {
			r.Errorf("history bytes: %s", n)
		}
	})
}

func TestMove(t *testing.T) {
	onEach(t, func(r *rig) {
		p := push("acme", 3)
		p.Route = "old"
		r.accept(p)
		sh := r.q.shardOf("acme")
		for range 2 {
			n, err := r.q.Move(r.ctx, "old", Normal, "default", 10)
			if err != nil {
				r.Fatal(err)
			}
			_ = n
		}
		d, err := r.q.Depths(r.ctx)
		if err != nil || len(d.Lanes) != 1 || d.Lanes[0].Route != "default" || d.Lanes[0].Waiting != 3 {
			r.Errorf("%+v %v", d, err)
		}
		if n := r.db.Exists(r.ctx, sh.ring("old", Normal)).Val(); n != 0 {
			r.Error("the old ring is still there")
		}
		if l := r.lease(r.owner(), 10); len(l.Parts) != 3 || l.Left != [3]int{} {
			r.Errorf("%+v", l)
		}
	})
}
