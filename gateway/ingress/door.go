package ingress

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"bindery/queue"
)

// ErrKeyOfSeveral is the answer to a key for more than one draft: what a stream
// has taken so far is not kept here.
var ErrKeyOfSeveral = errors.New("ingress: an idempotency key stands for one message")

// Accept validates, routes and pushes drafts. One result for each, in order; a
// bad draft spoils no other. The good ones are pushed together: they are in
// Redis, or none of them is. key is the idempotency key of a single draft, or
// nil.
func (d *Door) Accept(ctx context.Context, a *Account, drafts []Draft, key *queue.Key) []Result {
	results := make([]Result, len(drafts))
	if key != nil && len(drafts) != 1 {
		for i := range results {
			results[i].Err = ErrKeyOfSeveral
		}
		return results
	}
	g := group{push: queue.Push{Account: a.ID, Key: key}}
	router, now, parts := d.router.Load(), d.now(), 0
	var c checked
	for i := range drafts {
		if d.prepare(&c, router, a, &drafts[i], &results[i], now) {
			g.add(&c.message, i)
			parts += c.message.Parts
		}
	}
	if len(g.places) > 0 {
		if key != nil {
			keep(key, &results[0])
		}
		g.push.Limit = a.limit(parts)
		if err := d.push(ctx, &g, results); err != nil {
			for _, place := range g.places {
				results[place] = Result{Err: err}
			}
		}
	}
	if key != nil && (g.push.Before || results[0].ID == "") {
		d.repeat(ctx, a, key, &results[0])
	}
	return results
}

// repeat answers a key that was answered before as it was then, also when what it
// stands for would be refused by now: no route takes it any more, or Redis is full.
// Where that cannot be told nothing is said of the draft.
func (d *Door) repeat(ctx context.Context, a *Account, key *queue.Key, r *Result) {
	var before Result
	if d.before(ctx, a, key, &before) && (before.Err == nil || r.Err == nil) {
		*r = before
	}
}

// The first letter of what a record keeps, by the way in.
const (
	keptOne   = "s"
	keptLines = "l"
	keptBatch = "b"
)

// keep notes in the key what its answer says beside the id.
func keep(key *queue.Key, r *Result) {
	key.Kept = fmt.Sprintf("%s %d %s %s", keptOne, r.Parts, r.Encoding, r.Route)
}

// before answers what the key was answered before, if it was: the very same,
// whatever was reloaded in between.
func (d *Door) before(ctx context.Context, a *Account, key *queue.Key, r *Result) bool {
	rec, err := d.queue.Recorded(ctx, a.ID, key.Hash, 0)
	switch {
	case err != nil:
		r.Err = err
		return true
	case rec == nil:
		return false
	}
	kept := strings.Fields(rec.Kept)
	if rec.Body != key.Body || len(rec.IDs) != 1 || len(kept) != 4 || kept[0] != keptOne {
		r.Err = queue.ErrKeyConflict
		return true
	}
	parts, err := strconv.Atoi(kept[1])
	*r = Result{ID: rec.IDs[0], Parts: parts, Encoding: kept[2], Route: kept[3], Err: err}
	return true
}

// prepare does all that needs no Redis, and fills in the result. It answers
// whether the draft can be taken; c then holds its message.
func (d *Door) prepare(c *checked, r *router, a *Account, draft *Draft, res *Result, now time.Time) bool {
	c.validate(draft, now)
	d.route(r, a, c, res)
	if len(c.errs) > 0 {
		*res = Result{Errors: c.errs}
		return false
	}
	return true
}

// route finds the route and counts the parts, as far as the fields that they
// need are right.
func (d *Door) route(r *router, a *Account, c *checked, res *Result) {
	if c.faulty("to") || c.faulty("from") || c.faulty("priority") {
		return
	}
	route := r.find(c.message.To, c.message.From, a.ID, c.message.Priority)
	switch {
	case route == nil:
		c.fault("to", "no route takes this number")
	case !c.faulty("text") && !c.faulty("encoding"):
		p := c.plan(route)
		c.message.Route = route.ID
		res.Route, res.Parts, res.Encoding = route.ID, p.Parts, p.Encoding.String()
	}
}

// group is one push and the places of its messages among the drafts.
type group struct {
	push   queue.Push
	places []int
}

func (g *group) add(m *queue.Message, place int) {
	g.push.Messages = append(g.push.Messages, *m)
	g.places = append(g.places, place)
}

// push hands a group over, and its ids out. With an error the results are as
// they were.
func (d *Door) push(ctx context.Context, g *group, results []Result) error {
	ids, err := d.queue.Accept(ctx, &g.push)
	if err == nil && len(ids) != len(g.places) {
		err = fmt.Errorf("ingress: %d ids for %d messages", len(ids), len(g.places))
	}
	if err != nil {
		return err
	}
	for i, place := range g.places {
		results[place].ID = ids[i]
	}
	if !g.push.Before {
		d.count(&g.push)
	}
	return nil
}

// count tells of the messages of a push by route; those of one mostly stand
// together.
func (d *Door) count(p *queue.Push) {
	from := 0
	for i := range p.Messages {
		if p.Messages[i].Route != p.Messages[from].Route {
			d.accepted(p.Account, p.Messages[from].Route, i-from)
			from = i
		}
	}
	if n := len(p.Messages) - from; n > 0 {
		d.accepted(p.Account, p.Messages[from].Route, n)
	}
}
