package smpp_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// peer is the other end of a connection, speaking by hand.
type peer struct {
	conn   net.Conn
	frames *pdu.Reader
}

// frame is the next PDU's octets; nil at the end of the stream.
func (p *peer) frame() []byte {
	if p.frames == nil {
		p.frames = pdu.NewReader(p.conn, 0)
	}
	frame, err := p.frames.Next()
	if err != nil {
		return nil
	}
	return frame
}

func (p *peer) next(t *testing.T) pdu.PDU {
	t.Helper()
	frame := p.frame()
	if frame == nil {
		t.Error("the connection ended, want a PDU")
		return &pdu.Unknown{}
	}
	h, _, _ := pdu.ReadHeader(frame, pdu.DefaultMaxPDU)
	got := pdu.New(h.ID)
	if err := got.Decode(slices.Clone(frame)); err != nil {
		t.Errorf("what we sent does not decode: %v", err)
	}
	return got
}

// want takes the next PDU and holds it against id and sequence.
func (p *peer) want(t *testing.T, id pdu.CommandID, status pdu.CommandStatus, seq uint32) {
	t.Helper()
	h := p.next(t).Head()
	if h.ID != id || h.Status != status || h.Sequence != seq {
		t.Errorf("got %v %v sequence %d, want %v %v %d", h.ID, h.Status, h.Sequence, id, status, seq)
	}
}

// quiet holds that nothing more was sent.
func (p *peer) quiet(t *testing.T) {
	t.Helper()
	synctest.Wait()
	p.conn.SetReadDeadline(time.Now().Add(time.Nanosecond))
	if f := p.frame(); f != nil {
		t.Errorf("unexpected PDU % x", f)
	}
	p.conn.SetReadDeadline(time.Time{})
}

func (p *peer) send(all ...pdu.PDU) {
	var buf []byte
	for _, one := range all {
		next, err := one.AppendTo(buf)
		if err != nil {
			panic(err)
		}
		buf = next
	}
	p.conn.Write(buf)
}

func (p *peer) header(id pdu.CommandID, status pdu.CommandStatus, seq uint32) {
	p.send(&pdu.Unknown{Header: pdu.Header{ID: id, Status: status, Sequence: seq}})
}

// owner is a Handler that notes what it was told.
type owner struct {
	request func(s *smpp.Session, p pdu.PDU) // nil: answered OK
	woken   chan struct{}                    // told at each Idle, where not nil

	mu       sync.Mutex
	results  []string
	requests []string
	odd      []error
	idles    int
	closed   []error
	after    bool // something was told after Closed
}

func (o *owner) note(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.after = o.after || len(o.closed) > 0
	f()
}

func (o *owner) Request(s *smpp.Session, p pdu.PDU) {
	o.note(func() { o.requests = append(o.requests, fmt.Sprintf("%v:%d", p.Head().ID, p.Head().Sequence)) })
	if o.request != nil {
		o.request(s, p)
		return
	}
	respond(s, p)
}

func respond(s *smpp.Session, p pdu.PDU) {
	h := p.Head()
	switch h.ID {
	case pdu.CommandDeliverSM:
		s.Respond(&pdu.DeliverSMResp{Header: pdu.Header{Sequence: h.Sequence}})
	case pdu.CommandSubmitSM:
		s.Respond(&pdu.SubmitSMResp{Header: pdu.Header{Sequence: h.Sequence}, MessageID: []byte("1")})
	default:
		s.Respond(&pdu.Unknown{Header: pdu.Header{ID: h.ID.Response(), Sequence: h.Sequence}})
	}
}

// Result is noted as "token:id", "token:status", or "token:error", with "late "
// and "unwritten " in front.
func (o *owner) Result(s *smpp.Session, r smpp.Result) {
	text := fmt.Sprintf("%d:%v", r.Token, r.Err)
	switch resp := r.Resp.(type) {
	case nil:
	case *pdu.SubmitSMResp:
		text = fmt.Sprintf("%d:%s", r.Token, resp.MessageID)
		if resp.Status != pdu.StatusOK {
			text = fmt.Sprintf("%d:%v", r.Token, resp.Status)
		}
	default:
		text = fmt.Sprintf("%d:%v %v", r.Token, resp.Head().ID, resp.Head().Status)
	}
	if r.Resp == nil && !r.Written {
		text = "unwritten " + text
	}
	if r.Late {
		text = "late " + text
	}
	o.note(func() { o.results = append(o.results, text) })
}

func (o *owner) Idle(*smpp.Session) {
	o.note(func() { o.idles++ })
	if o.woken != nil {
		o.woken <- struct{}{}
	}
}

func (o *owner) Odd(_ *smpp.Session, err *smpp.OddError) {
	o.note(func() { o.odd = append(o.odd, err) })
}

func (o *owner) Closed(_ *smpp.Session, err error) {
	o.note(func() { o.closed = append(o.closed, err) })
}

// take answers the results noted since the last call.
func (o *owner) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	got := o.results
	o.results = nil
	return got
}

func (o *owner) wantResults(t *testing.T, want ...string) {
	t.Helper()
	if got := o.take(); !slices.Equal(got, want) {
		t.Errorf("results %q, want %q", got, want)
	}
}

// bound is a session of the ESME side over a pipe, its peer and its owner. When
// the test ends it has ended too, told its owner so once, and nothing after.
func bound(t *testing.T, cfg smpp.Config) (*smpp.Session, *peer, *owner) {
	t.Helper()
	ours, theirs := pipe(t)
	return boundOver(t, ours, theirs, cfg)
}

func boundOver(t *testing.T, ours, theirs net.Conn, cfg smpp.Config) (*smpp.Session, *peer, *owner) {
	t.Helper()
	p, o := &peer{conn: theirs}, &owner{}
	go func() {
		h := p.next(t).Head()
		p.send(&pdu.BindResp{Header: pdu.Header{ID: h.ID.Response(), Sequence: h.Sequence}, SystemID: []byte("smsc")})
	}()
	s, err := smpp.Bind(context.Background(), ours, trx(), cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		<-s.Done()
		o.mu.Lock()
		defer o.mu.Unlock()
		if len(o.closed) != 1 || o.after {
			t.Errorf("closed %d times, told more after: %v", len(o.closed), o.after)
		}
	})
	return s, p, o
}

func trx() *pdu.Bind {
	return &pdu.Bind{
		Header: pdu.Header{ID: pdu.BindTransceiver}, SystemID: []byte("bindery"), Password: []byte("secret"),
	}
}

func submit(text string) *pdu.SubmitSM {
	return &pdu.SubmitSM{
		Source:       pdu.Address{TON: 5, Addr: []byte("Bindery")},
		Destination:  pdu.Address{TON: 1, NPI: 1, Addr: []byte("821000000001")},
		ShortMessage: []byte(text),
	}
}

func deliver(seq uint32) *pdu.DeliverSM {
	return &pdu.DeliverSM{
		Header:       pdu.Header{Sequence: seq},
		Source:       pdu.Address{TON: 1, NPI: 1, Addr: []byte("821000000001")},
		Destination:  pdu.Address{TON: 5, Addr: []byte("15880000")},
		ShortMessage: []byte("Hello"),
	}
}
