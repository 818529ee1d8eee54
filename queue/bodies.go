package queue

import (
	"context"
	"fmt"
	"sync"
)

// bodies remembers bodies of blocks between the push and the lease, and between
// the leases of one block, so that what this process took it need not read
// again. Bodies never change, so what is remembered cannot grow old. One is
// forgotten when all of it was leased; beyond the bound the oldest go first.
type bodies struct {
	mu    sync.Mutex // guards the rest
	known map[Block]*kept
	order aging[*kept]
	bytes int
}

// kept is one of them.
type kept struct {
	block Block
	raw   string
	left  int // parts that were not leased since
	gone  bool
}

// maxBodyBytes bounds what is remembered.
const maxBodyBytes = 16 << 20

func (k *kept) size() int { return 100 + len(k.raw) }

func (k *kept) isGone() bool { return k.gone }

func (c *bodies) remember(b Block, raw string, parts int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[Block]*kept{}
	}
	if k := c.known[b]; k != nil {
		k.left = min(k.left, parts)
		return
	}
	k := &kept{block: b, raw: raw, left: parts}
	c.known[b] = k
	c.bytes += k.size()
	c.order.add(k, len(c.known), func() bool { return c.bytes > maxBodyBytes }, c.forget)
}

func (c *bodies) forget(k *kept) {
	if !k.gone {
		delete(c.known, k.block)
		c.bytes -= k.size()
		k.gone, k.raw = true, "" // it may stay in order for a while
	}
}

// take is a body of which so many parts were leased now.
func (c *bodies) take(b Block, parts int) (raw string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.known[b]
	if k == nil {
		return "", false
	}
	raw = k.raw
	if k.left -= parts; k.left <= 0 {
		c.forget(k)
	}
	return raw, true
}

// leasedRun is an entry of a lease's reply: slots of a block from a part on, and
// its body.
type leasedRun struct {
	block Block
	from  int
	slots string
	known bool // raw is the body
	raw   string
}

func (r *leasedRun) parts() int { return len(r.slots) / slotSize }

// read takes an entry out of a reply.
func (r *leasedRun) read(from *reply) error {
	r.block, r.from, r.slots = Block(from.text()), int(from.number()), from.text()
	if from.err == nil && (r.from < 0 || r.from+r.parts() > maxParts || len(r.slots)%slotSize != 0) {
		return fmt.Errorf("queue: lease: redis answers parts %d to %d of a block", r.from, r.from+r.parts())
	}
	return from.err
}

// fetchBodies reads the bodies that are not remembered.
func (q *Queue) fetchBodies(ctx context.Context, sh *shard, runs []leasedRun) error {
	var keys []string
	missing := map[Block]int{} // its place in keys
	for i := range runs {
		r := &runs[i]
		if r.raw, r.known = q.bodies.take(r.block, r.parts()); r.known {
			continue
		}
		if _, asked := missing[r.block]; !asked {
			missing[r.block] = len(keys)
			keys = append(keys, sh.block(r.block))
		}
	}
	if len(keys) == 0 {
		return nil
	}
	raws, err := q.db.MGet(ctx, keys...).Result()
	if err != nil {
		return mapError(err)
	}
	for i := range runs {
		r := &runs[i]
		if r.known {
			continue
		}
		r.raw, _ = raws[missing[r.block]].(string) // none: it is gone, and will not parse
		if len(r.raw) >= headFixed {
			if parts := be16(r.raw, 4); parts > r.from+r.parts() { // the rest will be leased next
				q.bodies.remember(r.block, r.raw, parts-r.from-r.parts())
			}
		}
	}
	return nil
}
