package queue

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Depth is what waits on a route at a priority, parts of all accounts.
type Depth struct {
	Route    string // also "@<carrier>": what must leave by that carrier
	Priority Priority
	Waiting  int           // in lanes, to be leased now
	Retrying int           // waiting for the time of their next try
	Oldest   time.Duration // since the first in a lane was accepted; 0 if none
	// Orphan: no living process has named the route for a minute
	// (Options.Routes); of "@<carrier>" it says nothing.
	Orphan bool
}

// Depths tells what waits, by route and priority, and how much is scheduled.
type Depths struct {
	Lanes     []Depth
	Scheduled int
	Held      int
}

// orphanAge: a rolling reload knows a route on one instance before the other.
const orphanAge = time.Minute

// Depths reads the counts of all shards.
func (q *Queue) Depths(ctx context.Context) (Depths, error) {
	var d Depths
	index := map[string]int{}
	for _, sh := range q.shards {
		r, err := q.run(ctx, depthsScript, sh)
		if err != nil {
			return Depths{}, err
		}
		now := r.time(q)
		d.Scheduled += int(r.number())
		d.Held += int(r.number())
		for r.more() {
			lane := r.depth(now)
			key := lane.Route + ":" + lane.Priority.String()
			if i, ok := index[key]; ok {
				d.Lanes[i].add(lane)
				continue
			}
			index[key] = len(d.Lanes)
			d.Lanes = append(d.Lanes, lane)
		}
		if r.err != nil {
			return Depths{}, r.err
		}
	}
	slices.SortFunc(d.Lanes, func(a, b Depth) int {
		if c := strings.Compare(a.Route, b.Route); c != 0 {
			return c
		}
		return int(a.Priority) - int(b.Priority)
	})
	return d, nil
}

func (r *reply) depth(now time.Time) Depth {
	d := Depth{Route: r.text()}
	word := r.text()
	d.Priority = Priority(max(0, slices.Index(priorityWords[:], word)))
	d.Waiting, d.Retrying = int(r.number()), int(r.number())
	if since := r.number(); since >= 0 {
		d.Oldest = max(0, now.Sub(time.Unix(since, 0)))
	}
	d.Orphan = now.Sub(time.UnixMilli(r.number())) > orphanAge && !strings.HasPrefix(d.Route, "@")
	return d
}

func (d *Depth) add(o Depth) {
	d.Waiting += o.Waiting
	d.Retrying += o.Retrying
	d.Oldest = max(d.Oldest, o.Oldest)
	d.Orphan = d.Orphan && o.Orphan
}

// Move takes up to n descriptors (of 1–500 parts each) off the lanes of a route
// and pushes them to another, "" for that of their blocks; it answers how many
// it moved: orphans of a route that is gone, what waits for a carrier that is.
func (q *Queue) Move(ctx context.Context, route string, p Priority, to string, n int) (int, error) {
	moved := 0
	for _, sh := range q.shards {
		accounts, err := q.db.LRange(ctx, sh.ring(route, p), 0, -1).Result()
		if err != nil {
			return moved, mapError(err)
		}
		for _, account := range accounts {
			if moved >= n {
				return moved, nil
			}
			list, err := q.db.LRange(ctx, sh.lane(route, p, account), 0, int64(min(n-moved, 50))-1).Result()
			if err != nil {
				return moved, mapError(err)
			}
			args := []any{route, p.String(), account, to}
			for _, d := range list {
				args = append(args, d)
			}
			r, err := q.run(ctx, moveScript, sh, args...)
			if err != nil {
				return moved, err
			}
			moved += int(r.number())
			if r.time(q); r.err != nil {
				return moved, r.err
			}
		}
	}
	return moved, nil
}

// Dead is what scripts could not make sense of, for a person to look at: events
// of messages whose block does not parse, descriptors, blocks. It answers the
// first n of them and how many there are.
func (q *Queue) Dead(ctx context.Context, n int) (list []string, all int, err error) {
	for _, sh := range q.shards {
		length, err := q.db.LLen(ctx, sh.dead()).Result()
		if err != nil {
			return nil, 0, mapError(err)
		}
		all += int(length)
		if len(list) >= n || length == 0 {
			continue
		}
		some, err := q.db.LRange(ctx, sh.dead(), 0, int64(n-len(list))-1).Result()
		if err != nil {
			return nil, 0, mapError(err)
		}
		list = append(list, some...)
	}
	return list, all, nil
}
