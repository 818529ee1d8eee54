package queue

import (
	"context"
	"encoding/binary"
	"fmt"
)

// MaxLease is the most parts of one lease or settle.
const MaxLease = 500

// quantum is how many parts an account gets in its turn.
const quantum = 50

// asked is a lease call whose answer may have been lost: it is asked again
// under its number before anything else is asked for its carrier.
type asked struct {
	shard *shard
	args  []any
}

const argNumber = 3 // place of the number in a lease's arguments

// Lease takes parts off the lanes. A call whose answer was lost is made again
// by the next one for that carrier, under the same number; what it took beyond
// the new Max goes back to its lanes.
func (o *Owner) Lease(ctx context.Context, r LeaseRequest) (*Lease, error) {
	if o.lapsed.Load() {
		return nil, ErrLapsed
	}
	if r.Max < 1 || r.Max > MaxLease {
		return nil, fmt.Errorf("queue: lease: max %d, want 1..%d", r.Max, MaxLease)
	}
	call, err := o.claim(r.Carrier)
	if err != nil {
		return nil, err
	}
	defer func() { o.release(r.Carrier, call) }()
	if call == nil {
		carrier, err := o.q.carrierNumber(ctx, r.Carrier)
		if err != nil {
			return nil, err
		}
		call = &asked{shard: o.q.shards[0]}
		call.args = o.leaseArgs(call.shard, r, carrier)
	}
	for {
		reply, err := o.q.run(ctx, leaseScript, call.shard, call.args...)
		if err != nil {
			return nil, err
		}
		l, err := o.leased(ctx, &reply, LeaseNumber(call.args[argNumber].(int64)), r.Max)
		if err == errOvertaken { //nolint:errorlint // our own value
			call.args[argNumber] = int64(o.next(call.shard))
			continue
		}
		call = nil
		return l, err
	}
}

// errOvertaken: the number is not ahead of the carrier's last; take a new one.
var errOvertaken = fmt.Errorf("queue: lease number was overtaken")

func (o *Owner) leaseArgs(sh *shard, r LeaseRequest, carrier uint16) []any {
	n := o.next(sh)
	args := []any{
		o.id, r.Carrier, binary.BigEndian.AppendUint16(nil, carrier), int64(n), r.Max, quantum,
		binary.BigEndian.AppendUint32(nil, routeNumber("@"+r.Carrier)), starvationShare(n),
	}
	for _, route := range r.Routes {
		args = append(args, route)
	}
	return args
}

// starvationShare: one lease in sixteen gives a quarter to bulk first, one to
// normal, so that a flood of urgent messages does not stop the rest for good.
func starvationShare(n LeaseNumber) int {
	switch n % 16 {
	case 0:
		return int(Bulk)
	case 8:
		return int(Normal)
	}
	return 0
}

func (o *Owner) leased(ctx context.Context, r *reply, number LeaseNumber, most int) (*Lease, error) {
	switch word := r.text(); word {
	case "lapsed":
		return nil, o.lapse()
	case "overtaken":
		return nil, errOvertaken
	case "leased":
	default:
		return nil, fmt.Errorf("queue: lease: redis answers %q", word)
	}
	r.time(o.q)
	l := &Lease{Number: number, Left: [3]int{int(r.number()), int(r.number()), int(r.number())}}
	entries := r.sub()
	var off []Settlement
	for r.err == nil && entries.more() {
		e := entries.sub()
		off = append(off, l.add(&e)...)
		if e.err != nil {
			return nil, e.err
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	for len(l.Parts) > most {
		last := len(l.Parts) - 1
		off = append(off, Settlement{Part: l.Parts[last].Part, Lease: number, Verdict: Back})
		l.Parts = l.Parts[:last]
	}
	o.hold(l, off)
	if len(off) == 0 {
		return l, nil
	}
	if err := o.Settle(ctx, off); err != nil && len(l.Parts) == 0 {
		return nil, err
	}
	return l, nil
}

// add reads one entry of a lease's reply into l and answers what is to come
// off at once: parts that ended since (a number asked again), and parts whose
// message does not parse.
func (l *Lease) add(r *reply) []Settlement {
	block, from, slots := Block(r.text()), int(r.number()), r.text()
	b, err := bodyOf(r)
	if r.err != nil {
		return nil
	}
	if from < 0 || from+len(slots)/slotSize > maxParts || len(slots)%slotSize != 0 {
		r.fail("has slots out of range")
		return nil
	}
	var off []Settlement
	var m *Message
	first := -1
	for i := range len(slots) / slotSize {
		s, index := slotAt(slots, i), from+i
		if s.lease != l.Number {
			continue
		}
		part := Part{block, uint16(index)}
		if !s.state.leased() {
			off = append(off, Settlement{Part: part, Lease: l.Number, Verdict: Back})
			continue
		}
		if f := index - int(s.position); err == nil && f != first {
			m, err = b.message(block, f)
			first = f
		}
		if err != nil {
			off = append(off, Settlement{Part: part, Lease: l.Number, Verdict: Failed, Error: Error{"malformed", err.Error()}})
			continue
		}
		l.Parts = append(l.Parts, Leased{
			Part: part, Position: s.position, Attempt: s.attempts, MaybeSent: s.has(flagMaybeSent), Message: m,
		})
	}
	return off
}

// bodyOf reads a whole body, or the pieces of one, as scripts answer them:
// head, constants and their offset, what is shared, rows and their offset.
func bodyOf(r *reply) (*body, error) {
	head := r.text()
	if !r.more() {
		if r.err != nil {
			return nil, r.err
		}
		return parseBody(head)
	}
	b := &body{}
	b.constants, b.constantsAt = r.text(), int(r.number())
	shared := r.text()
	b.rows, b.rowsAt = r.text(), int(r.number())
	if r.err != nil {
		return nil, r.err
	}
	if err := b.parseHead(head); err != nil {
		return nil, err
	}
	return b, b.parseShared(shared)
}
