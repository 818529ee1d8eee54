package queue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// outcomes is a plain model of what settle and finish do to slots and tell in
// events: part by part, in the order of the calls, with none of the scripts'
// ways of doing many alike at once.
type outcomes struct {
	*rig
	rt       *rapid.T
	o        *Owner
	accounts []string
	blocks   []Block
	parts    map[Part]*outcome
	order    []Part          // as accepted
	waiting  []Settlement    // of the call: what goes on waiting
	said     map[ID][]string // events by message, in order
	carriers map[string]uint16
	names    []string // of the carriers of the call
}

// outcome is what is known of a part.
type outcome struct {
	slot
	message *[]*outcome // the parts of its message
	id      ID
	why     string // its error in words, of this call
}

func TestOutcomes(t *testing.T) {
	onEach(t, func(r *rig) {
		rapid.Check(r.TB.(*testing.T), func(rt *rapid.T) {
			if err := r.db.FlushAll(r.ctx).Err(); err != nil {
				r.Fatal(err)
			}
			inner := &rig{TB: failing{r.TB, rt}, ctx: r.ctx, db: r.db, q: New(r.db, r.q.o), pass: r.pass}
			if err := inner.q.Start(r.ctx); err != nil {
				r.Fatal(err)
			}
			w := &outcomes{
				rig: inner, rt: rt, parts: map[Part]*outcome{}, said: map[ID][]string{}, carriers: map[string]uint16{},
				accounts: []string{"acme", inner.beside("acme")},
			}
			w.begin()
			for range rapid.IntRange(2, 8).Draw(rt, "steps") {
				rapid.SampledFrom([]func(){w.lease, w.settle, w.settle, w.finish, w.finish, w.forget}).Draw(rt, "step")()
				w.renew(w.o)
				w.check()
			}
			w.checkHome()
		})
	})
}

// begin pushes some blocks, small and large, and leases part of them.
func (w *outcomes) begin() {
	w.o = w.owner()
	for _, c := range []string{"alpha", "beta"} {
		n, err := w.q.carrierNumber(w.ctx, c)
		if err != nil {
			w.Fatal(err)
		}
		w.carriers[c] = n
	}
	for i := range rapid.IntRange(1, 3).Draw(w.rt, "blocks") {
		p := push(w.accounts[i%2], rapid.SampledFrom([]int{1, 2, 9, 40, 120, 260}).Draw(w.rt, "messages"))
		p.Priority = Priority(rapid.IntRange(0, 1).Draw(w.rt, "priority"))
		rarely := rapid.SampledFrom([]int{3, 50, 1000}).Draw(w.rt, "one of so many is unlike")
		random := w.random()
		for j := range p.Messages {
			switch random.IntN(rarely * 2) {
			case 0:
				p.Messages[j].Parts = 2 + random.IntN(2)
			case 1:
				p.Messages[j].Hold = true
			}
		}
		w.add(p, w.accept(p))
	}
	w.lease()
}

// add notes what a push was.
func (w *outcomes) add(p *Push, ids []ID) {
	for i, id := range ids {
		first, err := id.Parse()
		if err != nil {
			w.Fatal(err)
		}
		if !slices.Contains(w.blocks, first.Block) {
			w.blocks = append(w.blocks, first.Block)
		}
		m := &p.Messages[i]
		raw := string(appendSlots(nil, m, 0, w.q.clock.now()))
		message := new([]*outcome)
		for k := range m.Parts {
			part := &outcome{slot: slotAt(raw, k), message: message, id: id}
			*message = append(*message, part)
			at := Part{first.Block, first.Index + uint16(k)}
			w.parts[at], w.order = part, append(w.order, at)
		}
	}
}

func (w *outcomes) random() *rand.Rand {
	return rand.New(rand.NewPCG(rapid.Uint64().Draw(w.rt, "seed"), 0))
}

// lease takes some of what waits: that it takes all of it at last, and in which
// order, is tried elsewhere.
func (w *outcomes) lease() {
	most := rapid.SampledFrom([]int{1, 7, 50, 99, 210, 500}).Draw(w.rt, "most")
	n := 0
	for _, p := range w.parts {
		if p.state.waits() {
			n++
		}
	}
	l := w.rig.lease(w.o, most)
	if len(l.Parts) > most || n > 0 && len(l.Parts) == 0 {
		w.Fatalf("leased %d of %d, asked for %d", len(l.Parts), n, most)
	}
	for _, got := range l.Parts {
		p := w.parts[got.Part]
		if !p.state.waits() || got.Message.ID != p.id || got.Position != p.position {
			w.Fatalf("leased %+v, which is %+v", got, p)
		}
		p.state, p.lease, p.carrier = stateLeased, l.Number, w.carriers["alpha"]
		p.attempts++
		if got.Attempt != p.attempts || got.MaybeSent != p.has(flagMaybeSent) {
			w.Fatalf("leased %+v, which is %+v", got, p)
		}
	}
}

// forget has the process know less of what its events say.
func (w *outcomes) forget() {
	if rapid.Bool().Draw(w.rt, "all") {
		w.q.lines, w.q.bodies = lines{}, bodies{}
		return
	}
	for b, segments := range w.q.lines.known {
		w.q.lines.known[b] = segments[:len(segments)/2]
	}
}

// some are parts for which is, in runs with gaps between them, maybe out of
// order and maybe some of them twice.
func (w *outcomes) some(is func(*outcome) bool) []Part {
	run := rapid.SampledFrom([]int{1, 3, 20, 101, 500}).Draw(w.rt, "run")
	gap := rapid.SampledFrom([]int{0, 1, 5, 6, 7, 8, 30}).Draw(w.rt, "gap")
	from := rapid.IntRange(0, run+gap-1).Draw(w.rt, "from")
	var list []Part
	for i, at := range w.order {
		if (i+from)%(run+gap) < run && is(w.parts[at]) {
			list = append(list, at)
		}
	}
	list = list[:min(len(list), MaxLease-10)]
	switch random := w.random(); rapid.IntRange(0, 4).Draw(w.rt, "order") {
	case 0:
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	case 1:
		slices.Reverse(list)
	case 2:
		for range min(9, len(list)) {
			list = slices.Insert(list, random.IntN(len(list)), list[random.IntN(len(list))])
		}
	}
	return list
}

func (w *outcomes) settle() {
	var ss []Settlement
	random := w.random()
	rarely := rapid.SampledFrom([]int{2, 40, 1 << 30}).Draw(w.rt, "one of so many is not submitted")
	twice := map[Part]Settlement{}
	for _, at := range w.some(func(p *outcome) bool { return p.lease != 0 }) {
		if s, ok := twice[at]; ok {
			ss = append(ss, s)
			continue
		}
		s := Settlement{Part: at, Lease: w.parts[at].lease, Verdict: Submitted, Carrier: "alpha"}
		if random.IntN(rarely) == 0 {
			s.Verdict = []Verdict{Refused, Back, Failed, Uncertain, Retry}[random.IntN(5)]
			s.Error = Error{"smpp:0x0B", "bad address"}
		}
		if random.IntN(rarely) == 1 {
			s.Lease-- // which is none of ours, or over
		}
		ss, twice[at] = append(ss, s), s
	}
	ordered := w.o.ordered(ss)
	w.rig.settle(w.o, ss)
	w.call("alpha")
	for _, b := range w.named(len(ordered), func(i int) Block { return ordered[i].Part.Block }) {
		w.waiting = nil
		for _, s := range ordered {
			if p := w.parts[s.Part]; s.Part.Block == b && p.lease == s.Lease {
				w.settleOne(s, p)
			}
		}
		for _, s := range w.waiting {
			w.goOn(s, w.parts[s.Part])
		}
	}
}

// call begins one: errors in words are known within it, and names of carriers,
// of those that it is about.
func (w *outcomes) call(names ...string) {
	w.names = names
	for _, p := range w.parts {
		p.why = ""
	}
}

// named are the blocks of n things in order of appearance.
func (w *outcomes) named(n int, of func(int) Block) []Block {
	var list []Block
	for i := range n {
		if b := of(i); !slices.Contains(list, b) {
			list = append(list, b)
		}
	}
	return list
}

func (w *outcomes) settleOne(s Settlement, p *outcome) {
	p.lease = 0
	if p.state != stateLeased {
		return
	}
	p.carrier = w.carriers[s.Carrier]
	switch s.Verdict {
	case Submitted:
		w.submitted(p)
	case Refused, Failed:
		st := stateRejected
		if s.Verdict == Failed {
			st = stateFailed
		}
		p.err = errNumber(s.Error.Code)
		w.final(p, st, s.Error)
		w.refuseRest(p, st, s.Error)
	default:
		w.waiting = append(w.waiting, s)
	}
}

func (w *outcomes) refuseRest(p *outcome, st state, e Error) {
	for _, y := range *p.message {
		if y.state.waits() {
			y.err = errNumber(e.Code)
			w.final(y, st, e)
		}
	}
}

func (w *outcomes) goOn(s Settlement, p *outcome) {
	if p.state != stateLeased {
		return
	}
	p.state = stateQueued
	if s.Verdict == Back {
		p.attempts--
		return
	}
	p.err = errNumber(s.Error.Code)
	if s.Verdict == Uncertain {
		p.flags |= flagMaybeSent
		if p.has(flagHold) {
			p.state = stateUncertain
		}
	}
}

func (w *outcomes) submitted(p *outcome) {
	p.state, p.err = stateSubmitted, 0
	p.flags |= flagTaken
	first := (*p.message)[0]
	for _, y := range *p.message {
		if y.state < stateSubmitted || y.state == stateUncertain {
			return
		}
	}
	if !first.has(flagOut) {
		w.tell(p, stateSubmitted, p.carrier, "", false)
	}
}

func (w *outcomes) final(p *outcome, st state, e Error) {
	p.state, p.why = st, inWords(e)
	decides, first := (*p.message)[0], (*p.message)[0]
	for _, y := range *p.message {
		if !y.state.ended() {
			return
		}
		if decides.state == stateDelivered {
			decides = y
		}
	}
	if decides.state == stateDelivered {
		decides = first
	}
	if !first.has(flagOut) {
		first.flags |= flagOut
		why := decides.why
		if why == "" {
			why = inWords(errOf(decides.err))
		}
		w.tell(decides, decides.state, decides.carrier, why, false)
	}
}

func inWords(e Error) string {
	if e == (Error{}) {
		return ""
	}
	return e.Code + ": " + e.Message
}

// tell notes an event, as saidOf puts it.
func (w *outcomes) tell(p *outcome, st state, carrier uint16, why string, late bool) {
	attempt, maybe := 1, false
	for _, y := range *p.message {
		attempt, maybe = max(attempt, int(y.attempts)), maybe || y.has(flagMaybeSent)
	}
	if !maybe && attempt == 1 {
		attempt = 0
	}
	name := ""
	for c, n := range w.carriers {
		if n == carrier && slices.Contains(w.names, c) {
			name = c
		}
	}
	w.said[p.id] = append(w.said[p.id], fmt.Sprint(stateStatus[st], " ", name, " [", why, "] ", len(*p.message), attempt, maybe, late))
}

func saidOf(e *event) string {
	why := ""
	if e.Error != nil {
		why = inWords(*e.Error)
	}
	return fmt.Sprint(e.Status, " ", e.Carrier, " [", why, "] ", e.Parts, e.Attempt, e.Uncertain, e.Late)
}

func (w *outcomes) finish() {
	var fs []Finish
	random := w.random()
	rarely := rapid.SampledFrom([]int{2, 40, 1 << 30}).Draw(w.rt, "one of so many is not delivered")
	leased := rapid.IntRange(0, 3).Draw(w.rt, "of those leased, too") == 0
	for _, at := range w.some(func(p *outcome) bool { return p.state >= stateSubmitted || leased && p.state == stateLeased }) {
		f := Finish{Part: at, Status: StatusDelivered, Carrier: "alpha"}
		if random.IntN(rarely) == 0 {
			f = []Finish{
				{Status: StatusUndelivered, Carrier: "alpha", Error: Error{"receipt:045", "absent"}}, {Status: StatusEnroute, Carrier: "alpha"},
				{Status: StatusRejected, Carrier: "beta", Error: Error{"its own", "word"}}, {Status: StatusDelivered},
				{Status: StatusSubmitted, Late: true, Carrier: "beta"},
				{Status: StatusRejected, Late: true, Carrier: "alpha", Error: Error{"smpp:0x45", ""}},
			}[random.IntN(6)]
			f.Part = at
		}
		if random.IntN(rarely) == 1 {
			f.Part.Index += maxParts // beyond the block
		}
		fs = append(fs, f)
	}
	got := w.rig.finish(fs...)
	var names []string
	for i := range fs {
		names = append(names, fs[i].Carrier)
	}
	w.call(names...)
	want := make([]Finished, len(fs))
	places := make([]int, len(fs))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int { // of one message only the order of its parts counts
		if fs[a].Part.Block != fs[b].Part.Block {
			return strings.Compare(string(fs[a].Part.Block), string(fs[b].Part.Block))
		}
		return int(fs[a].Part.Index) - int(fs[b].Part.Index)
	})
	seen := map[string]bool{}
	for _, i := range places {
		want[i] = w.finishOne(fs[i], w.parts[fs[i].Part], seen)
		if fs[i].Status == StatusEnroute && want[i] == FinishedNew && got[i] == FinishedRepeat {
			want[i] = FinishedRepeat // noted by an earlier call
		}
		if want[i] != got[i] {
			w.Errorf("finish %+v answers %d, want %d", fs[i], got[i], want[i])
		}
	}
}

func (w *outcomes) finishOne(f Finish, p *outcome, enroute map[string]bool) Finished {
	if p == nil {
		return FinishedGone
	}
	st, err := f.state()
	if err != nil {
		w.Fatal(err)
	}
	number, carrier := errNumber(f.Error.Code), w.carriers[f.Carrier]
	switch {
	case st == 0:
		if key := fmt.Sprint(f.Part); p.state.ended() || enroute[key] {
			return FinishedRepeat
		} else {
			enroute[key] = true
		}
		return FinishedNew
	case f.Late && st == stateSubmitted:
		if p.state >= stateSubmitted && p.state != stateUncertain {
			return FinishedRepeat
		}
		p.carrier = carrier
		w.submitted(p)
		return FinishedNew
	case f.Late:
		if p.state != stateUncertain && !(p.state == stateLeased && p.has(flagHold)) {
			return FinishedRepeat
		}
		p.carrier, p.err = carrier, number
		w.final(p, st, f.Error)
		w.refuseRest(p, st, f.Error)
		return FinishedNew
	case !p.state.ended():
		p.carrier, p.err = carrier, number
		w.final(p, st, f.Error)
		return FinishedNew
	case p.state == st || p.has(flagTold):
		return FinishedRepeat
	}
	p.flags |= flagTold
	if (*p.message)[0].has(flagOut) {
		why := inWords(f.Error)
		if why == "" {
			why = inWords(errOf(number))
		}
		w.tell(p, st, carrier, why, true)
	}
	return FinishedContradiction
}

// check holds slots and events against the model.
func (w *outcomes) check() {
	for _, b := range w.blocks {
		for i, got := range readSlots(w.rig, b) {
			want := w.parts[Part{b, uint16(i)}].slot
			got.submitted, got.ended = 0, 0
			if got != want {
				w.Errorf("%s/%d is %+v, want %+v", b, i, got, want)
			}
		}
	}
	said := map[ID][]string{}
	for _, account := range w.accounts {
		for _, e := range w.events(account) {
			said[e.ID] = append(said[e.ID], saidOf(&e))
		}
	}
	if diff := cmp.Diff(w.said, said); diff != "" {
		w.Fatalf("events: %s", diff)
	}
	for _, p := range w.parts {
		if p.lease != 0 && w.o.held.get(w.at(p)).lease != p.lease {
			w.Errorf("%+v is not held", p)
		}
	}
}

func (w *outcomes) at(p *outcome) Part {
	at, _ := p.id.Parse()
	at.Index += uint16(p.position)
	return at
}
