package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

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
	leases  int                           // calls
	largest int                           // parts in a lease or settle call since it was asked for
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
		if q.msgs[p].Priority = queue.Normal; n[0] == 'u' {
			q.msgs[p].Priority = queue.Urgent
		}
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

func (q *fakeQueue) asked() int { q.mu.Lock(); defer q.mu.Unlock(); return q.leases }
func (q *fakeQueue) most() int  { q.mu.Lock(); defer q.mu.Unlock(); return q.max }

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
	q.leases++
	q.largest = max(q.largest, r.Max)
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
	o.takeOff(l, queue.Urgent, r.Max)
	o.takeOff(l, queue.Normal, min(r.Max-len(l.Parts), r.Max-r.Urgent))
	for _, p := range q.lane {
		l.Left[q.msgs[p].Priority]++
	}
	q.max = max(q.max, q.heldNow())
	return l, nil
}

// takeOff takes at most n parts of a priority off the lane.
func (o *fakeOwner) takeOff(l *queue.Lease, pr queue.Priority, n int) {
	q := o.q
	q.lane = slices.DeleteFunc(q.lane, func(p queue.Part) bool {
		s := q.slots[p]
		if q.msgs[p].Priority != pr || n <= 0 {
			return false
		}
		if s.state == "queued" || s.state == "retry" {
			n--
			s.attempt++
			s.state, s.lease, s.owner = "leased", o.number, o
			l.Parts = append(l.Parts, queue.Leased{Part: p, Attempt: s.attempt, MaybeSent: s.maybe, Message: q.msgs[p]})
		}
		return true
	})
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
	q.largest = max(q.largest, len(ss))
	if len(ss) > batchMax {
		q.bad = append(q.bad, fmt.Sprintf("%d settlements in a call", len(ss)))
	}
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

func (q *fakeQueue) setFail(f func(string) error) { q.mu.Lock(); q.fail = f; q.mu.Unlock() }
