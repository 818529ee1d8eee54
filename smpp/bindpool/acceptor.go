package bindpool

import (
	"context"
	"slices"
	"sync"

	"bindery/smpp"
)

// Acceptor is a Source for a carrier that binds to us: a bind of the pool waits
// until the carrier comes by the listener. The listener's Authorize asks Take.
type Acceptor struct {
	mu      sync.Mutex // guards waiting, and over and bound of the claims
	waiting []*claim
}

// claim is a bind that waits, and the Handler of the session that it gets.
type claim struct {
	smpp.Handler
	acceptor *Acceptor
	came     chan *smpp.Session // cap 1
	bound    bool
	over     bool // Open has returned without a session
}

// Open waits for a session that is accepted.
func (a *Acceptor) Open(ctx context.Context, h smpp.Handler) (*smpp.Session, error) {
	c := &claim{Handler: h, acceptor: a, came: make(chan *smpp.Session, 1)}
	a.mu.Lock()
	a.waiting = append(a.waiting, c)
	a.mu.Unlock()
	select {
	case s := <-c.came:
		return s, nil
	case <-ctx.Done():
		return a.giveUp(ctx, c)
	}
}

// giveUp is for a bind that is no longer wanted; a session that was accepted in
// the same moment is still its own, to unbind.
func (a *Acceptor) giveUp(ctx context.Context, c *claim) (*smpp.Session, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case s := <-c.came:
		return s, nil
	default:
	}
	c.over = true
	a.waiting = slices.DeleteFunc(a.waiting, func(w *claim) bool { return w == c })
	return nil, ctx.Err()
}

// Take is the Handler for a carrier that has just said who it is; false when no
// bind waits for one: it has as many as it may.
func (a *Acceptor) Take() (smpp.Handler, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) == 0 {
		return nil, false
	}
	c := a.waiting[0]
	a.waiting = a.waiting[1:]
	if o, ok := c.Handler.(smpp.OperationHandler); ok {
		return operatingClaim{c, o}, true
	}
	return c, true
}

// operatingClaim is a claim whose Handler also does the other operations.
type operatingClaim struct {
	*claim
	smpp.OperationHandler
}

// Bound implements smpp.BoundHandler.
func (c *claim) Bound(s *smpp.Session) {
	c.acceptor.mu.Lock()
	defer c.acceptor.mu.Unlock()
	c.bound = true
	if c.over {
		s.Close()
		return
	}
	c.came <- s
}

// Closed is also told when the carrier was let in and then lost before it was
// bound: the bind goes on waiting.
func (c *claim) Closed(s *smpp.Session, err error) {
	a := c.acceptor
	a.mu.Lock()
	bound := c.bound
	if !bound && !c.over {
		a.waiting = append(a.waiting, c)
	}
	a.mu.Unlock()
	if bound {
		c.Handler.Closed(s, err)
	}
}

// Odd implements smpp.OddHandler.
func (c *claim) Odd(s *smpp.Session, err *smpp.OddError) {
	if h, ok := c.Handler.(smpp.OddHandler); ok {
		h.Odd(s, err)
	}
}
