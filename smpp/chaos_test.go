package smpp_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// careless is a peer that answers late, never, twice or wrongly, asks things of
// its own, and notes which texts it has seen.
type careless struct {
	peer
	rnd  *rand.Rand
	mu   sync.Mutex // guards seen
	seen map[string]bool
}

func (c *careless) run(t *testing.T) {
	var later sync.WaitGroup
	defer later.Wait()
	for {
		frame := c.frame()
		if frame == nil {
			return
		}
		h, _, _ := pdu.ReadHeader(frame, pdu.DefaultMaxPDU)
		p := pdu.New(h.ID)
		if err := p.Decode(frame); err != nil {
			t.Errorf("what we sent does not decode: %v", err)
		}
		if sm, ok := p.(*pdu.SubmitSM); ok {
			c.mu.Lock()
			c.seen[string(sm.ShortMessage)] = true
			c.mu.Unlock()
		}
		if h.ID.IsResponse() {
			continue
		}
		kind, wait := c.rnd.IntN(20), time.Duration(c.rnd.IntN(15_000))*time.Millisecond
		later.Go(func() { c.answer(h, kind, wait) })
	}
}

func (c *careless) answer(h pdu.Header, kind int, wait time.Duration) {
	switch kind {
	case 0: // never
		return
	case 1:
		c.header(pdu.CommandGenericNack, pdu.StatusSysErr, h.Sequence)
	case 2:
		c.header(pdu.CommandDataSMResp, 0, h.Sequence) // not the response of this
	case 3:
		c.header(h.ID.Response(), pdu.StatusThrottled, h.Sequence)
		c.header(h.ID.Response(), pdu.StatusOK, h.Sequence)
	case 4:
		c.header(0x7777, 0, h.Sequence)
		c.send(deliver(h.Sequence))
	case 5, 6, 7:
		time.Sleep(wait)
	}
	c.header(h.ID.Response(), pdu.StatusOK, h.Sequence)
}

// tally is a Handler that counts the results of each token.
type tally struct {
	mu        sync.Mutex // guards what follows
	first     map[uint64]int
	late      map[uint64]int
	unwritten map[uint64]bool
	timeout   map[uint64]bool
	closed    int
	wrong     []string
}

func (h *tally) Request(s *smpp.Session, p pdu.PDU) { respond(s, p) }
func (h *tally) Idle(*smpp.Session)                 {}

func (h *tally) Result(_ *smpp.Session, r smpp.Result) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed > 0 {
		h.wrong = append(h.wrong, "a result after Closed")
	}
	if r.Late {
		h.late[r.Token]++
		if !h.timeout[r.Token] {
			h.wrong = append(h.wrong, fmt.Sprintf("%d is late without a time-out", r.Token))
		}
		return
	}
	h.first[r.Token]++
	h.timeout[r.Token] = r.Err == smpp.ErrTimeout
	h.unwritten[r.Token] = r.Resp == nil && !r.Written
	if (r.Resp == nil) == (r.Err == nil) {
		h.wrong = append(h.wrong, fmt.Sprintf("%d has answer %v and error %v", r.Token, r.Resp, r.Err))
	}
}

func (h *tally) Closed(*smpp.Session, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed++
}

// Whatever a peer, a line, a gate and an owner do: each request has one result,
// at most one more that is late, what is said not to be written was never seen,
// and Closed is last.
func TestChaos(t *testing.T) {
	for seed := range uint64(150) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { chaos(t, rand.New(rand.NewPCG(seed, 7))) })
		})
	}
}

func chaos(t *testing.T, r *rand.Rand) {
	ours, theirs := pipe(t)
	ours.out.room, theirs.out.room = 1+r.IntN(20_000), 1+r.IntN(20_000)
	c := &careless{peer: peer{conn: theirs}, rnd: rand.New(rand.NewPCG(r.Uint64(), 1)), seen: map[string]bool{}}
	gate := rand.New(rand.NewPCG(r.Uint64(), 2))
	h := &tally{first: map[uint64]int{}, late: map[uint64]int{}, unwritten: map[uint64]bool{}, timeout: map[uint64]bool{}}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		head := c.next(t).Head()
		c.send(&pdu.BindResp{Header: pdu.Header{ID: head.ID.Response(), Sequence: head.Sequence}})
		c.run(t)
	}()
	s, err := smpp.Bind(context.Background(), ours, trx(), smpp.Config{
		Window: 1 + r.IntN(20), EnquireLink: 5 * time.Second, WriteTimeout: time.Minute,
		Gate: func() bool { return gate.IntN(8) > 0 },
	}, h)
	if err != nil {
		t.Fatal(err)
	}
	took := submitAtRandom(s, r)
	finish(s, r, ours, theirs)
	<-s.Done()
	theirs.Close()
	<-gone
	h.check(t, c, took)
}

func submitAtRandom(s *smpp.Session, r *rand.Rand) (took []uint64) {
	s.SetNextSequence(0x7FFFFFFF - r.Uint32N(100))
	for token := range uint64(300) {
		text := fmt.Sprintf("%d.%s", token, strings.Repeat("x", r.IntN(200)))
		if s.Submit(submit(text), token) == nil {
			took = append(took, token)
		}
		if r.IntN(3) == 0 {
			time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond)
		}
	}
	return took
}

// finish is one of the ways in which a session ends, with requests under way.
func finish(s *smpp.Session, r *rand.Rand, ours, theirs *end) {
	switch r.IntN(6) {
	case 0:
		s.Close()
	case 1:
		ours.cutAfter(r.IntN(3000))
		for i := range uint64(50) {
			s.Submit(submit("into the cut"), 1<<40+i)
			time.Sleep(time.Second)
		}
		s.Close()
	case 2:
		theirs.Close()
	case 3:
		(&peer{conn: theirs}).header(pdu.CommandUnbind, 0, 1)
	case 4:
		theirs.Write([]byte("HTTP/1.1 400 Bad Request"))
	case 5:
		ctx, cancel := within(time.Duration(r.IntN(20)) * time.Second)
		defer cancel()
		s.Unbind(ctx)
	}
}

func (h *tally) check(t *testing.T, c *careless, took []uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := map[uint64]bool{}
	c.mu.Lock()
	for text := range c.seen {
		var token uint64
		if n, _ := fmt.Sscanf(text, "%d.", &token); n == 1 {
			seen[token] = true
		}
	}
	c.mu.Unlock()
	for _, token := range took {
		if h.first[token] != 1 || h.late[token] > 1 {
			t.Errorf("%d has %d results and %d late ones", token, h.first[token], h.late[token])
		}
		if h.unwritten[token] && seen[token] {
			t.Errorf("%d was said not to be written, and the peer has it", token)
		}
	}
	for _, w := range h.wrong {
		t.Error(w)
	}
	if h.closed != 1 {
		t.Errorf("closed %d times", h.closed)
	}
}
