package smpp_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// boundTCP is a session over loopback whose peer has answered the bind and is
// then serve's.
func boundTCP(t *testing.T, cfg smpp.Config, o *owner, serve func(net.Conn)) *smpp.Session {
	t.Helper()
	gone := make(chan struct{})
	conn := loopback(t, func(conn net.Conn) {
		defer close(gone)
		defer conn.Close()
		h := (&peer{conn: conn}).next(t).Head()
		resp, _ := (&pdu.BindResp{Header: pdu.Header{ID: h.ID.Response(), Sequence: h.Sequence}}).AppendTo(nil)
		conn.Write(resp)
		serve(conn)
	})
	s, err := smpp.Bind(context.Background(), conn, trx(), cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		<-s.Done()
		<-gone
	})
	return s
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A peer that floods and reads nothing, on real sockets: the kernel's buffers
// fill, the session stops reading, its memory stays, its write's deadline ends
// it.
func TestTCPPeerNeverReads(t *testing.T) {
	flood, _ := deliver(1).AppendTo(nil)
	flood = slices.Repeat(flood, 1000)
	o := &owner{}
	counted := 0
	o.request = func(s *smpp.Session, p pdu.PDU) { counted++; respond(s, p) }
	before := heap()
	s := boundTCP(t, smpp.Config{WriteTimeout: 300 * time.Millisecond, EnquireLink: -1}, o, func(conn net.Conn) {
		for {
			if _, err := conn.Write(flood); err != nil {
				return
			}
		}
	})
	<-s.Done()
	o.requests = nil
	var closed *smpp.ClosedError
	if !errors.As(s.Err(), &closed) || closed.Remote {
		t.Errorf("err %v, want ours", s.Err())
	}
	if grew := heap() - before; grew > 16<<20 {
		t.Errorf("the heap grew by %d octets", grew)
	}
	if counted == 0 {
		t.Error("nothing was read")
	}
}

// Junk of all kinds: no panic, the session ends or goes on, each request has
// one result, and nothing near a lying length is allocated.
func TestTCPJunk(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		before := heap()
		o := &owner{}
		s := boundTCP(t, smpp.Config{Window: 50}, o, func(conn net.Conn) {
			for range 20 {
				if _, err := conn.Write(junk(r)); err != nil {
					return
				}
			}
		})
		took := 0
		for token := range uint64(50) {
			if s.Submit(submit("hello"), token) == nil {
				took++
			}
		}
		<-s.Done()
		if got := o.take(); len(got) != took {
			t.Errorf("seed %d: %d results of %d requests: %v", seed, len(got), took, s.Err())
		}
		if grew := heap() - before; grew > 4<<20 {
			t.Errorf("seed %d: the heap grew by %d octets", seed, grew)
		}
	}
}

// junk is random octets, or a PDU with a lying length, a random body or id.
func junk(r *rand.Rand) []byte {
	body := make([]byte, r.IntN(300))
	for i := range body {
		body[i] = byte(r.UintN(256))
	}
	if r.IntN(20) == 0 {
		return body
	}
	ids := []pdu.CommandID{
		pdu.CommandDeliverSM, pdu.CommandSubmitSMResp, pdu.CommandGenericNack, pdu.CommandEnquireLink,
		pdu.CommandDataSM, pdu.CommandUnbindResp, pdu.CommandBindTransceiver, pdu.CommandID(r.Uint32()),
	}
	buf, _ := (&pdu.Unknown{
		Header: pdu.Header{ID: ids[r.IntN(len(ids))], Status: pdu.CommandStatus(r.UintN(3)), Sequence: r.Uint32N(60)},
		Body:   body,
	}).AppendTo(nil)
	if r.IntN(20) == 0 {
		buf[0], buf[1] = byte(r.UintN(256)), byte(r.UintN(256))
	}
	return buf
}

// An octet at a time is the same session.
func TestTCPSingleOctets(t *testing.T) {
	o := &owner{}
	s := boundTCP(t, smpp.Config{}, o, func(conn net.Conn) {
		p := &peer{conn: conn}
		seq := p.next(t).Head().Sequence
		buf, _ := okFor(seq, "slow").AppendTo(nil)
		more, _ := deliver(8).AppendTo(buf)
		for _, octet := range more {
			conn.Write([]byte{octet})
		}
		p.want(t, pdu.CommandDeliverSMResp, 0, 8)
	})
	mustSubmit(t, s, 1)
	<-s.Done()
	o.wantResults(t, "1:slow")
	if !errors.Is(s.Err(), io.EOF) {
		t.Errorf("err %v", s.Err())
	}
}

// The whole life on real sockets, both sides ours, ended by an unbind.
func TestTCPBothSides(t *testing.T) {
	smscOwner, esmeOwner := &owner{}, &owner{}
	served := make(chan *smpp.Session, 1)
	conn := loopback(t, func(conn net.Conn) {
		s, err := smpp.Accept(context.Background(), conn, smpp.Config{}, func(*pdu.Bind) (pdu.CommandStatus, smpp.Handler) {
			return pdu.StatusOK, smscOwner
		})
		if err != nil {
			t.Error(err)
		}
		served <- s
	})
	s, err := smpp.Bind(context.Background(), conn, trx(), smpp.Config{Window: 10}, esmeOwner)
	if err != nil {
		t.Fatal(err)
	}
	other := <-served
	mustSubmit(t, s, 1, 2, 3)
	if err := other.Submit(deliver(0), 9); err != nil {
		t.Error(err)
	}
	if err := s.Unbind(context.Background()); err != nil {
		t.Errorf("unbind: %v", err)
	}
	<-other.Done()
	esmeOwner.wantResults(t, "1:1", "2:1", "3:1")
	if !errors.Is(other.Err(), smpp.ErrUnbound) {
		t.Errorf("the other side: %v", other.Err())
	}
}
