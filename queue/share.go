package queue

import (
	"encoding/hex"
	"slices"
	"time"
)

// Small pushes of one lane that wait for the same call share a block: a message
// alone in its block costs Redis several times what one of twenty does, at each
// step and in memory. They are as apart in it as messages of one push are: each
// has its id, its row and its slots. None waits for company, so urgent ones share
// with urgent ones. Single messages with a key share too: accept takes them together
// when none of their keys was used before, else each is made by itself. Streams of
// lines, batches, and what has a rate have blocks of their own.
const (
	shareMessages = 64
	shareOctets   = 16 << 10 // of bodies
)

// line is what the parts of a descriptor have in common.
type line struct {
	account, route, campaign string
	priority                 Priority
	keyed                    bool
}

// sharing is a push that may share a block, or what shares one.
type sharing struct {
	line     line
	key      *Key // like messages a copy: the push's caller may give up and go on
	messages []Message
	parts    int
	octets   int // about, in the body
	members  []*waitingPush
	block    *written // once it is written
}

// sharing is nil for a push that has blocks of its own.
func (p *Push) sharing() *sharing {
	if p.Batch != nil || p.Limit != nil || len(p.Messages) == 0 || len(p.Messages) > shareMessages {
		return nil
	}
	if p.Key != nil && (len(p.Messages) > 1 || p.Key.First != 0 || p.Key.Lines != nil) {
		return nil
	}
	first := &p.Messages[0]
	s := sharing{line: line{p.Account, first.Route, first.Campaign, first.Priority, p.Key != nil}}
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
	if p.Key != nil {
		key := *p.Key
		s.key = &key
	}
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
		if s == nil || s.parts+w.small.parts > maxParts || s.octets+w.small.octets > maxBody || s.hasKey(w.small.key) {
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

// hasKey tells whether one of the block's pushes has the key: of two at once the
// second finds what the first left.
func (s *sharing) hasKey(key *Key) bool {
	return key != nil && slices.ContainsFunc(s.members, func(m *waitingPush) bool { return m.small.key.Hash == key.Hash })
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
	s.block, w.kind, w.args = &block, plain, block.plain(s.line.account)
	if s.line.keyed {
		w.kind, w.args = keyed, s.withKeys(w.args)
	}
	return nil
}

// withKeys adds the pushes' keys, each with what is recorded under it.
func (s *sharing) withKeys(args []any) []any {
	args = append(slices.Grow(args, 1+2*len(s.members)), len(s.members))
	for _, m := range s.members {
		p := Push{Key: m.small.key, Messages: m.small.messages}
		args = append(args, hex.EncodeToString(p.Key.Hash[:]), p.record(hex.EncodeToString(p.Key.Body[:])))
	}
	return args
}
