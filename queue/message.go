package queue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Get reads one message of an account. ErrNotFound (also another account's), ErrGone.
func (q *Queue) Get(ctx context.Context, account string, id ID) (*View, error) {
	p, err := id.Parse()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	sh := q.shardOfBlock(p.Block)
	if sh == nil {
		return nil, ErrNotFound
	}
	r, err := q.run(ctx, getScript, sh, string(p.Block), int(p.Index))
	if err != nil {
		return nil, err
	}
	now := r.time(q)
	if len(r.list) == 2 {
		forgotten := r.number()
		if r.err != nil {
			return nil, r.err
		}
		return nil, q.absent(p.Block, now, forgotten)
	}
	slots, notes := r.text(), r.text()
	b, err := bodyOf(&r)
	if err != nil {
		return nil, err
	}
	if b.account != account {
		return nil, ErrNotFound
	}
	m, err := b.message(p.Block, int(p.Index))
	if err != nil {
		return nil, err
	}
	return q.view(ctx, m, slots, notes, now)
}

// absent tells "ended before history" from "never was", by the second in the
// block's name: at is that of the latest block that was removed.
func (q *Queue) absent(b Block, now time.Time, forgotten int64) error {
	at := b.AcceptedAt()
	if at.Unix() <= forgotten || at.Before(now.Add(-q.o.HistoryAge)) {
		return ErrGone
	}
	return ErrNotFound
}

// view makes a message's status of its parts' slots.
func (q *Queue) view(ctx context.Context, m *Message, slots, notes string, now time.Time) (*View, error) {
	v := &View{Message: *m, Status: StatusQueued, Timeline: []Moment{{At: m.AcceptedAt, Status: "queued"}}}
	parts := make([]slot, 0, len(slots)/slotSize)
	for i := range len(slots) / slotSize {
		if s := slotAt(slots, i); s.state != stateSurplus {
			parts = append(parts, s)
		}
	}
	names := map[uint16]string{}
	for _, s := range parts {
		name, err := q.carrierName(ctx, s.carrier)
		if err != nil {
			return nil, err
		}
		names[s.carrier] = name
	}
	decides := v.decide(parts)
	if decides != nil && v.Status != StatusQueued {
		v.Carrier, v.Error = names[decides.carrier], errOf(decides.err)
	}
	v.addTimes(parts, names, now)
	if err := q.addNotes(ctx, v, notes); err != nil {
		return nil, err
	}
	slices.SortStableFunc(v.Timeline, func(a, b Moment) int { return a.At.Compare(b.At) })
	return v, nil
}

// decide sets the status and answers the part that says it: once all have
// ended the first that was not delivered; submitted when all are or have ended.
func (v *View) decide(parts []slot) *slot {
	var decides *slot
	ended, submitted := true, len(parts) > 0
	for i := range parts {
		s := &parts[i]
		if !s.state.ended() {
			ended = false
			submitted = submitted && s.state == stateSubmitted
			if decides == nil || decides.state.ended() {
				decides = s
			}
			continue
		}
		if decides == nil || decides.state == stateDelivered && s.state != stateDelivered {
			decides = s
		}
	}
	switch {
	case decides == nil:
	case ended:
		v.Status = stateStatus[decides.state]
	case submitted:
		v.Status = StatusSubmitted
	}
	return decides
}

// addTimes adds what the slots know: when the last part was submitted, and when
// the last one ended.
func (v *View) addTimes(parts []slot, names map[uint16]string, now time.Time) {
	var submitted, ended *slot
	allSubmitted, allEnded := true, len(parts) > 0
	for i := range parts {
		s := &parts[i]
		allSubmitted = allSubmitted && s.submitted != 0
		allEnded = allEnded && s.state.ended()
		if s.submitted != 0 && (submitted == nil || fromTick(s.submitted, now).After(fromTick(submitted.submitted, now))) {
			submitted = s
		}
		if s.state.ended() && (ended == nil || fromTick(s.ended, now).After(fromTick(ended.ended, now))) {
			ended = s
		}
	}
	if submitted != nil && allSubmitted {
		v.Timeline = append(v.Timeline, Moment{At: fromTick(submitted.submitted, now), Status: "submitted", Carrier: names[submitted.carrier]})
	}
	if ended != nil && allEnded {
		v.Timeline = append(v.Timeline, Moment{At: fromTick(ended.ended, now), Status: v.Status.String(), Carrier: v.Carrier, Error: v.Error})
	}
}

// addNotes adds the rest: lines "ms word part carrier error".
func (q *Queue) addNotes(ctx context.Context, v *View, notes string) error {
	for line := range strings.Lines(notes) {
		f := strings.Fields(line)
		if len(f) != 5 {
			continue // not ours: shown nowhere, harmless
		}
		at, err1 := strconv.ParseInt(f[0], 10, 64)
		carrier, err2 := strconv.ParseUint(f[3], 10, 16)
		number, err3 := strconv.ParseUint(f[4], 10, 16)
		if cmp.Or(err1, err2, err3) != nil {
			continue
		}
		name, err := q.carrierName(ctx, uint16(carrier))
		if err != nil {
			return err
		}
		word, late := strings.CutPrefix(f[1], "late-")
		v.Timeline = append(v.Timeline, Moment{
			At: time.UnixMilli(at).UTC(), Status: word, Carrier: name, Error: errOf(uint16(number)), Late: late,
		})
	}
	return nil
}

// Cancel ends a message that waits and was surely never sent; canceling it
// again is no error. ErrTooLate: it is with a carrier, or was, or has ended
// otherwise. ErrNotFound, ErrGone as Get.
func (q *Queue) Cancel(ctx context.Context, account string, id ID) error {
	p, err := id.Parse()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	sh := q.shardOfBlock(p.Block)
	if sh == nil {
		return ErrNotFound
	}
	r, err := q.run(ctx, cancelScript, sh, string(p.Block), int(p.Index), account)
	if err != nil {
		return err
	}
	switch word := r.text(); word {
	case "canceled":
		r.time(q)
		return r.err
	case "sent":
		return ErrTooLate
	case "absent":
		now, forgotten := r.time(q), r.number()
		if r.err != nil {
			return r.err
		}
		return q.absent(p.Block, now, forgotten)
	default:
		return fmt.Errorf("queue: cancel: redis answers %q", word)
	}
}
