package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bindery/dlr"
	"bindery/queue"
)

var errAway = errors.New("redis is away")

// fakeQueue is the messages' home: one lane, slots, leases, a log of events.
type fakeQueue struct {
	mu      sync.Mutex
	lane    []queue.Part
	due     map[queue.Part]time.Time
	msgs    map[queue.Part]*queue.Message
	slots   map[queue.Part]*slot
	owner   *fakeOwner
	events  []string // "m1 submitted", in order
	calls   []string // "settle m1=submitted"
	fail    func(call string) error
	max     int // held at most, over the whole test
	present Leaser
	lapses  int
	check   func(queue.Settlement) string // what is wrong with it
	trip    func() time.Duration          // of a call
	bad     []string
}

type slot struct {
	state   string
	attempt uint8
	maybe   bool
	lease   queue.LeaseNumber
	owner   *fakeOwner
}

func newFakeQueue(names ...string) *fakeQueue {
	q := &fakeQueue{
		due: map[queue.Part]time.Time{}, msgs: map[queue.Part]*queue.Message{}, slots: map[queue.Part]*slot{},
		fail: func(string) error { return nil },
		trip: func() time.Duration { return time.Millisecond },
	}
	q.newOwner()
	q.push(names...)
	return q
}

func (q *fakeQueue) newOwner() *fakeOwner {
	q.owner = &fakeOwner{q: q, holds: true}
	q.present = q.owner
	return q.owner
}

func (q *fakeQueue) push(names ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, n := range names {
		p := queue.Part{Block: queue.Block(n)}
		q.msgs[p] = &queue.Message{ID: queue.ID(n), To: "+821000000001", Text: n, Parts: 1, AcceptedAt: time.Now(), Validity: 48 * time.Hour}
		q.slots[p] = &slot{state: "queued"}
		q.lane = append(q.lane, p)
	}
}

// Present and Lapsed are Owners.
func (q *fakeQueue) Present() Leaser { q.mu.Lock(); defer q.mu.Unlock(); return q.present }
func (q *fakeQueue) Lapsed(o Leaser) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.lapses++; q.present == o {
		q.present = nil
	}
}

func (q *fakeQueue) state(name string) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.slots[queue.Part{Block: queue.Block(name)}].state
}

func (q *fakeQueue) held() int { q.mu.Lock(); defer q.mu.Unlock(); return q.heldNow() }

func (q *fakeQueue) heldNow() int {
	n := 0
	for _, s := range q.slots {
		if s.lease != 0 {
			n++
		}
	}
	return n
}

func (q *fakeQueue) most() int     { q.mu.Lock(); defer q.mu.Unlock(); return q.max }
func (q *fakeQueue) log() []string { q.mu.Lock(); defer q.mu.Unlock(); return slices.Clone(q.events) }

// reclaim does to an owner's parts what another instance does.
func (q *fakeQueue) reclaim(o *fakeOwner) {
	q.mu.Lock()
	defer q.mu.Unlock()
	o.lapsed, o.holds = true, false
	var back []queue.Part
	for p, s := range q.slots {
		if s.owner == o && s.lease != 0 {
			s.lease, s.owner = 0, nil
			if s.state == "leased" {
				s.state, s.maybe = "queued", true
				back = append(back, p)
			}
		}
	}
	slices.SortFunc(back, func(a, b queue.Part) int { return strings.Compare(string(a.Block), string(b.Block)) })
	q.lane = append(back, q.lane...)
}

type fakeOwner struct {
	q      *fakeQueue
	number queue.LeaseNumber
	holds  bool
	lapsed bool
	marks  []string
}

func (o *fakeOwner) Holds() bool { o.q.mu.Lock(); defer o.q.mu.Unlock(); return o.holds }

func (o *fakeOwner) Mark(_ context.Context, n queue.LeaseNumber, ps []queue.Part) error {
	o.q.mu.Lock()
	defer o.q.mu.Unlock()
	if err := o.q.fail("mark"); err != nil {
		return err
	}
	for _, p := range ps {
		o.marks = append(o.marks, string(p.Block))
	}
	return nil
}

func (o *fakeOwner) Lease(_ context.Context, r queue.LeaseRequest) (*queue.Lease, error) {
	l, err := o.lease(r)
	time.Sleep(o.q.trip()) // the answer's way back, in the bubble's time
	return l, err
}

func (o *fakeOwner) lease(r queue.LeaseRequest) (*queue.Lease, error) {
	q := o.q
	q.mu.Lock()
	defer q.mu.Unlock()
	if o.lapsed {
		return nil, queue.ErrLapsed
	}
	if err := q.fail("lease"); err != nil {
		return nil, err
	}
	for p, at := range q.due {
		if !time.Now().Before(at) {
			delete(q.due, p)
			q.lane = append([]queue.Part{p}, q.lane...)
		}
	}
	o.number++
	l := &queue.Lease{Number: o.number}
	for len(q.lane) > 0 && len(l.Parts) < r.Max {
		p := q.lane[0]
		q.lane = q.lane[1:]
		s := q.slots[p]
		if s.state != "queued" && s.state != "retry" {
			continue
		}
		s.attempt++
		s.state, s.lease, s.owner = "leased", o.number, o
		l.Parts = append(l.Parts, queue.Leased{Part: p, Attempt: s.attempt, MaybeSent: s.maybe, Message: q.msgs[p]})
	}
	l.Left[1] = len(q.lane)
	q.max = max(q.max, q.heldNow())
	return l, nil
}

var verdicts = map[queue.Verdict]string{
	queue.Submitted: "submitted", queue.Refused: "rejected", queue.Back: "queued", queue.Retry: "retry",
	queue.Failed: "failed", queue.Expired: "expired", queue.Uncertain: "uncertain", queue.Surplus: "surplus",
}

func (o *fakeOwner) Settle(_ context.Context, ss []queue.Settlement) error {
	time.Sleep(o.q.trip())
	q := o.q
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range ss {
		if q.check != nil {
			if bad := q.check(s); bad != "" {
				q.bad = append(q.bad, bad)
			}
		}
		q.calls = append(q.calls, fmt.Sprintf("settle %s=%s", s.Part.Block, verdicts[s.Verdict]))
	}
	if o.lapsed {
		return queue.ErrLapsed
	}
	if err := q.fail("settle"); err != nil {
		return err
	}
	var back []queue.Part
	for _, s := range ss {
		if q.settle(o, s) {
			back = append(back, s.Part)
		}
	}
	q.lane = append(back, q.lane...)
	return nil
}

func (q *fakeQueue) settle(o *fakeOwner, s queue.Settlement) (back bool) {
	x := q.slots[s.Part]
	if x.lease != s.Lease || x.owner != o {
		return false
	}
	x.lease, x.owner = 0, nil
	if x.state != "leased" {
		return false // its final was faster
	}
	x.state = verdicts[s.Verdict]
	if s.Verdict == queue.Expired && x.maybe {
		x.state = "unknown"
	}
	switch s.Verdict {
	case queue.Back:
		x.attempt--
		return true
	case queue.Uncertain:
		x.maybe = true
		q.event(s.Part, "uncertain")
		x.state = "retry"
		q.due[s.Part] = time.Now().Add(s.Delay)
	case queue.Retry:
		q.due[s.Part] = time.Now().Add(s.Delay)
	default:
		q.event(s.Part, x.state)
	}
	return false
}

func (q *fakeQueue) event(p queue.Part, what string) {
	q.events = append(q.events, string(p.Block)+" "+what)
}

var finals = map[queue.Status]string{
	queue.StatusDelivered: "delivered", queue.StatusUndelivered: "undelivered", queue.StatusRejected: "rejected",
	queue.StatusExpired: "expired", queue.StatusUnknown: "unknown",
}

func (q *fakeQueue) Finish(_ context.Context, fs []queue.Finish) ([]queue.Finished, error) {
	time.Sleep(time.Millisecond)
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, f := range fs {
		q.calls = append(q.calls, fmt.Sprintf("finish %s=%d", f.Part.Block, f.Status))
	}
	if err := q.fail("finish"); err != nil {
		return nil, err
	}
	out := make([]queue.Finished, len(fs))
	for i, f := range fs {
		out[i] = q.finish(f)
	}
	return out, nil
}

func (q *fakeQueue) finish(f queue.Finish) queue.Finished {
	x := q.slots[f.Part]
	final, isFinal := finals[f.Status]
	switch {
	case x == nil:
		return queue.FinishedGone
	case f.Late && f.Status == queue.StatusSubmitted:
		if x.state != "retry" && x.state != "uncertain" && x.state != "queued" && x.state != "leased" {
			return queue.FinishedRepeat
		}
		x.state = "submitted"
		q.event(f.Part, "submitted")
	case f.Late:
		if x.state != "uncertain" {
			return queue.FinishedRepeat
		}
		x.state = final
		q.event(f.Part, final)
	case !isFinal || slices.Contains([]string{"delivered", "undelivered", "rejected", "expired", "unknown"}, x.state):
		return queue.FinishedRepeat
	default:
		x.state = final
		q.event(f.Part, final)
	}
	return queue.FinishedNew
}

// fakeHome is the carrier's home.
type fakeHome struct {
	mu      sync.Mutex
	ids     map[string]queue.Part
	parked  map[string][]dlr.Receipt
	drops   int
	full    bool
	fail    func(call string) error
	lookNow bool // hand parked receipts out at once, whoever correlated
}

func newFakeHome() *fakeHome {
	return &fakeHome{ids: map[string]queue.Part{}, parked: map[string][]dlr.Receipt{}, fail: func(string) error { return nil }}
}

func (h *fakeHome) known(p queue.Part) (string, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, q := range h.ids {
		if q == p {
			return id, true
		}
	}
	return "", false
}

func (h *fakeHome) Correlate(_ context.Context, cs []dlr.Correlation) ([]dlr.Parked, error) {
	time.Sleep(time.Millisecond)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.fail("correlate"); err != nil {
		return nil, err
	}
	var ps []dlr.Parked
	for _, c := range cs {
		h.ids[c.ID] = c.Part
		for _, r := range h.parked[c.ID] {
			ps = append(ps, dlr.Parked{ID: c.ID, Part: c.Part, Receipt: r})
		}
	}
	return ps, nil
}

func (h *fakeHome) Find(_ context.Context, rs []dlr.Receipt) ([]dlr.Found, error) {
	time.Sleep(time.Millisecond)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.fail("find"); err != nil {
		return nil, err
	}
	out := make([]dlr.Found, len(rs))
	for i, r := range rs {
		p, known := h.ids[r.IDs[0]]
		switch {
		case known:
			out[i].Part = p
		case h.full:
			out[i].Full = true
		default:
			h.parked[r.IDs[0]] = append(h.parked[r.IDs[0]], r)
			out[i].Parked = true
		}
	}
	return out, nil
}

func (h *fakeHome) Look(context.Context, int) ([]dlr.Parked, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.fail("look"); err != nil {
		return nil, err
	}
	var ps []dlr.Parked
	for id, rs := range h.parked {
		if p, known := h.ids[id]; known && h.lookNow {
			for _, r := range rs {
				ps = append(ps, dlr.Parked{ID: id, Part: p, Receipt: r})
			}
		}
	}
	return ps, nil
}

func (h *fakeHome) Drop(_ context.Context, ps []dlr.Parked) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.fail("drop"); err != nil {
		return err
	}
	for _, p := range ps {
		delete(h.parked, p.ID)
		h.drops++
	}
	return nil
}

// reply is what the fake carrier does with a submission.
type reply struct {
	after time.Duration
	class Class
	late  time.Duration // with ClassUncertain: a late OK this long after submit
	never bool
	sync  bool // told from inside Submit
}

// step is one submit, or one throttled answer.
type step struct {
	name      string
	throttled bool
	at        time.Time
}

// fakeConn is a Connector whose carrier answers by a function.
type fakeConn struct {
	mu       sync.Mutex
	window   int
	open     map[*Submission]bool
	freed    chan struct{}
	answer   func(name string, try int) reply
	sink     Sink
	submits  []string
	at       []time.Time
	tries    map[string]int
	outcomes map[*Submission]int
	bad      []string
	history  []step // submits and throttles, as they came
}

func newFakeConn(window int) *fakeConn {
	return &fakeConn{
		window: window, open: map[*Submission]bool{}, freed: make(chan struct{}, 1), tries: map[string]int{},
		outcomes: map[*Submission]int{},
		answer:   func(string, int) reply { return reply{} },
	}
}

func (c *fakeConn) Window() int            { c.mu.Lock(); defer c.mu.Unlock(); return c.window }
func (c *fakeConn) Freed() <-chan struct{} { return c.freed }
func (c *fakeConn) Slots() int             { c.mu.Lock(); defer c.mu.Unlock(); return max(0, c.window-len(c.open)) }

func (c *fakeConn) Submit(ss []Submission) {
	var now []*Submission
	c.mu.Lock()
	if len(ss) > c.window-len(c.open) {
		c.bad = append(c.bad, fmt.Sprintf("%d submissions for %d slots", len(ss), c.window-len(c.open)))
	}
	for i := range ss {
		s, name := &ss[i], ss[i].Message.Text
		c.tries[name]++
		c.open[s] = true
		c.submits, c.at = append(c.submits, name), append(c.at, time.Now())
		c.history = append(c.history, step{name, false, time.Now()})
		r := c.answer(name, c.tries[name])
		switch {
		case r.sync:
			now = append(now, s)
		case !r.never:
			time.AfterFunc(r.after, func() { c.tell(s, r.class, false) })
		}
		if r.late > 0 {
			time.AfterFunc(r.late, func() { c.tell(s, ClassOK, true) })
		}
	}
	c.mu.Unlock()
	for _, s := range now {
		c.tell(s, c.answer(s.Message.Text, c.tries[s.Message.Text]).class, false)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// tell gives one outcome to the sink, the slot only after it.
func (c *fakeConn) tell(s *Submission, class Class, late bool) {
	c.mu.Lock()
	ended := !late && (!c.open[s] || c.outcomes[s] > 0)
	c.outcomes[s] += btoi(!late && !ended)
	if class == ClassThrottled {
		c.history = append(c.history, step{s.Message.Text, true, time.Now()})
	}
	c.mu.Unlock()
	if ended {
		return // the bind ended before the carrier answered
	}
	o := Outcome{Submission: s, Class: class, Late: late}
	if class == ClassOK {
		o.CarrierID = []byte("id-" + s.Message.Text)
	} else {
		o.Error = queue.Error{Code: "smpp:0x08"}
	}
	c.sink.Outcomes([]Outcome{o})
	c.mu.Lock()
	if !late {
		delete(c.open, s)
	}
	c.mu.Unlock()
	signal(c.freed)
}

func (c *fakeConn) unanswered() []*Submission {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.open))
}

// unbind ends the bind: every open submission ends as class.
func (c *fakeConn) unbind(class Class) {
	c.mu.Lock()
	c.window = 0
	c.mu.Unlock()
	for _, s := range c.unanswered() {
		c.tell(s, class, false)
	}
	signal(c.freed)
}

func (c *fakeConn) bind(window int) { c.mu.Lock(); c.window = window; c.mu.Unlock(); signal(c.freed) }

func (c *fakeConn) sent() []string { c.mu.Lock(); defer c.mu.Unlock(); return slices.Clone(c.submits) }

// acks collects the answers to receipts.
type acks struct {
	mu  sync.Mutex
	got map[uint64]error
	n   map[uint64]int
}

func (a *acks) Stored(token uint64, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.got == nil {
		a.got, a.n = map[uint64]error{}, map[uint64]int{}
	}
	a.got[token] = err
	a.n[token]++
}

func (a *acks) answer(token uint64) (error, int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.got[token], a.n[token]
}

func (a *acks) receipt(token uint64, id string, st queue.Status) Receipt {
	return Receipt{Receipt: dlr.Receipt{IDs: []string{id}, Status: st, At: time.Now()}, Ack: Ack{To: a, Token: token}}
}

// rig is a running dispatcher between fakes.
type rig struct {
	t    *testing.T
	q    *fakeQueue
	h    *fakeHome
	c    *fakeConn
	d    *Dispatcher
	acks acks
}

// start runs a dispatcher in the caller's synctest bubble until the test ends.
func start(t *testing.T, cfg Config, q *fakeQueue, c *fakeConn, rate Rate) *rig {
	t.Helper()
	cfg.Carrier = "alpha"
	h := newFakeHome()
	d, err := New(cfg, Homes{Owners: q, Finisher: q, Correlator: h}, rate)
	if err != nil {
		t.Fatal(err)
	}
	c.sink = d
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { d.Run(ctx, c); close(ended) }()
	r := &rig{t: t, q: q, h: h, c: c, d: d}
	t.Cleanup(func() {
		cancel()
		<-ended
		for _, b := range c.bad {
			t.Error(b)
		}
	})
	return r
}

func (r *rig) wantLog(want ...string) {
	r.t.Helper()
	if got := r.q.log(); !slices.Equal(got, want) {
		r.t.Errorf("events\n got %q\nwant %q", got, want)
	}
}

// sessionCase loads one case of testdata/sessions.jsonl.
func sessionCase(t *testing.T, id string, into any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/sessions.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if strings.Contains(line, `"id": "`+id+`"`) {
			if err := json.Unmarshal([]byte(line), into); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no case %s", id)
}
