package ingress

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bindery/queue"
)

// ErrKeyOfSeveral is the answer to a key for more than one draft: what a stream
// has taken so far is not kept here.
var ErrKeyOfSeveral = errors.New("ingress: an idempotency key stands for one message")

// Accept validates, routes and pushes drafts. One result for each, in order; a
// bad draft spoils no other. Those of one route and priority are pushed
// together: they are in Redis, or none of them is. key is the idempotency key
// of a single draft, or nil.
func (d *Door) Accept(ctx context.Context, a *Account, drafts []Draft, key *queue.Key) []Result {
	results := make([]Result, len(drafts))
	if key != nil && len(drafts) != 1 {
		for i := range results {
			results[i].Err = ErrKeyOfSeveral
		}
		return results
	}
	pushes := newPushes(a, key)
	router, now := d.router.Load(), d.now()
	for i := range drafts {
		c := d.prepare(router, a, &drafts[i], &results[i], now)
		if len(c.errs) == 0 {
			pushes.add(results[i].Route, c, i)
		}
	}
	for _, p := range pushes.list {
		d.push(ctx, p, results)
	}
	return results
}

// prepare does all that needs no Redis, and fills in the result.
func (d *Door) prepare(r *router, a *Account, draft *Draft, res *Result, now time.Time) *checked {
	c := validate(draft, now)
	if !c.faulty("to") && !c.faulty("from") && !c.faulty("priority") {
		route := r.find(c.message.To, draft.From, a.ID, c.priority)
		switch {
		case route == nil:
			c.fault("to", "no route takes this number")
		case !c.faulty("text") && !c.faulty("encoding"):
			p := c.plan(route)
			res.Route, res.Parts, res.Encoding = route.ID, p.Parts, p.Encoding.String()
		}
	}
	if len(c.errs) > 0 {
		*res = Result{Errors: c.errs}
	}
	return c
}

// push hands one group over, and its answers out.
func (d *Door) push(ctx context.Context, g *group, results []Result) {
	ids, err := d.queue.Accept(ctx, &g.push)
	if err == nil && len(ids) != len(g.places) {
		err = fmt.Errorf("ingress: %d ids for %d messages", len(ids), len(g.places))
	}
	for i, place := range g.places {
		if err != nil {
			results[place] = Result{Err: err}
			continue
		}
		results[place].ID = ids[i]
	}
	if err == nil {
		d.accepted(g.push.Account, g.push.Route, len(ids))
	}
}

// group is one push and the places of its messages among the drafts.
type group struct {
	push   queue.Push
	places []int
}

// pushes sorts messages by what a push holds together: route and priority.
type pushes struct {
	account *Account
	key     *queue.Key
	list    []*group
}

func newPushes(a *Account, key *queue.Key) *pushes { return &pushes{account: a, key: key} }

func (ps *pushes) add(route string, c *checked, place int) {
	g := ps.of(route, c.priority)
	g.push.Messages = append(g.push.Messages, c.message)
	g.places = append(g.places, place)
}

func (ps *pushes) of(route string, p queue.Priority) *group {
	for _, g := range ps.list {
		if g.push.Route == route && g.push.Priority == p {
			return g
		}
	}
	g := &group{push: queue.Push{Account: ps.account.ID, Route: route, Priority: p, Key: ps.key}}
	ps.list = append(ps.list, g)
	return g
}
