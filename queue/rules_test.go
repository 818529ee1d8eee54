package queue

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Rules of the scripts that a random walk meets too seldom.

func (r *rig) reclaim(caller, owner *Owner) string {
	r.Helper()
	v, err := r.q.run(r.ctx, reclaimScript, r.q.shardOf("acme"), caller.id, owner.id, "", "")
	if err != nil {
		r.Fatal(err)
	}
	return v.text()
}

func TestWhatWasMaybeSentIsNotCanceled(t *testing.T) {
	r := miniRig(t, Options{})
	ids := r.accept(push("acme", 1))
	o := r.owner()
	r.settle(o, r.lease(o, 1).all(Uncertain))
	if err := r.q.Cancel(r.ctx, "acme", ids[0]); !errors.Is(err, ErrTooLate) {
		t.Errorf("cancel: %v", err)
	}
}

// A late OK ends the doubt of a part that is leased again: what its second
// attempt says later is no second submitted.
func TestLateResponseOfWhatIsLeasedAgain(t *testing.T) {
	onEach(t, func(r *rig) {
		ids := r.accept(push("acme", 2))
		o := r.owner()
		r.settle(o, r.lease(o, 2).all(Uncertain))
		l := r.lease(o, 2)
		late := Finish{Part: l.Parts[0].Part, Status: StatusSubmitted, Late: true, Carrier: "alpha"}
		if got := r.finish(late); got[0] != FinishedNew {
			r.Errorf("late: %v", got)
		}
		refused := Finish{Part: l.Parts[1].Part, Status: StatusRejected, Late: true, Carrier: "alpha", Error: Error{"smpp:0x0B", "no"}}
		if got := r.finish(refused); got[0] != FinishedRepeat { // it is being sent again: that attempt decides
			r.Errorf("late refusal: %v", got)
		}
		r.checkHome()
		r.settle(o, l.all(Submitted))
		for _, id := range ids {
			if got := r.statuses("acme", id); got != "submitted" {
				r.Errorf("events: %s", got)
			}
		}
		r.checkHome()
	})
}

func TestReclaimWaitsForTheRow(t *testing.T) {
	r := miniRig(t, Options{})
	r.accept(push("acme", 1))
	a, b := r.owner(), r.owner()
	l := r.lease(a, 1)
	for range 4 {
		r.pass(3 * time.Second)
		r.renew(a)
		r.renew(b)
	}
	if got := r.reclaim(b, a); got != "alive" {
		t.Errorf("of a living one: %s", got)
	}
	for range 3 { // a's row ends 10 s after its last renewal; a second's grace
		r.pass(3500 * time.Millisecond)
		r.renew(b)
	}
	if got := r.reclaim(b, a); got != "alive" {
		t.Errorf("half a second after its row: %s", got)
	}
	r.pass(4 * time.Second)
	r.renew(b)
	r.pass(6 * time.Second) // b's own last renewal is more than half a lease ago
	if got := r.reclaim(b, a); got != "refused" {
		t.Errorf("by one that may be gone itself: %s", got)
	}
	r.renew(b) // which breaks its succession: it must show for a lease that it lives
	if got := r.reclaim(b, a); got != "refused" {
		t.Errorf("by one that was away: %s", got)
	}
	for range 4 {
		r.pass(3 * time.Second)
		r.renew(b)
	}
	if got := r.reclaim(b, a); got != "gone" {
		t.Errorf("at last: %s", got)
	}
	if err := a.Settle(r.ctx, l.all(Submitted)); !errors.Is(err, ErrLapsed) {
		t.Errorf("settle: %v", err)
	}
}

func TestALapsedRowIsRefused(t *testing.T) {
	onEach(t, func(r *rig) {
		r.accept(push("acme", 2))
		o := r.owner()
		l := r.lease(o, 1)
		owners := r.q.shardOf("acme").owners()
		f := strings.Fields(r.db.HGet(r.ctx, owners, o.id).Val())
		f[3] = "1"
		if err := r.db.HSet(r.ctx, owners, o.id, strings.Join(f, " ")).Err(); err != nil {
			r.Fatal(err)
		}
		for name, call := range map[string]func() error{
			"lease": func() error {
				_, err := o.Lease(r.ctx, LeaseRequest{Carrier: "alpha", Routes: []string{"default"}, Max: 1})
				return err
			},
			"settle": func() error { return o.Settle(r.ctx, l.all(Submitted)) },
			"mark":   func() error { return o.Mark(r.ctx, l.Number, []Part{l.Parts[0].Part}) },
			"renew":  func() error { return o.Renew(r.ctx) },
		} {
			o.lapsed.Store(false)
			if err := call(); !errors.Is(err, ErrLapsed) || o.Holds() {
				r.Errorf("%s: %v", name, err)
			}
		}
	})
}

// A row whose deadline lies more than a lease ahead: the clock of Redis stepped
// back, and its owner may be dead.
func TestTheClockOfRedisStepsBack(t *testing.T) {
	r := miniRig(t, Options{})
	r.accept(push("acme", 1))
	r.pass(24 * time.Hour)
	dead := r.owner()
	r.lease(dead, 1)
	r.pass(-24 * time.Hour)
	alive := r.owner()
	for range 9 {
		r.pass(3 * time.Second)
		r.renew(alive)
		r.step(r.q.stepReclaim)
	}
	if n := len(r.lease(alive, 1).Parts); n != 1 {
		t.Errorf("%d parts", n)
	}
}

// What a lease still owes of a block that is all over is taken off before the
// block goes.
func TestHistoryWaitsForLeases(t *testing.T) {
	r := miniRig(t, Options{})
	r.accept(push("acme", 1))
	o := r.owner()
	l := r.lease(o, 1)
	r.finish(Finish{Part: l.Parts[0].Part, Status: StatusDelivered, Carrier: "alpha"})
	for range 9 {
		r.pass(3 * time.Hour)
		r.step(r.q.stepSweep)
	}
	if ok, err := o.Leave(r.ctx); ok || err != nil {
		t.Errorf("left owing something: %v %v", ok, err)
	}
	r.settle(o, l.all(Submitted))
	if ok, err := o.Leave(r.ctx); !ok || err != nil {
		t.Errorf("leave: %v %v", ok, err)
	}
}

// A part of a message that was refused for good: what still waits of it ends
// with it, what a carrier took does not.
func TestRefusedInPart(t *testing.T) {
	onEach(t, func(r *rig) {
		p := push("acme", 1)
		p.Messages[0].Parts = 3
		ids := r.accept(p)
		o := r.owner()
		l := r.lease(o, 3)
		ss := l.all(Submitted)
		ss[1].Verdict = Back
		r.settle(o, ss[:2])
		ss[2].Verdict, ss[2].Error = Refused, Error{"smpp:0x0B", "bad address"}
		r.settle(o, ss[2:])
		if got := r.statuses("acme", ids[0]); got != "" {
			r.Errorf("while its first part is out: %s", got)
		}
		r.finish(Finish{Part: l.Parts[0].Part, Status: StatusDelivered, Carrier: "alpha"})
		if got := r.statuses("acme", ids[0]); got != "rejected" {
			r.Errorf("events: %s", got)
		}
		if e := r.events("acme")[0]; e.Error == nil || e.Error.Code != "smpp:0x0B" {
			r.Errorf("%+v", e)
		}
		if l := r.lease(o, 3); len(l.Parts) != 0 {
			r.Errorf("%+v", l.Parts)
		}
		r.checkHome()
	})
}

// Parts that wait while others of their message are with a carrier leave by it.
func TestPartsStayTogether(t *testing.T) {
	onEach(t, func(r *rig) {
		p := push("acme", 1)
		p.Messages[0].Parts = 2
		r.accept(p)
		o := r.owner()
		l := r.lease(o, 2)
		ss := l.all(Submitted)
		ss[1].Verdict = Retry
		r.settle(o, ss)
		other, err := o.Lease(r.ctx, LeaseRequest{Carrier: "beta", Routes: []string{"default"}, Max: 9})
		if err != nil || len(other.Parts) != 0 {
			r.Errorf("%+v %v", other, err)
		}
		if n := len(r.lease(o, 9).Parts); n != 1 {
			r.Errorf("%d parts for the carrier that took the first", n)
		}
	})
}

// A surplus part waits again when nothing of its message was taken.
func TestSurplusComesBack(t *testing.T) {
	onEach(t, func(r *rig) {
		p := push("acme", 1)
		p.Messages[0].Parts = 3
		ids := r.accept(p)
		o := r.owner()
		l := r.lease(o, 3)
		ss := l.all(Back)
		ss[2].Verdict = Surplus
		r.settle(o, ss)
		r.checkHome()
		l = r.lease(o, 3)
		if len(l.Parts) != 3 {
			r.Fatalf("%+v", l.Parts)
		}
		ss = l.all(Surplus)
		r.settle(o, ss)
		if got := r.statuses("acme", ids[0]); got != "failed" { // nobody needs any of it: it ends all the same
			r.Errorf("events: %s", got)
		}
	})
}

// Accounts take turns by parts, whatever a lease asks for.
func TestTurns(t *testing.T) {
	for _, c := range []struct{ accounts, most int }{{2, 51}, {3, 60}, {6, 51}, {6, 7}, {2, 1}, {40, 30}} {
		t.Run(fmt.Sprintf("%d accounts, %d at once", c.accounts, c.most), func(t *testing.T) {
			r := miniRig(t, Options{})
			for i := range c.accounts {
				r.accept(push(fmt.Sprint("a", i), 400))
			}
			o := r.owner()
			got, sum := map[string]int{}, 0
			for sum < 100*c.accounts && sum < 1500 {
				l := r.lease(o, c.most)
				for _, p := range l.Parts {
					got[p.Message.Account]++
				}
				sum += len(l.Parts)
			}
			for account, n := range got {
				if share := sum / c.accounts; n < share/2-10 || n > 2*share+10 || len(got) < c.accounts {
					t.Errorf("%s has %d of %d (%d accounts)", account, n, sum, len(got))
				}
			}
			r.checkHome()
		})
	}
}

// A flood of urgent messages leaves a share to the others.
func TestUrgentFirst(t *testing.T) {
	r := miniRig(t, Options{})
	for range 4 {
		r.accept(push("a", 500))
		urgent := push("b", 500)
		urgent.Priority = Urgent
		r.accept(urgent)
	}
	o := r.owner()
	share := 0
	for range 16 {
		for _, p := range r.lease(o, 100).Parts {
			if p.Message.Priority != Urgent {
				share++
			}
		}
	}
	if share != 25 { // of sixteen leases one gives a quarter to normal, one to bulk, where nothing is
		t.Errorf("%d of 1600 were not urgent", share)
	}
	r.checkHome()
}

// A reclaim of much takes several calls, and any instance may go on with it.
func TestReclaimInSteps(t *testing.T) {
	r := miniRig(t, Options{})
	ids := r.accept(push("acme", 1200))
	dead := r.owner()
	var last *Lease
	for range 3 {
		last = r.lease(dead, 400)
	}
	first, second := r.owner(), r.owner()
	for range 8 {
		r.pass(3 * time.Second)
		r.renew(first)
		r.renew(second)
	}
	for i, by := range []*Owner{first, second, first} {
		want := "more"
		if i == 2 {
			want = "gone"
		}
		if got := r.reclaim(by, dead); got != want {
			t.Fatalf("call %d: %s", i, got)
		}
		r.checkHome()
		if err := dead.Settle(r.ctx, last.all(Submitted)); !errors.Is(err, ErrLapsed) {
			t.Errorf("settle: %v", err)
		}
		dead.lapsed.Store(false)
	}
	var got []ID
	for range 3 {
		for _, p := range r.lease(first, 500).Parts {
			got = append(got, p.Message.ID)
		}
	}
	if !slices.Equal(got, ids) {
		t.Errorf("%d of %d, or out of order", len(got), len(ids))
	}
}

// The text of an urgent message, a code mostly, goes with the final of the message,
// whatever becomes of others in its block: told by one receipt of many at once, by
// one of its own, by a refusal, or by a cancel.
func TestUrgentTextsGo(t *testing.T) {
	onEach(t, func(r *rig) {
		const n = 12
		p := push("acme", n)
		p.Priority = Urgent
		for i := range p.Messages {
			p.Messages[i].Text = fmt.Sprintf("your code is 471%02d", i)
		}
		p.Messages[1].Parts = 2
		ids := r.accept(p)
		o := r.owner()
		l := r.lease(o, n-1) // two wait
		r.settle(o, l.all(Submitted)[:n-2])
		ended := map[int]bool{}
		check := func(step string, now ...int) {
			r.Helper()
			for _, i := range now {
				ended[i] = true
			}
			raw := r.db.Get(r.ctx, r.q.shardOf("acme").block(l.Parts[0].Part.Block)).Val()
			for i, id := range ids {
				m := r.get("acme", id).Message
				if gone := strings.TrimSpace(m.Text) == ""; gone != ended[i] || m.From != "1544" || strings.Contains(raw, fmt.Sprintf("471%02d", i)) == gone {
					r.Errorf("%s: message %d is %q, ended %v", step, i, m.Text, ended[i])
				}
			}
		}
		delivered := func(parts ...int) (fs []Finish) {
			for _, k := range parts {
				fs = append(fs, Finish{Part: l.Parts[k].Part, Status: StatusDelivered, Carrier: "alpha"})
			}
			return fs
		}
		check("submitted")
		r.finish(delivered(0)...)
		check("alone", 0)
		r.finish(delivered(1)...)
		check("half of two parts")
		r.finish(delivered(2)...)
		check("the other half", 1)
		r.finish(delivered(3, 4, 5, 7)...)
		check("several", 2, 3, 4, 6)
		r.finish(delivered(4)...)
		check("again")
		r.settle(o, l.all(Refused)[n-2:])
		check("refused", n-3)
		if err := r.q.Cancel(r.ctx, "acme", ids[n-1]); err != nil {
			r.Fatal(err)
		}
		check("canceled", n-1)
		r.settle(o, r.lease(o, 9).all(Submitted))
		r.finish(Finish{Part: Part{Block: l.Parts[0].Part.Block, Index: n - 1}, Status: StatusUndelivered, Carrier: "alpha"})
		check("what was left behind", n-2)
		r.finish(delivered(6, 8, 9)...)
		check("all", 5, 7, 8)
		r.checkHome()
	})
}

func TestOrphans(t *testing.T) {
	r := miniRig(t, Options{Routes: func() []string { return []string{"default"} }})
	old := push("acme", 1)
	old.Route = "old"
	r.accept(old)
	r.accept(push("acme", 1))
	r.renew(r.owner())
	d, err := r.q.Depths(r.ctx)
	if err != nil || len(d.Lanes) != 2 || d.Lanes[0].Orphan || !d.Lanes[1].Orphan {
		t.Errorf("%+v %v", d, err)
	}
	r.pass(2 * time.Minute)
	if d, err = r.q.Depths(r.ctx); err != nil || !d.Lanes[0].Orphan {
		t.Errorf("%+v %v", d, err)
	}
}

// A hold message in doubt is not sent again; nor does one that its owner keeps
// for ever keep its message from ending.
func TestHoldIsKept(t *testing.T) {
	r := miniRig(t, Options{})
	p := push("acme", 2)
	p.Messages[0].Hold = true
	for i := range p.Messages {
		p.Messages[i].Validity = time.Minute
	}
	ids := r.accept(p)
	o := r.owner()
	l := r.lease(o, 2)
	r.settle(o, l.all(Uncertain)[:1])
	if l := r.lease(o, 2); len(l.Parts) != 0 {
		t.Errorf("%+v", l.Parts)
	}
	for range 4 * 13 {
		r.pass(15 * time.Second)
		r.step(r.q.stepSweep)
		r.checkHome()
	}
	for i, id := range ids {
		want := []string{"uncertain", "lost"}[i]
		if v := r.get("acme", id); v.Status != StatusUnknown || v.Error.Code != want {
			t.Errorf("message %d: %v %+v", i, v.Status, v.Error)
		}
	}
}

// A lease that gives a share to a lower priority may end the turns of two
// accounts before their time: both stay in the ring, in their order.
func TestTurnsCutTwice(t *testing.T) {
	r := miniRig(t, Options{})
	o := r.owner()
	for r.lease(o, 1).Number%16 != 7 { // the next gives a quarter to normal before the rest
	}
	r.accept(push("a", 3))
	r.accept(push("b", 1))
	r.accept(push("c", 3))
	var got []string
	for range 2 {
		for _, p := range r.lease(o, 3).Parts {
			got = append(got, p.Message.Account)
		}
		r.checkHome()
	}
	if want := "a b c a a c"; strings.Join(got, " ") != want {
		t.Errorf("leased of %v, want %s", got, want)
	}
}
