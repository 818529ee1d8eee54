package bindpool_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"bindery/smpp"
	"bindery/smpp/bindpool"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// carrier is an SMSC in memory behind a Dialer.
type carrier struct {
	began  time.Time
	status func(bind int) pdu.CommandStatus // of the nth bind, from 0; nil: all good
	refuse func(dial int) error             // of the nth dial; nil: none
	mute   bool                             // answers no submit_sm
	slow   time.Duration                    // until a bind is answered

	mu sync.Mutex // guards history and live
	history
	live     []*smpp.Session
	accepted sync.WaitGroup
}

// history is what a carrier has seen.
type history struct {
	dials  []time.Duration
	binds  []time.Duration
	modes  []pdu.CommandID
	places []string
	most   int     // sessions at once
	ends   []error // of sessions
}

func (c *carrier) seen() history {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.history
	h.dials, h.binds, h.ends = slices.Clone(h.dials), slices.Clone(h.binds), slices.Clone(h.ends)
	return h
}

func newCarrier() *carrier { return &carrier{began: time.Now()} }

func (c *carrier) dialer() *bindpool.Dialer {
	return &bindpool.Dialer{
		Addresses:   []string{"smsc:2775"},
		Bind:        pdu.Bind{Header: pdu.Header{ID: pdu.BindTransceiver}, SystemID: []byte("bindery")},
		Session:     smpp.Config{Window: 10},
		DialContext: c.dial,
	}
}

func (c *carrier) dial(_ context.Context, _, address string) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.dials)
	c.dials = append(c.dials, time.Since(c.began))
	c.places = append(c.places, address)
	if c.refuse != nil {
		if err := c.refuse(n); err != nil {
			return nil, err
		}
	}
	ours, theirs := smsctest.Pipe()
	c.accepted.Go(func() {
		s, err := smpp.Accept(context.Background(), theirs, smpp.Config{EnquireLink: -1}, c.authorize)
		if err == nil {
			c.up(s)
			<-s.Done()
			c.gone(s)
		}
	})
	return ours, nil
}

func (c *carrier) authorize(b *pdu.Bind) (pdu.CommandStatus, smpp.Handler) {
	time.Sleep(c.slow)
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.binds)
	c.binds = append(c.binds, time.Since(c.began))
	c.modes = append(c.modes, b.ID)
	if c.status != nil {
		if status := c.status(n); status != pdu.StatusOK {
			return status, nil
		}
	}
	return pdu.StatusOK, (*carrierSide)(c)
}

// drop closes the oldest live sessions, as a broken line does.
func (c *carrier) drop(n int) {
	for _, s := range c.sessions()[:n] {
		s.Close()
	}
}

func (c *carrier) sessions() []*smpp.Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.live)
}

func (c *carrier) up(s *smpp.Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live = append(c.live, s)
	c.most = max(c.most, len(c.live))
}

func (c *carrier) gone(s *smpp.Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live = slices.DeleteFunc(c.live, func(l *smpp.Session) bool { return l == s })
}

// carrierSide is the carrier as the Handler of its sessions.
type carrierSide carrier

func (h *carrierSide) Request(s *smpp.Session, p pdu.PDU) {
	if !h.mute {
		s.Respond(&pdu.SubmitSMResp{Header: pdu.Header{Sequence: p.Head().Sequence}, MessageID: []byte("1")})
	}
}

func (h *carrierSide) Result(*smpp.Session, smpp.Result) {}
func (h *carrierSide) Idle(*smpp.Session)                {}

func (h *carrierSide) Closed(_ *smpp.Session, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ends = append(h.ends, err)
}

// owner notes what the pool tells.
type owner struct {
	mu sync.Mutex // guards what follows
	told
	up    map[int]bool
	wrong []string
}

type told struct {
	events   []string
	failures []bindpool.Failure
	results  map[uint64]string
	requests []int // by bind
	odd      []int
}

func newOwner() *owner { return &owner{up: map[int]bool{}, told: told{results: map[uint64]string{}}} }

func (o *owner) seen() told {
	o.mu.Lock()
	defer o.mu.Unlock()
	return told{
		slices.Clone(o.events), slices.Clone(o.failures), maps.Clone(o.results),
		slices.Clone(o.requests), slices.Clone(o.odd),
	}
}

func (o *owner) locked(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
}

func (o *owner) Odd(bind int, _ *smpp.OddError) { o.locked(func() { o.odd = append(o.odd, bind) }) }

func (o *owner) Request(bind int, s *smpp.Session, p pdu.PDU) {
	o.locked(func() { o.requests = append(o.requests, bind) })
	s.Respond(&pdu.DeliverSMResp{Header: pdu.Header{Sequence: p.Head().Sequence}})
}

func (o *owner) Idle(int) {}

func (o *owner) Result(bind int, r smpp.Result) {
	o.locked(func() {
		if _, dup := o.results[r.Token]; dup && !r.Late {
			o.wrong = append(o.wrong, fmt.Sprintf("token %d has two results", r.Token))
		}
		text := "ok"
		if r.Err != nil {
			text = fmt.Sprintf("written %v: %v", r.Written, r.Err)
			if !o.up[bind] && !errors.Is(r.Err, smpp.ErrTimeout) {
				o.wrong = append(o.wrong, fmt.Sprintf("a result of bind %d after its down", bind))
			}
		}
		o.results[r.Token] = text
	})
}

func (o *owner) Up(bind int) {
	o.locked(func() {
		if o.up[bind] {
			o.wrong = append(o.wrong, fmt.Sprintf("bind %d is up twice", bind))
		}
		o.up[bind] = true
		o.events = append(o.events, fmt.Sprintf("up %d", bind))
	})
}

func (o *owner) Down(bind int, _ error) {
	o.locked(func() {
		if !o.up[bind] {
			o.wrong = append(o.wrong, fmt.Sprintf("bind %d is down twice", bind))
		}
		o.up[bind] = false
		o.events = append(o.events, fmt.Sprintf("down %d", bind))
	})
}

func (o *owner) Failed(_ int, f bindpool.Failure) {
	o.locked(func() { o.failures = append(o.failures, f) })
}

// pooled makes a pool of a carrier; at the test's end it is closed, nothing is
// left at the carrier, and the owner was told nothing out of order.
func pooled(t *testing.T, c *carrier, cfg bindpool.Config) (*bindpool.Pool, *owner) {
	t.Helper()
	return pooledFrom(t, c, c.dialer(), cfg)
}

func pooledFrom(t *testing.T, c *carrier, source bindpool.Source, cfg bindpool.Config) (*bindpool.Pool, *owner) {
	t.Helper()
	o := newOwner()
	p, err := bindpool.New(source, cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		p.Close(ctx)
		c.accepted.Wait()
		o.locked(func() {
			for bind, up := range o.up {
				if up {
					o.wrong = append(o.wrong, fmt.Sprintf("bind %d was never said to be down", bind))
				}
			}
			for _, w := range o.wrong {
				t.Error(w)
			}
		})
	})
	return p, o
}

func submit() *pdu.SubmitSM {
	return &pdu.SubmitSM{Destination: pdu.Address{TON: 1, NPI: 1, Addr: []byte("821000000001")}, ShortMessage: []byte("hello")}
}
