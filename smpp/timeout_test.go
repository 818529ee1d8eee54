package smpp_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

func okFor(seq uint32, id string) *pdu.SubmitSMResp {
	return &pdu.SubmitSMResp{Header: pdu.Header{Sequence: seq}, MessageID: []byte(id)}
}

func mustSubmit(t *testing.T, s *smpp.Session, tokens ...uint64) {
	t.Helper()
	for _, token := range tokens {
		if err := s.Submit(submit("hello"), token); err != nil {
			t.Fatalf("submit %d: %v", token, err)
		}
	}
}

// counted is a connection that counts its reads.
type counted struct {
	*end
	reads atomic.Int32
}

func (c *counted) Read(p []byte) (int, error) {
	c.reads.Add(1)
	return c.end.Read(p)
}

// A session at rest is woken by nothing but what its timers have to do; what
// then comes from another goroutine has its time all the same.
func TestAnIdleSessionSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := pipe(t)
		conn := &counted{end: ours}
		s, peer, owner := boundOver(t, conn, theirs, smpp.Config{Window: 2, EnquireLink: time.Minute})
		was := conn.reads.Load()
		time.Sleep(59 * time.Second)
		if n := conn.reads.Load() - was; n > 1 {
			t.Errorf("the reader came by %d times in 59 s of silence", n)
		}
		mustSubmit(t, s, 7)
		peer.want(t, pdu.CommandSubmitSM, 0, 2)
		time.Sleep(time.Second + time.Millisecond)
		peer.want(t, pdu.CommandEnquireLink, 0, 3)
		peer.header(pdu.CommandEnquireLinkResp, 0, 3)
		time.Sleep(8998 * time.Millisecond)
		owner.wantResults(t)
		time.Sleep(252 * time.Millisecond)
		owner.wantResults(t, "7:no response in time")
	})
}

func TestTimeoutThenLateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{Window: 2})
		mustSubmit(t, s, 7)
		peer.want(t, pdu.CommandSubmitSM, 0, 2)
		time.Sleep(9999 * time.Millisecond)
		owner.wantResults(t)
		time.Sleep(251 * time.Millisecond)
		owner.wantResults(t, "7:no response in time")
		if s.Free() != 1 {
			t.Errorf("free %d, want 1: what timed out still counts", s.Free())
		}
		peer.want(t, pdu.CommandEnquireLink, 0, 3) // a time-out asks
		peer.header(pdu.CommandEnquireLinkResp, 0, 3)
		peer.send(okFor(2, "late-7"))
		synctest.Wait()
		owner.wantResults(t, "late 7:late-7")
		if s.Free() != 2 {
			t.Errorf("free %d, want 2", s.Free())
		}
		peer.send(okFor(2, "again"))
		synctest.Wait()
		owner.wantResults(t)
		if st := s.Stat(); st.Timeouts != 1 || st.Late != 1 || st.Unmatched != 1 || st.State != smpp.BoundTRX {
			t.Errorf("stat %+v, want 1 time-out, 1 late, 1 unmatched, bound", st)
		}
	})
}

// The answer is there at the very moment of the time-out: whichever is taken
// first, there is one result that is not late, and the slot is free.
func TestAnswerAtTheInstantOfTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{})
		mustSubmit(t, s, 1)
		synctest.Wait()
		time.Sleep(10 * time.Second)
		peer.send(okFor(2, "k"))
		synctest.Wait()
		got := owner.take()
		switch {
		case len(got) == 1 && got[0] == "1:k":
		case len(got) == 2 && got[0] == "1:no response in time" && got[1] == "late 1:k":
		default:
			t.Errorf("results %q", got)
		}
		if s.Free() != 10 {
			t.Errorf("free %d, want 10", s.Free())
		}
	})
}

func TestNoSecondResultForATimeoutWhenTheSessionDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{})
		mustSubmit(t, s, 1)
		time.Sleep(5 * time.Second)
		mustSubmit(t, s, 2)
		time.Sleep(6 * time.Second)
		owner.wantResults(t, "1:no response in time")
		peer.conn.Close()
		<-s.Done()
		owner.wantResults(t, "2:session ended by the peer: EOF")
	})
}

func TestWindowFullOfTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{Window: 3, EnquireLink: -1})
		mustSubmit(t, s, 1, 2, 3)
		if err := s.Submit(submit("x"), 4); !errors.Is(err, smpp.ErrWindowFull) {
			t.Errorf("a fourth: %v, want ErrWindowFull", err)
		}
		time.Sleep(11 * time.Second)
		owner.wantResults(t, "1:no response in time", "2:no response in time", "3:no response in time")
		if err := s.Submit(submit("x"), 4); !errors.Is(err, smpp.ErrWindowFull) {
			t.Errorf("after the time-outs: %v, want ErrWindowFull", err)
		}
		peer.send(okFor(3, "b"))
		synctest.Wait()
		owner.wantResults(t, "late 2:b")
		mustSubmit(t, s, 4)
	})
}

func TestEnquireLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{})
		time.Sleep(29 * time.Second)
		peer.quiet(t)
		time.Sleep(2 * time.Second)
		peer.want(t, pdu.CommandEnquireLink, 0, 2)
		peer.header(pdu.CommandGenericNack, pdu.StatusInvCmdID, 2) // it does not know it, and lives
		time.Sleep(29 * time.Second)
		peer.quiet(t)
		time.Sleep(2 * time.Second)
		peer.want(t, pdu.CommandEnquireLink, 0, 3)
		mustSubmit(t, s, 1) // does not help
		time.Sleep(9 * time.Second)
		peer.want(t, pdu.CommandSubmitSM, 0, 4)
		time.Sleep(time.Second)
		peer.want(t, pdu.CommandEnquireLink, 0, 5) // the first is missed
		time.Sleep(11 * time.Second)
		<-s.Done()
		owner.wantResults(t, "1:no response in time")
		var closed *smpp.ClosedError
		if !errors.Is(s.Err(), smpp.ErrUnresponsive) || !errors.As(s.Err(), &closed) || closed.Remote {
			t.Errorf("err %v, want ErrUnresponsive of ours", s.Err())
		}
	})
}

// Silence with open requests: they go back as maybe written.
func TestGivenUpHandsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, owner := bound(t, smpp.Config{ResponseTimeout: time.Minute, EnquireMisses: 1})
		time.Sleep(85 * time.Second)
		mustSubmit(t, s, 1)
		<-s.Done()
		owner.wantResults(t, "1:session ended by us: enquire_link unanswered")
	})
}

// A peer that sends an octet a second never shows a whole PDU, so it is asked
// and given up.
func TestAnOctetASecondIsNoLiveness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, _ := bound(t, smpp.Config{})
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			for i := 0; ; i++ {
				octet := []byte{0, 0, 1, 0, 0, 0, 0, 5} // of 256
				if _, err := peer.conn.Write(octet[i%8 : i%8+1]); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		defer func() { <-gone }()
		began := time.Now()
		<-s.Done()
		if took := time.Since(began); took > 51*time.Second || !errors.Is(s.Err(), smpp.ErrUnresponsive) {
			t.Errorf("after %v: %v, want ErrUnresponsive within 51 s", took, s.Err())
		}
	})
}
