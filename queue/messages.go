package queue

import (
	"math"
	"slices"
	"strings"
)

// messages are those of a run of parts that were leased together, read into one
// slab: they go to the carrier and are settled together, too. Whoever keeps one
// of them keeps all, at most maxParts, and the block's body, which their strings
// are cut out of.
type messages struct {
	body  *body
	slab  []Message
	ids   string // of the slab's, as idAt has them
	n     int    // that were read
	texts joined
}

// messagesOf makes room for the messages of what a lease took of a run.
func messagesOf(b *body, r *leasedRun, number LeaseNumber) messages {
	var room [idLength]byte // for a block of one
	ids, last := slices.Grow(room[:0], idLength*r.parts()), math.MinInt
	for i := range r.parts() {
		s := slotAt(r.slots, i)
		if first := r.from + i - int(s.position); s.owed(number) && first != last {
			ids, last = appendID(ids, r.block, first), first
		}
	}
	n := len(ids) / idLength
	return messages{body: b, slab: make([]Message, n), ids: string(ids), texts: joined{left: n}}
}

// next reads the next message, whose first part is the given one.
func (ms *messages) next(first int) (*Message, error) {
	m := &ms.slab[ms.n]
	m.ID = idAt(ms.ids, ms.n)
	ms.n++
	return m, ms.body.read(m, first, &ms.texts)
}

// joined joins texts one behind the other, in pieces of at most maxJoined or one
// text: those of a block are of about one length.
type joined struct {
	b    strings.Builder
	left int // texts that are still to come
}

const maxJoined = 32 << 10 // octets

func (j *joined) join(prefix, text, suffix string) string {
	left := j.left
	j.left--
	n := len(prefix) + len(text) + len(suffix)
	if n == len(prefix) || n == len(text) || n == len(suffix) {
		return prefix + text + suffix // one of them alone: no copy
	}
	if j.b.Cap()-j.b.Len() < n {
		j.b.Reset()
		j.b.Grow(max(n, min(left*n, maxJoined)))
	}
	from := j.b.Len()
	j.b.WriteString(prefix)
	j.b.WriteString(text)
	j.b.WriteString(suffix)
	return j.b.String()[from:]
}
