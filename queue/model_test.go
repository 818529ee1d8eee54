package queue

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// world is gateways, users, a carrier and time, at random, over one Redis:
// owners die and come back under a new id, replies are lost (the caller calls
// again), calls are delivered again late. After each step the invariants of the
// messages' home must hold, and no message may have two finals.
type world struct {
	*rig
	rt     *rapid.T
	chaos  *chaos
	owners []*process
	ids    map[ID]*fate
	order  []ID
	ended  map[Part]state
	parts  []Part // every part ever leased
	lost   bool   // the next reply is lost
}

// process is a gateway: an owner and what it holds.
type process struct {
	*Owner
	hold map[Part]Leased
	by   map[Part]LeaseNumber
}

// fate is what is known of a message.
type fate struct {
	account  string
	parts    int
	hold     bool
	canceled bool
	asked    bool           // to be canceled
	written  map[uint16]int // parts of a hold message that may have been written
	final    string
}

func TestModel(t *testing.T) {
	for _, rounds := range []struct {
		name string
		rig  func(t testing.TB) *rig
		time bool
	}{
		{"miniredis", func(t testing.TB) *rig { return miniRig(t, Options{}) }, true},
		{"cluster", clusterRig, false},
	} {
		t.Run(rounds.name, func(t *testing.T) {
			r := rounds.rig(t)
			chaos := r.addChaos()
			rapid.Check(t, func(rt *rapid.T) {
				if err := r.db.FlushAll(r.ctx).Err(); err != nil {
					t.Fatal(err)
				}
				if err := r.q.Start(r.ctx); err != nil {
					t.Fatal(err)
				}
				chaos.calls, chaos.lose = nil, nil
				w := &world{rig: r, rt: rt, chaos: chaos, ids: map[ID]*fate{}, ended: map[Part]state{}}
				w.rig = &rig{TB: failing{t, rt}, ctx: r.ctx, db: r.db, q: r.q, pass: r.pass}
				w.start()
				actions := map[string]func(*rapid.T){
					"accept": w.accept, "lease": w.lease, "settle": w.settle, "receipt": w.receipt, "late": w.late,
					"cancel": w.cancel, "ghost": w.ghost, "lose": w.loseNext, "start": func(*rapid.T) { w.start() },
					"renew": w.renewSome, "due": func(*rapid.T) { w.background()[0]() }, "": func(*rapid.T) { w.check() },
				}
				if rounds.time {
					actions["pass"], actions["kill"] = w.passSome, w.kill
				}
				rt.Repeat(actions)
				if rounds.time {
					w.end()
				}
			})
		})
	}
}

// failing reports to rapid, so that it shrinks.
type failing struct {
	testing.TB
	rt *rapid.T
}

func (f failing) Errorf(format string, args ...any) { f.rt.Errorf(format, args...) }
func (f failing) Error(args ...any)                 { f.rt.Error(args...) }
func (f failing) Fatal(args ...any)                 { f.rt.Fatal(args...) }
func (f failing) Fatalf(format string, args ...any) { f.rt.Fatalf(format, args...) }
func (f failing) Helper()                           {}

// call does what a caller does: again, until there is an answer. The reply of
// its first try may be lost.
func (w *world) call(f func() error) error {
	if w.lost {
		w.lost = false
		once := true
		w.chaos.lose = func(string) bool { was := once; once = false; return was }
	}
	for range 5 {
		err := f()
		if !errors.Is(err, ErrUnavailable) {
			w.chaos.lose = nil
			return err
		}
	}
	w.Fatal("no answer")
	return nil
}

func (w *world) start() {
	if len(w.owners) >= 3 {
		return
	}
	var o *Owner
	if err := w.call(func() (err error) { o, err = w.q.NewOwner(w.ctx); return err }); err != nil {
		w.Fatal(err)
	}
	w.owners = append(w.owners, &process{Owner: o, hold: map[Part]Leased{}, by: map[Part]LeaseNumber{}})
}

func (w *world) loseNext(*rapid.T) { w.lost = true }

func (w *world) ghost(t *rapid.T) {
	if n := len(w.chaos.calls); n > 0 {
		w.chaos.again(w.rig, rapid.IntRange(max(0, n-60), n-1).Draw(t, "call"))
	}
}

func (w *world) accept(t *rapid.T) {
	p := &Push{
		Account: rapid.SampledFrom([]string{"acme", "bolt"}).Draw(t, "account"), Route: "default",
		Priority: Priority(rapid.IntRange(0, 2).Draw(t, "priority")),
	}
	now := w.q.clock.now()
	for i := range rapid.IntRange(1, 4).Draw(t, "messages") {
		m := Message{
			To: fmt.Sprintf("+8210%d", i), Text: "x", Parts: rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "parts"),
			Validity: rapid.SampledFrom([]time.Duration{time.Minute, time.Hour, 48 * time.Hour}).Draw(t, "validity"),
			Hold:     rapid.IntRange(0, 3).Draw(t, "hold") == 0, Campaign: rapid.SampledFrom([]string{"", "c1"}).Draw(t, "campaign"),
		}
		if rapid.IntRange(0, 4).Draw(t, "scheduled") == 0 {
			m.SendAt = now.Add(30 * time.Second)
		}
		p.Messages = append(p.Messages, m)
	}
	if lost := w.lost; rapid.Bool().Draw(t, "keyed") {
		p.Key = &Key{Hash: [16]byte{byte(len(w.ids)), byte(len(w.ids) >> 8), 1}}
	} else { // a sender without a key whose answer is lost sends another message
		w.lost = false
		defer func() { w.lost = lost }()
	}
	var ids []ID
	err := w.call(func() (err error) { ids, err = w.q.Accept(w.ctx, p); return err })
	if err != nil {
		w.Fatal(err)
	}
	for i, id := range ids {
		if w.ids[id] != nil {
			w.Fatal("an id twice")
		}
		w.order = append(w.order, id)
		w.ids[id] = &fate{account: p.Account, parts: p.Messages[i].Parts, hold: p.Messages[i].Hold, written: map[uint16]int{}}
	}
}

func (w *world) some(t *rapid.T) *process {
	if len(w.owners) == 0 {
		w.start()
	}
	return w.owners[rapid.IntRange(0, len(w.owners)-1).Draw(t, "owner")]
}

// lapsed drops a process that learned that its row is gone; its late responses
// are not lost, but this one makes none.
func (w *world) lapsed(p *process) {
	w.owners = slices.DeleteFunc(w.owners, func(o *process) bool { return o == p })
}

func (w *world) lease(t *rapid.T) {
	p := w.some(t)
	most := rapid.IntRange(1, 6).Draw(t, "most")
	var l *Lease
	err := w.call(func() (err error) {
		l, err = p.Lease(w.ctx, LeaseRequest{Carrier: "alpha", Routes: []string{"default"}, Max: most})
		return err
	})
	if errors.Is(err, ErrLapsed) {
		w.lapsed(p)
		return
	}
	if err != nil {
		w.Fatal(err)
	}
	if len(l.Parts) > most {
		w.Errorf("leased %d, asked for %d", len(l.Parts), most)
	}
	for _, part := range l.Parts {
		f := w.ids[part.Message.ID]
		if f == nil || f.canceled || f.final != "" && f.final != "rejected" && f.final != "failed" {
			w.Errorf("leased %v of %s: %+v", part.Part, part.Message.ID, f)
		}
		p.hold[part.Part], p.by[part.Part] = part, l.Number
		if !slices.Contains(w.parts, part.Part) {
			w.parts = append(w.parts, part.Part)
		}
	}
	w.mark(p, l)
}

// mark marks the hold parts of a lease; from then on they may be written.
func (w *world) mark(p *process, l *Lease) {
	var parts []Part
	for _, part := range l.Parts {
		if part.Message.Hold {
			parts = append(parts, part.Part)
		}
	}
	if len(parts) == 0 {
		return
	}
	err := w.call(func() error { return p.Mark(w.ctx, l.Number, parts) })
	if errors.Is(err, ErrLapsed) {
		w.lapsed(p)
		return
	}
	if err != nil {
		w.Fatal(err)
	}
	for _, part := range parts {
		f := w.ids[p.hold[part].Message.ID]
		if f.written[part.Index]++; f.written[part.Index] > 1 {
			w.Errorf("%v of a hold message is sent twice", part)
		}
	}
}

func (w *world) settle(t *rapid.T) {
	p := w.some(t)
	var ss []Settlement
	for _, part := range w.parts {
		if _, mine := p.hold[part]; !mine || !rapid.Bool().Draw(t, "this one") {
			continue
		}
		v := Verdict(rapid.IntRange(1, 8).Draw(t, "verdict"))
		if v == Expired {
			v = Submitted // (time decides that)
		}
		s := Settlement{Part: part, Lease: p.by[part], Verdict: v, Carrier: "alpha", Delay: time.Duration(rapid.IntRange(0, 2).Draw(t, "delay")) * 5 * time.Second}
		if v == Refused {
			s.Error = Error{"smpp:0x0B", "bad address"}
		}
		ss = append(ss, s)
		if f := w.ids[p.hold[part].Message.ID]; v == Back || v == Retry || v == Surplus {
			f.written[part.Index] = 0 // surely not taken
		}
	}
	if len(ss) == 0 {
		return
	}
	err := w.call(func() error { return p.Settle(w.ctx, ss) })
	if errors.Is(err, ErrLapsed) {
		w.lapsed(p)
		return
	}
	if err != nil {
		w.Fatal(err)
	}
	for _, s := range ss {
		delete(p.hold, s.Part)
	}
}

func (w *world) finish(t *rapid.T, f Finish) {
	if len(w.parts) == 0 {
		return
	}
	f.Part, f.Carrier = w.parts[rapid.IntRange(0, len(w.parts)-1).Draw(t, "part")], "alpha"
	if err := w.call(func() error { _, err := w.q.Finish(w.ctx, []Finish{f}); return err }); err != nil {
		w.Fatal(err)
	}
}

func (w *world) receipt(t *rapid.T) {
	w.finish(t, Finish{Status: rapid.SampledFrom([]Status{StatusDelivered, StatusDelivered, StatusUndelivered, StatusEnroute}).Draw(t, "status")})
}

func (w *world) late(t *rapid.T) {
	w.finish(t, Finish{Late: true, Status: rapid.SampledFrom([]Status{StatusSubmitted, StatusRejected}).Draw(t, "status")})
}

func (w *world) cancel(t *rapid.T) {
	if len(w.ids) == 0 {
		return
	}
	id := w.order[rapid.IntRange(0, len(w.order)-1).Draw(t, "message")]
	w.ids[id].asked = true
	err := w.call(func() error { return w.q.Cancel(w.ctx, w.ids[id].account, id) })
	switch {
	case err == nil:
		w.ids[id].canceled = true
	case !errors.Is(err, ErrTooLate):
		w.Fatal(err)
	}
}

func (w *world) renewSome(t *rapid.T) {
	p := w.some(t)
	err := w.call(func() error { return p.Renew(w.ctx) })
	if errors.Is(err, ErrLapsed) {
		w.lapsed(p)
	} else if err != nil {
		w.Fatal(err)
	}
}

func (w *world) kill(t *rapid.T) { w.lapsed(w.some(t)) }

// passSome lets time pass in steps of a third of the lease: most owners renew,
// one may be stopped meanwhile; then the background steps run.
func (w *world) passSome(t *rapid.T) {
	stopped := rapid.IntRange(-1, 2).Draw(t, "stopped")
	for range rapid.SampledFrom([]int{1, 4, 9}).Draw(t, "thirds") {
		w.pass(3 * time.Second)
		for i, p := range slices.Clone(w.owners) {
			if i == stopped {
				continue
			}
			if err := w.call(func() error { return p.Renew(w.ctx) }); errors.Is(err, ErrLapsed) {
				w.lapsed(p)
			} else if err != nil {
				w.Fatal(err)
			}
		}
	}
	if len(w.owners) > 0 {
		w.q.present.Store(w.some(t).Owner)
	}
	for _, do := range w.background() {
		do()
	}
}

// check holds the invariants and the events against each other.
func (w *world) check() {
	w.checkHome()
	w.checkEnded()
	finals, late := map[ID]string{}, map[ID]int{}
	for _, account := range []string{"acme", "bolt"} {
		for _, e := range w.events(account) {
			f := w.ids[e.ID]
			if f == nil {
				w.Fatalf("event of an unknown message: %+v", e)
			}
			switch {
			case e.Late:
				if finals[e.ID] == "" {
					w.Errorf("late before any final: %+v", e)
				}
				if late[e.ID]++; late[e.ID] > f.parts {
					w.Errorf("a contradiction told twice: %+v", e)
				}
			case e.Status == "submitted":
				if finals[e.ID] != "" {
					w.Errorf("submitted after the final: %+v", e)
				}
			default:
				if finals[e.ID] != "" {
					w.Errorf("two finals of %s: %s and %s", e.ID, finals[e.ID], e.Status)
				}
				finals[e.ID] = e.Status
			}
		}
	}
	for id, f := range w.ids {
		if f.final != "" && f.final != finals[id] {
			w.Errorf("final of %s was %s, is %q", id, f.final, finals[id])
		}
		f.final = finals[id]
		// A cancel that was refused and executes once more, late, may find the
		// message waiting again: then it is canceled, as was asked. What nobody
		// asked for is never canceled, and what was canceled stays so.
		if f.canceled && f.final != "canceled" || f.final == "canceled" && !f.asked {
			w.Errorf("%s: canceled %v, final %q", id, f.canceled, f.final)
		}
	}
}

// checkEnded: a final never changes.
func (w *world) checkEnded() {
	for _, sh := range w.q.shards {
		h := &home{rig: w.rig, sh: sh, slots: map[Block][]slot{}, bodies: map[Block]*body{}}
		h.readBlocks()
		for b, slots := range h.slots {
			for i, s := range slots {
				p := Part{b, uint16(i)}
				if was, ok := w.ended[p]; ok && was != s.state && was != stateSurplus {
					w.Errorf("%v ended as %d and is %d", p, was, s.state)
				}
				if s.state.ended() {
					w.ended[p] = s.state
				}
			}
		}
	}
}

// end lets the faults stop: every message ends once, and everything goes.
func (w *world) end() {
	w.lost, w.owners = false, nil
	w.start()
	me := w.owners[0]
	for range 12 {
		w.pass(3 * time.Second)
		w.renew(me.Owner)
	}
	for range 6 {
		w.q.present.Store(me.Owner)
		for _, do := range w.background() {
			do()
		}
	}
	w.check()
	for range 30 {
		w.pass(8 * time.Hour)
		for _, do := range w.background()[:2] {
			do()
		}
		w.check()
	}
	for id, f := range w.ids {
		if f.final == "" {
			view, err := w.q.Get(w.ctx, f.account, id)
			w.Errorf("%s never ended: %+v, %+v, %v", id, f, view, err)
		}
	}
	// lanes may hold descriptors of what is gone until someone leases
	fresh := w.owner()
	for len(w.rig.lease(fresh, 500).Parts) > 0 {
		w.Error("something is leased after the end")
		break
	}
	for _, pattern := range []string{"block:*", "slots:*", "notes:*", "queue:*", "ring:*", "due", "lease:" + "[^x]*.d", "expiry", "history", "dead"} {
		if keys := w.db.Keys(w.ctx, "bindery:*:"+pattern).Val(); len(keys) > 0 {
			w.Errorf("left at the end: %v", keys)
		}
	}
}

func (w *world) background() []func() {
	step := func(do func() error) func() {
		return func() {
			if err := do(); err != nil {
				w.Fatal(err)
			}
		}
	}
	return []func(){
		step(func() error { _, err := w.q.stepDue(w.ctx); return err }),
		step(func() error { _, err := w.q.stepSweep(w.ctx); return err }),
		step(func() error { _, err := w.q.stepReclaim(w.ctx); return err }),
	}
}
