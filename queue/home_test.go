package queue

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// home is all that a shard holds, as the invariants see it.
type home struct {
	*rig
	sh      *shard
	slots   map[Block][]slot
	bodies  map[Block]*body
	covered map[Part]int         // by descriptors in lanes and due
	owed    map[Part]LeaseNumber // by lease entries
	lanes   map[string]int       // "route:priority:account" → descriptors
	queued  map[Part]string      // part in a lane → "route:priority"
}

// checkHome asserts the invariant of the messages' home: a part that waits is
// covered by exactly one descriptor, a leased one owed by exactly one entry,
// and whatever is derived of the slots says the same as they.
func (r *rig) checkHome() {
	r.Helper()
	for _, sh := range r.q.shards {
		h := &home{
			rig: r, sh: sh, slots: map[Block][]slot{}, bodies: map[Block]*body{}, covered: map[Part]int{},
			owed: map[Part]LeaseNumber{}, lanes: map[string]int{}, queued: map[Part]string{},
		}
		h.readBlocks()
		h.readLanes()
		h.readDue()
		h.readLeases()
		h.checkSlots()
		h.checkCounts()
		h.checkRings()
		h.checkFiled()
	}
}

func (h *home) keys(pattern string) []string {
	h.Helper()
	keys, err := h.db.Keys(h.ctx, strings.NewReplacer("{", "\\{", "}", "\\}").Replace(h.sh.prefix)+pattern).Result()
	if err != nil {
		h.Fatal(err)
	}
	slices.Sort(keys)
	return keys
}

func (h *home) readBlocks() {
	h.Helper()
	for _, key := range h.keys("slots:*") {
		b := Block(strings.TrimPrefix(key, h.sh.prefix+"slots:"))
		raw := h.db.Get(h.ctx, key).Val()
		for i := range len(raw) / slotSize {
			h.slots[b] = append(h.slots[b], slotAt(raw, i))
		}
		body, err := parseBody(h.db.Get(h.ctx, h.sh.block(b)).Val())
		if err != nil {
			h.Fatalf("block %s: %v", b, err)
		}
		h.bodies[b] = body
	}
}

// cover counts what a descriptor covers.
func (h *home) cover(d, where string) []Part {
	h.Helper()
	f := strings.Split(d, "/")
	if len(f) != 5 || len(d) > 64 {
		h.Fatalf("%s: descriptor %q", where, d)
	}
	from, _ := strconv.Atoi(f[1])
	n, _ := strconv.Atoi(f[2])
	var parts []Part
	for i := from; i < from+n; i++ {
		p := Part{Block(f[0]), uint16(i)}
		h.covered[p]++
		parts = append(parts, p)
	}
	return parts
}

func (h *home) readLanes() {
	h.Helper()
	for _, key := range h.keys("queue:*") {
		lane := strings.TrimPrefix(key, h.sh.prefix+"queue:")
		list := h.db.LRange(h.ctx, key, 0, -1).Val()
		h.lanes[lane] = len(list)
		for _, d := range list {
			for _, p := range h.cover(d, lane) {
				h.queued[p] = lane[:strings.LastIndexByte(lane, ':')]
			}
		}
	}
}

func (h *home) readDue() {
	h.Helper()
	for _, member := range h.db.ZRange(h.ctx, h.sh.due(), 0, -1).Val() {
		f := strings.Fields(member)
		if len(f) != 3 {
			h.Fatalf("due: %q", member)
		}
		h.cover(f[2], "due")
	}
}

func (h *home) readLeases() {
	h.Helper()
	rows := h.db.HGetAll(h.ctx, h.sh.owners()).Val()
	for _, key := range h.keys("lease:*") {
		owner := strings.TrimPrefix(key, h.sh.prefix+"lease:")
		if _, ok := rows[owner]; !ok {
			h.Errorf("lease of %s, which has no row", owner)
		}
		all := h.db.HGetAll(h.ctx, key).Val()
		for field, value := range all {
			n, err := strconv.ParseUint(field, 10, 32)
			if err != nil {
				continue
			}
			h.readEntry(LeaseNumber(n), value, all[field+".d"])
		}
	}
}

func (h *home) readEntry(n LeaseNumber, owed, list string) {
	h.Helper()
	sum := 0
	for _, d := range strings.Fields(list) {
		f := strings.Split(d, "/")
		from, _ := strconv.Atoi(f[1])
		count, _ := strconv.Atoi(f[2])
		for i := from; i < from+count; i++ {
			p := Part{Block(f[0]), uint16(i)}
			if slots := h.slots[p.Block]; i >= len(slots) || slots[i].lease != n {
				continue
			}
			sum++
			if was, twice := h.owed[p]; twice {
				h.Errorf("%v is owed by %d and %d", p, was, n)
			}
			h.owed[p] = n
		}
	}
	if fmt.Sprint(sum) != owed || sum == 0 {
		h.Errorf("lease %d owes %s parts, the slots say %d", n, owed, sum)
	}
}

func (h *home) checkSlots() {
	h.Helper()
	for b, slots := range h.slots {
		for i, s := range slots {
			p := Part{b, uint16(i)}
			switch {
			case s.state.waits() && (h.covered[p] != 1 || s.lease != 0):
				h.Errorf("%v waits (%d), covered by %d descriptors, lease %d", p, s.state, h.covered[p], s.lease)
			case s.state.leased() && (h.covered[p] != 0 || h.owed[p] != s.lease || s.lease == 0):
				h.Errorf("%v is leased by %d, owed by %d, covered by %d", p, s.lease, h.owed[p], h.covered[p])
			case s.lease != 0 && h.owed[p] != s.lease:
				h.Errorf("%v says lease %d, owed by %d", p, s.lease, h.owed[p])
			case s.state == stateUncertain && h.covered[p] != 0:
				h.Errorf("%v is uncertain and covered", p)
			}
			if s.state == stateQueued {
				if ra := h.routeOf(s) + ":" + h.bodies[b].priority.String(); h.queued[p] != ra {
					h.Errorf("%v lies in the lane of %q, its slot says %q", p, h.queued[p], ra)
				}
			}
		}
	}
}

func (h *home) routeOf(s slot) string {
	return h.db.HGet(h.ctx, h.sh.routes(), strconv.FormatUint(uint64(s.ended), 10)).Val()
}

func (h *home) checkCounts() {
	h.Helper()
	want := map[string]int{}
	for b, slots := range h.slots {
		body := h.bodies[b]
		for i, s := range slots {
			if !s.state.waits() {
				continue
			}
			m, err := body.message(b, i-int(s.position))
			if err != nil {
				h.Fatal(err)
			}
			switch s.state {
			case stateQueued:
				want["q:"+h.routeOf(s)+":"+body.priority.String()]++
			case stateRetry:
				want["r:"+h.routeOf(s)+":"+body.priority.String()]++
			default:
				want["s"]++
			}
			want["a:"+body.account]++
			if m.Campaign != "" {
				want["c:"+body.account+":"+campaignKey(m.Campaign)]++
			}
		}
	}
	got := map[string]string{}
	for _, key := range []string{h.sh.counts(), h.sh.tallies()} {
		for field, n := range h.db.HGetAll(h.ctx, key).Val() {
			if field != "bytes" && field != "forgotten" {
				got[field] = n
			}
		}
	}
	for field, n := range want {
		if got[field] != strconv.Itoa(n) {
			h.Errorf("count %s is %q, the slots say %d", field, got[field], n)
		}
		delete(got, field)
	}
	if len(got) > 0 {
		h.Errorf("counts of nothing: %v", got)
	}
}

func (h *home) checkRings() {
	h.Helper()
	for _, key := range h.keys("ring:*") {
		ra := strings.TrimPrefix(key, h.sh.prefix+"ring:")
		for _, account := range h.db.LRange(h.ctx, key, 0, -1).Val() {
			if h.lanes[ra+":"+account] == 0 {
				h.Errorf("ring %s has %s, whose lane is empty or which is there twice", ra, account)
			}
			delete(h.lanes, ra+":"+account)
		}
	}
	if len(h.lanes) > 0 {
		h.Errorf("lanes in no ring: %v", h.lanes)
	}
}

// checkFiled: each block once, in expiry no later than the next thing that may
// end, in history when all has ended.
func (h *home) checkFiled() {
	h.Helper()
	for b, slots := range h.slots {
		due, open := h.db.ZScore(h.ctx, h.sh.expiry(), string(b)).Result()
		_, ended := h.db.ZScore(h.ctx, h.sh.history(), string(b)).Result()
		all := !slices.ContainsFunc(slots, func(s slot) bool { return !s.state.ended() })
		if (open == nil) == (ended == nil) || (ended == nil) != all {
			h.Errorf("block %s: in expiry %v, in history %v, all ended %v", b, open == nil, ended == nil, all)
		}
		if open != nil {
			continue
		}
		now := h.q.clock.now()
		for i, s := range slots {
			at := fromTick(be32(h.bodies[b].head, h.bodies[b].table+i*entrySize), now)
			if s.state == stateSubmitted {
				at = fromTick(s.submitted, now).Add(h.q.receiptClock("alpha"))
			}
			if s.state.ended() || s.state.leased() && !at.After(now) {
				continue
			}
			if filed := time.UnixMilli(int64(due)); filed.After(at.Add(2*tick)) && filed.After(now) {
				h.Errorf("block %s is filed at %v, part %d (%d) may end at %v", b, filed, i, s.state, at)
			}
		}
	}
}
