package queue

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// maxBlocks of one accept.
const maxBlocks = 128

// pushed is one block of a push.
type pushed struct {
	name     Block
	messages []Message
	parts    int
}

// blocks divides the messages, each route and priority apart, fills in what
// accept draws, and names blocks.
func (p *Push) blocks(sh *shard, at time.Time) ([]pushed, error) {
	sorted, places := p.sorted()
	var list []pushed
	open, from, size := pushed{}, 0, 0
	for i := range sorted {
		m := &sorted[i]
		m.accept(at)
		n := m.size()
		if n > maxBodyAlone/2 {
			return nil, fmt.Errorf("%w: message %d has %d octets, want at most %d", ErrTooLarge, i, n, maxBodyAlone/2)
		}
		if open.parts > 0 {
			last := &sorted[i-1]
			if last.Callback == m.Callback { // told once
				n -= len(m.Callback)
			}
			if !together(last, m) || open.parts+m.Parts > maxParts || size+n > maxBody {
				list = append(list, open)
				open, from, size = pushed{}, i, 0
			}
		}
		open.messages, open.parts, size = sorted[from:i+1], open.parts+m.Parts, size+n
	}
	if open.parts > 0 {
		list = append(list, open)
	}
	if len(list) > maxBlocks {
		return nil, fmt.Errorf("%w: needs %d blocks, want at most %d", ErrTooLarge, len(list), maxBlocks)
	}
	for i := range list {
		list[i].draw(sh, at)
	}
	for i, place := range places {
		p.Messages[place] = sorted[i]
	}
	return list, nil
}

// accept fills in what accept draws, but for the id.
func (m *Message) accept(at time.Time) {
	m.AcceptedAt = at
	if m.ConcatRef == 0 && m.Parts > 1 {
		m.ConcatRef = drawRef()
	}
}

// draw names the block and its messages.
func (b *pushed) draw(sh *shard, at time.Time) {
	b.name = newBlock(sh.index, at)
	var room [idLength]byte // for a block of one
	first, names := 0, slices.Grow(room[:0], idLength*len(b.messages))
	for i := range b.messages {
		names = appendID(names, b.name, first)
		first += b.messages[i].Parts
	}
	ids := string(names)
	for i := range b.messages {
		b.messages[i].ID = idAt(ids, i)
	}
}

func together(a, b *Message) bool { return a.Route == b.Route && a.Priority == b.Priority }

// sorted brings the messages of a route and priority together, in their order.
// places says where in the push each was; nil: they were together already.
func (p *Push) sorted() (ms []Message, places []int) {
	type group struct {
		route    string
		priority Priority
	}
	order := map[group]int{}
	var groups [][]int
	last := -1 // the group of the message before
	for i := range p.Messages {
		m := &p.Messages[i]
		if last < 0 || !together(&p.Messages[i-1], m) {
			g := group{m.Route, m.Priority}
			n, there := order[g]
			if !there {
				n = len(groups)
				order[g] = n
				groups = append(groups, nil)
			}
			last = n
		}
		groups[last] = append(groups[last], i)
	}
	if len(groups) <= 1 {
		return p.Messages, nil
	}
	ms, places = make([]Message, 0, len(p.Messages)), make([]int, 0, len(p.Messages))
	for _, g := range groups {
		for _, i := range g {
			ms, places = append(ms, p.Messages[i]), append(places, i)
		}
	}
	return ms, places
}

// size is about what a message takes in a body.
func (m *Message) size() int {
	return len(m.Text) + len(m.To) + len(m.Reference) + len(m.Campaign) + len(m.Callback) + len(m.From) + 64 + entrySize*m.Parts
}

// size is about what the block's body takes, more where its texts are alike.
func (b *pushed) size(account string) int {
	n := headFixed + 2 + len(account) + len(b.messages[0].Route) + entrySize
	for i := range b.messages {
		n += b.messages[i].size()
	}
	return n
}

// drawRef draws a concatenation reference, 1..65535.
func drawRef() uint16 {
	var b [2]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return max(1, binary.BigEndian.Uint16(b[:]))
}
