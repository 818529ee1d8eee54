package dlr

import (
	"sync"
	"time"

	"bindery/queue"
)

// recents are the ids that this process correlated lately: most receipts come
// soon, and to whoever had the response. It is a copy of what lies in Redis; what
// is not in it is looked up there. Another process may have made one of these ids
// name another part since; the destination is compared as ever.
type recents struct {
	mu         sync.Mutex // guards the rest
	young, old map[string]recent
	born       time.Time // of young
}

// recent is what an id names. The destination is a copy of its last digits: the
// string that it comes from lies in the body of a block, which would stay.
type recent struct {
	part   queue.Part
	digits [toLength]byte
	n      uint8 // of them; 0: there is none
}

func recentOf(c *Correlation) recent {
	r := recent{part: c.Part}
	r.n = uint8(len(appendDigits(r.digits[:0], c.To)))
	return r
}

// known tells whether there is one, and goes where a receipt says it went.
func (r *recent) known() bool { return r.n > 0 }

func (r *recent) wentTo(to string) bool { return sameDigits(r.digits[:r.n], to) }

// Bounds of each of the two generations.
const (
	maxRecents = 25_000
	recentAge  = 10 * time.Minute
)

// turn makes room, if it is time (mu held).
func (c *recents) turn(now time.Time) {
	if age := now.Sub(c.born); c.young == nil || age > 2*recentAge {
		c.old, c.young, c.born = nil, map[string]recent{}, now
	} else if age > recentAge || len(c.young) >= maxRecents {
		c.old, c.young, c.born = c.young, map[string]recent{}, now
	}
}

func (c *recents) add(ids []string, cs []Correlation, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(now)
	for i, id := range ids {
		c.young[id] = recentOf(&cs[i])
	}
}

// look answers what each id names; the zero recent if it is not known here.
func (c *recents) look(ids []string, now time.Time) []recent {
	list := make([]recent, len(ids))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(now)
	for i, id := range ids {
		r, ok := c.young[id]
		if !ok {
			r = c.old[id]
		}
		list[i] = r
	}
	return list
}

func (c *recents) forget(ks []Known) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range ks {
		delete(c.young, ks[i].ID)
		delete(c.old, ks[i].ID)
	}
}
