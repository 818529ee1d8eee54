package gateway

import (
	"context"
	"slices"
	"time"

	"bindery/queue"
)

// watch looks for all dispatchers at once whether anything waits on their
// routes: hundreds of idle carriers that ask each for itself would cost a tenth
// of a core. It rings for what the doorbell may have missed, for what a carrier
// did not take when it rang (it was paused, or not bound), and for carriers that
// took over a route; the dispatchers' own looks are the net below it.
//
// All of it is run's own.
type watch struct {
	queue *queue.Queue
	fleet *fleet
	beat  <-chan struct{} // when to look
	waits *queue.Waits
	at    map[string]int // a route's place in waits
	away  bool           // Redis did not answer the last time
}

const (
	watchEvery = steerEvery      // by whose clock it goes
	watchBound = 5 * time.Second // of one look
	ownLook    = time.Minute     // between a dispatcher's own looks, at least
)

func (w *watch) run(ctx context.Context) {
	for {
		select {
		case <-w.beat:
			w.look(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// look says nothing of an error: the queue's own steps meet and tell it.
func (w *watch) look(ctx context.Context) {
	list := w.fleet.all()
	w.follow(list)
	call, cancel := context.WithTimeout(ctx, watchBound)
	defer cancel()
	waiting, err := w.queue.Waiting(call, w.waits)
	back := w.away && err == nil
	w.away = err != nil
	for _, c := range list {
		for route := range c.drains {
			if at, known := w.at[route]; back || !known || waiting[at] {
				c.ring()
				break
			}
		}
	}
}

// follow asks for the routes that are drained now; one that is not any more is
// asked for until there is a new one.
func (w *watch) follow(list []*carrier) {
	fresh := w.waits == nil
	for _, c := range list {
		for route := range c.drains {
			_, known := w.at[route]
			fresh = fresh || !known
		}
	}
	if !fresh {
		return
	}
	w.at = map[string]int{}
	var routes []string
	for _, c := range list {
		for route := range c.drains {
			if _, known := w.at[route]; !known {
				w.at[route] = len(routes)
				routes = append(routes, route)
			}
		}
	}
	w.waits = queue.NewWaits(routes)
}

// drains goes through the routes whose lanes the carrier leases from.
func (c *carrier) drains(yield func(route string) bool) {
	if !yield(c.own) {
		return
	}
	for _, route := range c.dispatcher.Routes() {
		if !yield(route) {
			return
		}
	}
}

// ring wakes the carrier's dispatcher.
func (c *carrier) ring() { signal(c.wake) }

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// rung passes a doorbell on to those who drain the route.
func (f *fleet) rung(route string) {
	for _, c := range f.all() {
		if route == c.own || slices.Contains(c.dispatcher.Routes(), route) {
			c.ring()
		}
	}
}
