package queue

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLife(t *testing.T) {
	onEach(t, func(r *rig) {
		p := push("acme", 120)
		p.Messages[3].Reference, p.Messages[3].Campaign = `r"3`, "spring"
		ids := r.accept(p)
		o := r.owner()
		l := r.lease(o, 50)
		if len(l.Parts) != 50 || l.Left != [3]int{0, 70, 0} {
			r.Fatalf("leased %d, left %v", len(l.Parts), l.Left)
		}
		want := p.Messages[3]
		if diff := cmp.Diff(&want, l.Parts[3].Message); diff != "" {
			r.Error(diff)
		}
		l2 := r.lease(o, 500)
		if len(l2.Parts) != 70 || l2.Parts[0].Message.ID != ids[50] {
			r.Fatalf("leased %d from %v", len(l2.Parts), l2.Parts[0])
		}
		r.settle(o, append(l.all(Submitted), l2.all(Submitted)...))
		part := l.Parts[3].Part
		f := Finish{Part: part, Status: StatusDelivered, Carrier: "alpha"}
		if got := r.finish(f, f); got[0] != FinishedNew || got[1] != FinishedRepeat {
			r.Errorf("finish: %v", got)
		}
		f.Status, f.Error = StatusUndelivered, Error{"receipt:045", "absent"}
		if got := r.finish(f, f); got[0] != FinishedContradiction || got[1] != FinishedRepeat {
			r.Errorf("finish: %v", got)
		}
		if got := r.statuses("acme", ids[3]); got != "submitted delivered undelivered" {
			r.Errorf("events: %s", got)
		}
		if n := len(r.events("acme")); n != 122 {
			r.Errorf("%d events", n)
		}
		v := r.get("acme", ids[3])
		if v.Status != StatusDelivered || v.Carrier != "alpha" || len(v.Timeline) != 4 || !v.Timeline[3].Late || v.Message.Reference != `r"3` {
			r.Errorf("view: %+v", v)
		}
		if _, err := r.q.Get(r.ctx, "other", ids[3]); !errors.Is(err, ErrNotFound) {
			r.Errorf("another account's: %v", err)
		}
		if ok, err := o.Leave(r.ctx); err != nil || !ok {
			r.Errorf("leave: %v %v", ok, err)
		}
	})
}

func TestParts(t *testing.T) {
	onEach(t, func(r *rig) {
		p := push("acme", 2)
		p.Messages[0].Parts = 4
		ids := r.accept(p)
		o := r.owner()
		l := r.lease(o, 3) // larger than what fits: the rest leaves by @alpha
		if len(l.Parts) != 3 || l.Left != [3]int{0, 2, 0} {
			r.Fatalf("%d parts, left %v", len(l.Parts), l.Left)
		}
		l2 := r.lease(o, 1)
		if len(l2.Parts) != 1 || l2.Parts[0].Position != 3 || l2.Parts[0].Message.ID != ids[0] {
			r.Fatalf("%+v", l2)
		}
		r.settle(o, l.all(Submitted))
		if got := r.statuses("acme", ids[0]); got != "" {
			r.Errorf("early: %s", got)
		}
		r.settle(o, l2.all(Surplus))
		if got := r.statuses("acme", ids[0]); got != "submitted" {
			r.Errorf("events: %s", got)
		}
		for i, s := range []Status{StatusUndelivered, StatusDelivered, StatusDelivered} {
			r.finish(Finish{Part: l.Parts[i].Part, Status: s, Carrier: "alpha", Error: Error{"receipt:001", "x"}})
		}
		if got := r.statuses("acme", ids[0]); got != "submitted undelivered" {
			r.Errorf("events: %s", got)
		}
		last := r.events("acme")[1]
		if last.Parts != 3 || last.Error == nil || last.Error.Code != "receipt:001" {
			r.Errorf("%+v", last)
		}
	})
}

func TestWaitsAgain(t *testing.T) {
	onEach(t, func(r *rig) {
		r.accept(push("acme", 10))
		o := r.owner()
		l := r.lease(o, 10)
		r.settle(o, l.all(Back)[:4])
		again := r.lease(o, 10)
		if len(again.Parts) != 4 || again.Parts[0].Part.Index != 0 || again.Parts[0].Attempt != 1 {
			r.Fatalf("%+v", again.Parts)
		}
		r.settle(o, again.all(Uncertain)) // no delay: to the head, maybe sent
		again = r.lease(o, 10)
		if len(again.Parts) != 4 || !again.Parts[0].MaybeSent || again.Parts[0].Attempt != 2 {
			r.Fatalf("%+v", again.Parts)
		}
		ss := again.all(Retry)
		for i := range ss {
			ss[i].Delay = time.Hour
		}
		r.settle(o, ss)
		if l := r.lease(o, 10); len(l.Parts) != 0 || l.Left != [3]int{} {
			r.Fatalf("%+v", l)
		}
		if n := r.db.ZCard(r.ctx, r.q.shardOf("acme").due()).Val(); n != 1 {
			r.Errorf("%d descriptors are due", n)
		}
	})
}
