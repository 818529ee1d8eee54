package smpp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// accepting runs Accept over a pipe; the outcome comes by the channel.
type accepted struct {
	s   *smpp.Session
	err error
}

func accepting(t *testing.T, cfg smpp.Config, status pdu.CommandStatus) (*peer, *owner, <-chan accepted) {
	t.Helper()
	ours, theirs := pipe(t)
	o, out := &owner{}, make(chan accepted, 1)
	go func() {
		s, err := smpp.Accept(context.Background(), ours, cfg, func(b *pdu.Bind) (pdu.CommandStatus, smpp.Handler) {
			if string(b.SystemID) != "bindery" || string(b.Password) != "secret" {
				t.Errorf("bind of %q with %q", b.SystemID, b.Password)
			}
			return status, o
		})
		out <- accepted{s, err}
	}()
	return &peer{conn: theirs}, o, out
}

func TestAcceptBinds(t *testing.T) {
	for mode, state := range map[pdu.CommandID]smpp.State{
		pdu.BindTransceiver: smpp.BoundTRX, pdu.BindTransmitter: smpp.BoundTX, pdu.BindReceiver: smpp.BoundRX,
	} {
		synctest.Test(t, func(t *testing.T) {
			peer, _, out := accepting(t, smpp.Config{SystemID: "gate"}, pdu.StatusOK)
			bind := trx()
			bind.ID, bind.Sequence, bind.InterfaceVersion = mode, 9, 0x34
			peer.send(bind)
			resp := peer.next(t).(*pdu.BindResp)
			version, _ := resp.InterfaceVersion()
			if resp.ID != mode.Response() || resp.Sequence != 9 || string(resp.SystemID) != "gate" || version != 0x34 {
				t.Errorf("answer %+v", resp)
			}
			got := <-out
			if got.err != nil {
				t.Fatal(got.err)
			}
			if st := got.s.Stat(); st.State != state {
				t.Errorf("state %v, want %v", st.State, state)
			}
			if string(got.s.Peer().SystemID) != "bindery" || got.s.PeerVersion() != 0x34 {
				t.Errorf("peer %+v", got.s.Peer())
			}
			// What each side may ask in this state.
			err := got.s.Submit(deliver(0), 1)
			var wrong *smpp.StateError
			if mayNot := state == smpp.BoundTX; mayNot != errors.As(err, &wrong) {
				t.Errorf("deliver_sm in %v: %v", state, err)
			}
			if err := got.s.Submit(submit("x"), 1); !errors.As(err, &wrong) {
				t.Errorf("submit_sm by the SMSC: %v", err)
			}
			if state != smpp.BoundTX {
				peer.want(t, pdu.CommandDeliverSM, 0, 1)
			}
			p := submit("hello")
			p.Sequence = 10
			peer.send(p)
			want := pdu.StatusOK
			if state == smpp.BoundRX {
				want = pdu.StatusInvBndSts
			}
			peer.want(t, pdu.CommandSubmitSMResp, want, 10)
			got.s.Close()
			<-got.s.Done()
		})
	}
}

func TestAcceptRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer, _, out := accepting(t, smpp.Config{}, pdu.StatusInvPaswd)
		bind := trx()
		bind.Sequence = 3
		peer.send(bind)
		peer.want(t, pdu.CommandBindTransceiverResp, pdu.StatusInvPaswd, 3)
		var refused *smpp.BindError
		if got := <-out; !errors.As(got.err, &refused) || refused.Status != pdu.StatusInvPaswd || refused.SystemID != "bindery" {
			t.Errorf("accept: %v", got.err)
		}
		if f := peer.frame(); f != nil {
			t.Errorf("% x after the refusal", f)
		}
	})
}

func TestAcceptBeforeTheBind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer, owner, out := accepting(t, smpp.Config{}, pdu.StatusOK)
		peer.header(pdu.CommandEnquireLink, 0, 1)
		peer.want(t, pdu.CommandEnquireLinkResp, 0, 1)
		early := submit("early")
		early.Sequence = 2
		peer.send(early)
		peer.want(t, pdu.CommandSubmitSMResp, pdu.StatusInvBndSts, 2)
		peer.header(0x10203, 0, 3)
		peer.want(t, pdu.CommandGenericNack, pdu.StatusInvCmdID, 3)
		peer.header(pdu.CommandSubmitSMResp, 0, 4) // answers nothing: nobody answers it
		bind := trx()
		bind.Sequence, bind.InterfaceVersion = 5, 0x33
		peer.send(bind)
		resp := peer.next(t).(*pdu.BindResp)
		if resp.Sequence != 5 || len(resp.TLVs) != 0 {
			t.Errorf("a peer of version 3.3 got %+v", resp)
		}
		got := <-out
		bind.Sequence = 6
		peer.send(bind) // a second one
		peer.want(t, pdu.CommandBindTransceiverResp, pdu.StatusAlyBnd, 6)
		got.s.Close()
		<-got.s.Done()
		if len(owner.requests) != 0 {
			t.Errorf("the owner was asked %q", owner.requests)
		}
	})
}

func TestAcceptGivesUp(t *testing.T) {
	tests := []struct {
		name  string
		send  []byte
		reply []byte
		want  func(error) bool
	}{
		{"nothing comes", nil, nil, func(err error) bool { return strings.Contains(err.Error(), "not bound within 5s") }},
		{"half a bind", []byte{0, 0, 0, 40, 0, 0, 0, 9}, nil,
			func(err error) bool { return strings.Contains(err.Error(), "not bound within 5s") }},
		{"another protocol", []byte("GET / HTTP/1.1\r\n\r\n"), []byte{0, 0, 0, 16, 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0},
			func(err error) bool { return errors.Is(err, smpp.ErrNotSMPP) }},
		{"more than 1 KiB", []byte{0, 0, 4, 1}, []byte{0, 0, 0, 16, 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0},
			func(err error) bool { return errors.As(err, new(*pdu.LengthError)) }},
		{"less than a header", []byte{0, 0, 0, 15}, []byte{0, 0, 0, 16, 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0},
			func(err error) bool { return errors.As(err, new(*pdu.LengthError)) }},
		{"a bind cut short", []byte{0, 0, 0, 18, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 7, 'x', 'y'},
			nil, func(err error) bool { return errors.As(err, new(*pdu.Error)) }},
		{"unbind", []byte{0, 0, 0, 16, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 7},
			[]byte{0, 0, 0, 16, 0x80, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 7}, func(err error) bool { return errors.Is(err, smpp.ErrUnbound) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				peer, _, out := accepting(t, smpp.Config{}, pdu.StatusOK)
				peer.conn.Write(tt.send)
				got := <-out
				if got.err == nil || !tt.want(got.err) {
					t.Errorf("accept: %v", got.err)
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("after %v, want 5 s at most", took)
				}
				if reply, _ := io.ReadAll(peer.conn); tt.reply != nil && !slices.Equal(reply, tt.reply) {
					t.Errorf("reply % x, want % x", reply, tt.reply)
				}
			})
		})
	}
}

// A framing error on a bound session: nack, then the end.
func TestFramingErrorOfABoundPeer(t *testing.T) {
	for _, length := range []uint32{0, 1, 15, 70001, 0x7FFFFFFF, 0xFFFFFFFF} {
		synctest.Test(t, func(t *testing.T) {
			s, peer, owner := bound(t, smpp.Config{})
			mustSubmit(t, s, 1)
			peer.next(t)
			peer.conn.Write([]byte{byte(length >> 24), byte(length >> 16), byte(length >> 8), byte(length)})
			peer.want(t, pdu.CommandGenericNack, pdu.StatusInvCmdLen, 0)
			if f := peer.frame(); f != nil {
				t.Errorf("% x after the nack", f)
			}
			peer.conn.Close()
			<-s.Done()
			owner.wantResults(t, "1:"+s.Err().Error())
			var closed *smpp.ClosedError
			if !errors.As(s.Err(), &closed) || !closed.Remote || !errors.As(s.Err(), new(*pdu.LengthError)) {
				t.Errorf("err %v", s.Err())
			}
		})
	}
}

// PDUs that do not decode are refused with their status, the session stays.
func TestUndecodableIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{})
		mustSubmit(t, s, 1, 2)
		peer.next(t)
		peer.next(t)
		good, _ := deliver(7).AppendTo(nil)
		cut := slices.Clone(good[:len(good)-1]) // sm_length says one more
		cut[3]--
		peer.conn.Write(cut)
		h := peer.next(t).Head()
		if h.ID != pdu.CommandDeliverSMResp || h.Sequence != 7 || h.Status == pdu.StatusOK {
			t.Errorf("answer %+v", h)
		}
		// A response with a broken end counts by its header.
		ok, _ := okFor(2, "k1").AppendTo(nil)
		ok = append(ok, 0x04, 0x28, 0xFF, 0xFF, 0)
		ok[3] += 5
		peer.conn.Write(ok)
		peer.header(pdu.CommandSubmitSMResp, pdu.StatusThrottled, 3)
		synctest.Wait()
		owner.wantResults(t, "1:k1", "2:ESME_RTHROTTLED (0x58)")
		if st := s.Stat(); st.Undecodable != 2 || len(owner.odd) != 2 {
			t.Errorf("undecodable %d, odd %v", st.Undecodable, owner.odd)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	for _, cfg := range []smpp.Config{
		{Window: -1}, {Window: 65537}, {MaxPDU: 100}, {EnquireMisses: -1},
		{ResponseTimeout: -1}, {BindTimeout: -1}, {WriteTimeout: -1}, {UnbindTimeout: -1},
	} {
		ours, theirs := net.Pipe()
		if _, err := smpp.Bind(context.Background(), ours, trx(), cfg, &owner{}); err == nil {
			t.Errorf("%+v was taken", cfg)
		}
		if _, err := theirs.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the connection was left open: %v", err)
		}
	}
}

// The answer to a bind that was let in cannot be written: the handler is told
// all the same.
func TestAcceptedAndLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := pipe(t)
		o := &owner{}
		ours.cutAfter(5)
		(&peer{conn: theirs}).send(trx())
		_, err := smpp.Accept(context.Background(), ours, smpp.Config{}, func(*pdu.Bind) (pdu.CommandStatus, smpp.Handler) {
			return pdu.StatusOK, o
		})
		if !errors.Is(err, errCut) || len(o.closed) != 1 || !errors.Is(o.closed[0], errCut) {
			t.Errorf("accept: %v, the handler was told %v", err, o.closed)
		}
	})
}
