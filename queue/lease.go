package queue

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync/atomic"
)

// MaxLease is the most parts of one lease or settle.
const MaxLease = 500

// quantum is how many parts an account gets in its turn.
const quantum = 50

// asked is a lease call in flight, or one whose answer may have been lost: it is
// asked again under its number before anything else is asked for its carrier.
type asked struct {
	flying bool
	shard  *shard
	args   []any
	n      atomic.Uint32
}

func (a *asked) number() LeaseNumber { return LeaseNumber(a.n.Load()) }

func (a *asked) renumber(n LeaseNumber) {
	a.n.Store(uint32(n))
	a.args[argNumber] = int64(n)
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
	carrier, err := o.q.carrierNumber(ctx, r.Carrier)
	if err != nil {
		return nil, err
	}
	call, err := o.claim(r.Carrier)
	if err != nil {
		return nil, err
	}
	if call.args == nil {
		call.shard = o.q.shards[0]
		call.args = o.leaseArgs(r, carrier)
		call.renumber(o.next(call.shard))
	}
	for {
		reply, err := o.q.run(ctx, leaseScript, call.shard, call.args...)
		if err != nil {
			o.release(r.Carrier, call, false)
			return nil, err
		}
		l, off, err := o.leased(&reply, call.number(), r.Max)
		if err == errOvertaken { //nolint:errorlint // our own value
			call.renumber(o.next(call.shard))
			continue
		}
		o.release(r.Carrier, call, true)
		if err == nil && len(off) > 0 {
			err = o.Settle(ctx, off)
		}
		if err != nil && (l == nil || len(l.Parts) == 0) {
			return nil, err
		}
		return l, nil // what is to come off and did not is found by Renew
	}
}

// errOvertaken: the number is not ahead of the carrier's last; take a new one.
var errOvertaken = fmt.Errorf("queue: lease number was overtaken")

func (o *Owner) leaseArgs(r LeaseRequest, carrier uint16) []any {
	args := []any{
		o.id, r.Carrier, binary.BigEndian.AppendUint16(nil, carrier), int64(0), r.Max, quantum,
		binary.BigEndian.AppendUint32(nil, routeNumber("@"+r.Carrier)), 0,
	}
	for _, route := range r.Routes {
		args = append(args, route)
	}
	return args
}

// leased reads a lease's reply, and answers with it what is to come off at once.
func (o *Owner) leased(r *reply, number LeaseNumber, most int) (*Lease, []Settlement, error) {
	switch word := r.text(); word {
	case "lapsed":
		return nil, nil, o.lapse()
	case "overtaken":
		return nil, nil, errOvertaken
	case "leased":
	default:
		return nil, nil, fmt.Errorf("queue: lease: redis answers %q", word)
	}
	r.time(o.q)
	l := &Lease{Number: number, Left: [3]int{int(r.number()), int(r.number()), int(r.number())}}
	entries := r.sub()
	var off []Settlement
	for r.err == nil && entries.more() {
		e := entries.sub()
		off = append(off, l.add(&e)...)
		if e.err != nil {
			return nil, nil, e.err
		}
	}
	if r.err != nil {
		return nil, nil, r.err
	}
	for len(l.Parts) > most {
		last := len(l.Parts) - 1
		off = append(off, Settlement{Part: l.Parts[last].Part, Lease: number, Verdict: Back})
		l.Parts = l.Parts[:last]
	}
	o.hold(l, off)
	return l, off, nil
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
