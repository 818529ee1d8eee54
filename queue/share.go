package queue

import (
	"slices"
	"time"
)

// Small pushes of one lane that wait for the same call share a block: a message
// alone in its block costs Redis several times what one of twenty does, at each
// step and in memory. They are as apart in it as messages of one push are: each
// has its id, its row and its slots. None waits for company, so urgent ones share
// with urgent ones. Those with a record, a batch or a rate, which accept answers each
// by itself, do not.
const (
	shareMessages = 64
	shareOctets   = 16 << 10 // of bodies
)

// line is what the parts of a descriptor have in common.
type line struct {
	account, route, campaign string
	priority                 Priority
}

// sharing is a push that may share a block, or what shares one.
type sharing struct {
	line     line
	messages []Message // a copy: the push's caller may give up and go on
	parts    int
	octets   int // about, in the body
	members  []*waitingPush
	block    *written // once it is written
}

// sharing is nil for a push that has blocks of its own.
func (p *Push) sharing() *sharing {
	if p.Key != nil || p.Batch != nil || p.Limit != nil || len(p.Messages) > shareMessages {
		return nil
	}
	first := &p.Messages[0]
	s := sharing{line: line{p.Account, first.Route, first.Campaign, first.Priority}}
	for i := range p.Messages {
		m := &p.Messages[i]
		if !together(first, m) || m.Campaign != first.Campaign || !m.SendAt.IsZero() {
			return nil
		}
		s.parts, s.octets = s.parts+m.Parts, s.octets+m.size()
	}
	if s.parts > maxParts || s.octets > shareOctets {
		return nil
	}
	s.messages = slices.Clone(p.Messages)
	return &s
}

// join finds pushes that share blocks, and writes these. Each stands where the
// first of its pushes stood, so that a lane keeps its order.
func (q *Queue) join(sh *shard, list []*waitingPush) []*waitingPush {
	at := q.clock.now().Truncate(time.Millisecond)
	calls := make([]*waitingPush, 0, len(list))
	var open map[line]*sharing
	for _, w := range list {
		if w.small == nil {
			calls = append(calls, w)
			continue
		}
		s := open[w.small.line]
		if s == nil || s.parts+w.small.parts > maxParts || s.octets+w.small.octets > maxBody {
			if open == nil {
				open = map[line]*sharing{}
			}
			s = &sharing{line: w.small.line}
			open[s.line] = s
			calls = append(calls, &waitingPush{at: at, small: s})
		}
		s.parts, s.octets, s.members = s.parts+w.small.parts, s.octets+w.small.octets, append(s.members, w)
	}
	for _, w := range calls {
		if w.small != nil {
			w.err = w.write(sh)
		}
	}
	return calls
}

// write makes the block of those that share it.
func (w *waitingPush) write(sh *shard) error {
	s := w.small
	if len(s.members) == 1 {
		s.messages = s.members[0].small.messages
	} else {
		n := 0
		for _, m := range s.members {
			n += len(m.small.messages)
		}
		s.messages = make([]Message, 0, n)
		for _, m := range s.members {
			from := len(s.messages)
			s.messages = append(s.messages, m.small.messages...)
			m.small.messages = s.messages[from:]
		}
	}
	b := pushed{messages: s.messages, parts: s.parts}
	for i := range b.messages {
		b.messages[i].accept(w.at)
	}
	b.draw(sh, w.at)
	block, err := b.write(s.line.account, w.at)
	if err != nil {
		return err
	}
	s.block, w.plain, w.args = &block, true, block.plain(s.line.account)
	return nil
}
