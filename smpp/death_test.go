package smpp_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// The connection dies at every possible octet of what is written: Written is
// exactly what left, in each case, control PDUs in between not confused.
func TestDeathAtEveryOctet(t *testing.T) {
	one, _ := submit("hello").AppendTo(nil)
	for cut := range 3*len(one) + 17 + 2 {
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := pipe(t)
			s, peer, owner := boundOver(t, ours, theirs, smpp.Config{})
			synctest.Wait()
			ours.cutAfter(cut)
			owner.request = func(s *smpp.Session, p pdu.PDU) {
				mustSubmit(t, s, 1, 2, 3) // gather with the answer in one write
				respond(s, p)
			}
			peer.send(deliver(9))
			if cut >= 3*len(one)+17 {
				synctest.Wait()
				peer.conn.Close()
			}
			<-s.Done()
			left := max(0, cut-17) // the answer goes first
			var want []string
			for i := range 3 {
				text := string(rune('1'+i)) + ":" + s.Err().Error()
				if left <= i*len(one) {
					text = "unwritten " + text
				}
				want = append(want, text)
			}
			owner.wantResults(t, want...)
			if cut < 3*len(one)+17 && !errors.Is(s.Err(), errCut) {
				t.Errorf("err %v, want the cut", s.Err())
			}
		})
	}
}

// A peer that stops reading: our write's deadline ends it, and what never left
// the lane is known not to have.
func TestStopsReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, owner := bound(t, smpp.Config{Window: 1000, EnquireLink: -1, ResponseTimeout: time.Minute})
		text := strings.Repeat("x", 250)
		for token := range uint64(1000) {
			if err := s.Submit(submit(text), token); err != nil {
				t.Fatal(err)
			}
		}
		<-s.Done()
		var closed *smpp.ClosedError
		if !errors.As(s.Err(), &closed) || closed.Remote {
			t.Errorf("err %v, want ours", s.Err())
		}
		got := owner.take()
		first := slices.IndexFunc(got, func(r string) bool { return strings.HasPrefix(r, "unwritten") })
		if len(got) != 1000 || first < 150 || first > 450 {
			t.Errorf("%d results, unwritten from %d on; want 1,000 and two buffers written at most", len(got), first)
		}
		for _, r := range got[max(first, 0):] {
			if !strings.HasPrefix(r, "unwritten") {
				t.Fatalf("%q comes after one that was not written", r)
			}
		}
	})
}

// A peer that floods and never reads: reading stops, memory is bounded, and the
// session ends by the write's deadline.
func TestFloodsAndNeverReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{EnquireLink: -1})
		var took atomic.Int64
		owner.request = func(s *smpp.Session, p pdu.PDU) {
			took.Add(1)
			respond(s, p)
			if control, _ := s.Waiting(); control > 512<<10 {
				t.Errorf("%d octets of answers wait", control)
			}
		}
		flood, _ := deliver(1).AppendTo(nil)
		flood = slices.Repeat(flood, 1000)
		go func() {
			for {
				if _, err := peer.conn.Write(flood); err != nil {
					return
				}
			}
		}()
		<-s.Done()
		if n := took.Load(); n > 40_000 {
			t.Errorf("%d requests were read from a peer that reads nothing", n)
		}
	})
}

// floods fills the pipe to a peer that reads nothing until the session has
// stopped reading.
func floods(t *testing.T, peer *peer) {
	t.Helper()
	flood, _ := deliver(1).AppendTo(nil)
	peer.conn.SetWriteDeadline(time.Now().Add(time.Second))
	if _, err := peer.conn.Write(slices.Repeat(flood, 100_000)); err == nil {
		t.Fatal("all of it was read")
	}
	synctest.Wait()
}

// A session that waits for its peer to read is closed at once all the same.
func TestCloseWhileStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, _ := bound(t, smpp.Config{})
		floods(t, peer)
		began := time.Now()
		s.Close()
		<-s.Done()
		if took := time.Since(began); took != 0 {
			t.Errorf("closed after %v", took)
		}
	})
}

// The last word to a peer that does not read is not waited for long.
func TestFramingErrorOfAPeerThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, _ := bound(t, smpp.Config{WriteTimeout: time.Minute})
		fill := &pdu.DataSM{TLVs: pdu.TLVs{{Tag: pdu.TagMessagePayload, Value: make([]byte, 65000)}}}
		for token := range uint64(3) {
			if err := s.Submit(fill, token); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		began := time.Now()
		peer.conn.Write([]byte("HTTP"))
		<-s.Done()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}

// The owner keeps all answers back and gives them at once to a peer that does
// not read: the session ends rather than hold them.
func TestAnswersPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := bound(t, smpp.Config{})
		var err error
		big := &pdu.Unknown{Header: pdu.Header{ID: pdu.CommandDataSMResp}, Body: make([]byte, 60000)}
		for range 1000 {
			if err = s.Respond(big); err != nil {
				break
			}
		}
		if !errors.Is(err, smpp.ErrClosing) {
			t.Errorf("respond: %v, want ErrClosing", err)
		}
		<-s.Done()
		if !errors.Is(s.Err(), smpp.ErrUnread) {
			t.Errorf("err %v, want ErrUnread", s.Err())
		}
	})
}

func TestDataLaneIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := bound(t, smpp.Config{Window: 65536})
		big := &pdu.DataSM{TLVs: pdu.TLVs{{Tag: pdu.TagMessagePayload, Value: make([]byte, 60000)}}}
		n := 0
		for ; s.Submit(big, 1) == nil; n++ {
			if n > 1000 {
				t.Fatal("60 MB wait for a peer that does not read")
			}
		}
		s.Close()
	})
}

func TestCloseByUs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{})
		mustSubmit(t, s, 1)
		peer.want(t, pdu.CommandSubmitSM, 0, 2)
		s.Close()
		<-s.Done()
		owner.wantResults(t, "1:session ended by us: closed")
		if err := s.Submit(submit("x"), 2); !errors.Is(err, smpp.ErrClosing) {
			t.Errorf("submit after the end: %v", err)
		}
		if err := s.Respond(okFor(1, "x")); !errors.Is(err, smpp.ErrClosing) {
			t.Errorf("respond after the end: %v", err)
		}
		if s.Free() != 0 || s.Stat().State != smpp.Closed {
			t.Errorf("free %d, state %v", s.Free(), s.Stat().State)
		}
	})
}
