package queue

import (
	"slices"
	"strings"
	"sync"
)

// lines remembers, of blocks that this process leased, what scripts put into
// events (lua/body.lua, constant), so that settle and finish need not read the
// body in Redis: reading it is the dearest part of a receipt. Bodies never
// change, so what is remembered cannot grow old; what is not remembered the
// script reads. A segment goes when all its parts have ended; beyond the bound
// the oldest go first.
type lines struct {
	mu    sync.Mutex // guards the rest
	known map[Block][]*segment
	order aging[*segment]
	bytes int
}

// segment is a run of parts of one block.
type segment struct {
	block   Block
	account string
	from    int
	text    string   // constants, as they lie in the body
	offsets []uint32 // of each part's
	joined  bool     // the part before its first is of the same message
	goesOn  bool     // so is the part behind its last
	left    int      // parts that have not ended
	gone    bool
}

// maxLineBytes bounds what is remembered: about half a million messages.
const maxLineBytes = 32 << 20

func (s *segment) size() int { return 120 + len(s.text) + 4*len(s.offsets) }

func (s *segment) isGone() bool { return s.gone }

// segmentOf takes the constants of parts from … to out of a body.
func segmentOf(b *body, block Block, from, to int) *segment {
	end := to + 1
	for end < b.parts && b.constantAt(end) == b.constantAt(to) {
		end++ // parts of one message share a constant
	}
	lo, hi := b.constantAt(from)-b.constantsAt, b.constantAt(end)-b.constantsAt
	if lo < 0 || hi < lo || hi > len(b.constants) {
		return nil
	}
	s := &segment{block: block, account: b.account, from: from, text: strings.Clone(b.constants[lo:hi])}
	s.joined, s.goesOn = from > 0 && b.constantAt(from-1) == b.constantAt(from), end > to+1
	for i := from; i <= to; i++ {
		s.offsets = append(s.offsets, uint32(b.constantAt(i)-b.constantsAt-lo))
	}
	s.left = len(s.offsets)
	return s
}

// line is the event text of a part, "" if the segment does not hold it; single:
// its message has no other part.
func (s *segment) line(part int) (text string, single bool) {
	i := part - s.from
	if i < 0 || i >= len(s.offsets) || int(s.offsets[i]) >= len(s.text) {
		return "", false
	}
	text, _, ok := strings.Cut(s.text[s.offsets[i]:], "\n")
	if !ok {
		return "", false
	}
	_, text, _ = strings.Cut(text, "\t")
	return text, s.alone(i)
}

// alone: does no neighbour have the same offset, as parts of one message do?
func (s *segment) alone(i int) bool {
	if i == 0 && s.joined || i+1 == len(s.offsets) && s.goesOn {
		return false
	}
	return (i == 0 || s.offsets[i-1] != s.offsets[i]) && (i+1 == len(s.offsets) || s.offsets[i+1] != s.offsets[i])
}

func (l *lines) remember(s *segment) {
	if s == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		l.known = map[Block][]*segment{}
	}
	for _, old := range l.known[s.block] {
		if old.from == s.from && len(old.offsets) >= len(s.offsets) {
			return // leased again
		}
	}
	l.known[s.block] = append(l.known[s.block], s)
	l.bytes += s.size()
	l.order.add(s, len(l.known), func() bool { return l.bytes > maxLineBytes }, l.forget)
}

// ended notes that a part has ended.
func (l *lines) ended(p Part) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.known[p.Block] {
		if i := int(p.Index) - s.from; i >= 0 && i < len(s.offsets) {
			if s.left--; s.left == 0 {
				l.forget(s)
			}
			return
		}
	}
}

func (l *lines) forget(s *segment) {
	if s.gone {
		return
	}
	l.bytes -= s.size()
	left := slices.DeleteFunc(l.known[s.block], func(other *segment) bool { return other == s })
	if len(left) == 0 {
		delete(l.known, s.block)
	} else {
		l.known[s.block] = left
	}
	s.gone, s.text, s.offsets = true, "", nil // it may stay in order for a while
}
