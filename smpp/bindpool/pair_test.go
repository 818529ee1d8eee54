package bindpool_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp"
	"bindery/smpp/bindpool"
	"bindery/smpp/pdu"
)

// halves are the dialers of a pair.
func halves(c *carrier, addresses ...string) (tx, rx *bindpool.Dialer) {
	tx, rx = c.dialer(), c.dialer()
	tx.Bind.ID, rx.Bind.ID = pdu.BindTransmitter, pdu.BindReceiver
	if len(addresses) > 0 {
		tx.Addresses, rx.Addresses = addresses, addresses
	}
	tx.Turn = new(atomic.Uint32)
	rx.Turn = tx.Turn
	return tx, rx
}

// The receiver of a pair is lost: what its transmitter has open still drains,
// then both halves are bound anew, and no submit goes by half a pair.
func TestReceiverLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		c.mute = true
		tx, rx := halves(c)
		p, o := pooledFrom(t, c, tx, bindpool.Config{Size: 1, Receiver: rx, Drain: 3 * time.Second})
		until(2*time.Second, c)
		both := c.sessions()
		if p.Up() != 1 || len(both) != 2 {
			t.Fatalf("%d up, %d sessions", p.Up(), len(both))
		}
		if _, err := p.Submit(submit(), 7); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		both[1].Close()
		synctest.Wait()
		if _, err := p.Submit(submit(), 8); err == nil {
			t.Error("half a pair takes a submit")
		}
		if len(o.seen().results) != 0 {
			t.Errorf("what was open is given up at once: %v", o.seen().results)
		}
		both[0].Respond(&pdu.SubmitSMResp{Header: pdu.Header{Sequence: 2}, MessageID: []byte("1")})
		synctest.Wait()
		if got := o.seen().results[7]; got != "ok" {
			t.Errorf("the answer that came while it drained: %q", got)
		}
		until(15*time.Second, c)
		if got := c.seen(); p.Up() != 1 || got.most != 2 || !slices.Equal(got.modes, []pdu.CommandID{pdu.BindTransmitter, pdu.BindReceiver, pdu.BindTransmitter, pdu.BindReceiver}) {
			t.Errorf("%d up, %d sessions at once, bound as %v", p.Up(), got.most, got.modes)
		}
		if got := o.seen(); !slices.Equal(got.events, []string{"up 0", "down 0", "up 0"}) || len(got.results) != 1 {
			t.Errorf("events %v, results %v", got.events, got.results)
		}
	})
}

// Requests come by either half with the bind's number.
func TestPairRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		tx, rx := halves(c)
		_, o := pooledFrom(t, c, tx, bindpool.Config{Size: 2, Receiver: rx})
		until(5*time.Second, c)
		for i, s := range c.sessions() {
			err := s.Submit(&pdu.DeliverSM{ShortMessage: []byte("hello")}, 1)
			if receiver := c.seen().modes[i] == pdu.BindReceiver; receiver != (err == nil) {
				t.Errorf("session %d (%v): %v", i, c.seen().modes[i], err)
			}
		}
		synctest.Wait()
		got := o.seen().requests
		slices.Sort(got)
		if !slices.Equal(got, []int{0, 1}) {
			t.Errorf("requests of binds %v", got)
		}
	})
}

// Both halves go to one address: an SMSC of several machines delivers receipts
// on the machine that took the message.
func TestPairKeepsToOneAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		dead := "a:1"
		tx, rx := halves(c, "a:1", "b:1")
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := c.dial(ctx, network, address)
			if address == dead && err == nil {
				conn.Close()
				return nil, errors.New("connection refused")
			}
			return conn, err
		}
		tx.DialContext, rx.DialContext = dial, dial
		p, _ := pooledFrom(t, c, tx, bindpool.Config{Size: 1, Receiver: rx})
		until(10*time.Second, c)
		if p.Up() != 1 || !slices.Equal(c.seen().places, []string{"a:1", "b:1", "b:1"}) {
			t.Errorf("%d up, dialled %q", p.Up(), c.seen().places)
		}
		dead = "b:1"
		c.drop(2)
		until(time.Minute, c)
		places := c.seen().places
		if n := len(places); p.Up() != 1 || !slices.Equal(places[n-2:], []string{"a:1", "a:1"}) {
			t.Errorf("%d up, dialled %q", p.Up(), places)
		}
	})
}

// Every failure but a refusal of our credentials moves on to the next address.
func TestWhatMovesOn(t *testing.T) {
	for status, moves := range map[pdu.CommandStatus]bool{
		pdu.StatusAlyBnd: true, pdu.StatusSysErr: true, pdu.StatusInvPaswd: false, pdu.StatusBindFail: false, pdu.StatusInvSysID: false,
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newCarrier()
			c.status = func(int) pdu.CommandStatus { return status }
			d := c.dialer()
			d.Addresses = []string{"a:1", "b:1"}
			for range 2 {
				if _, err := d.Open(t.Context(), (*carrierSide)(c)); err == nil {
					t.Fatal("bound")
				}
			}
			c.accepted.Wait()
			if got := c.seen().places[1] == "b:1"; got != moves {
				t.Errorf("%v: dialled %q", status, c.seen().places)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // and it comes round
		c := newCarrier()
		c.refuse = func(n int) error {
			if n < 3 {
				return errors.New("refused")
			}
			return nil
		}
		d := c.dialer()
		d.Addresses = []string{"a:1", "b:1"}
		var s *smpp.Session
		for range 4 {
			s, _ = d.Open(t.Context(), (*carrierSide)(c))
		}
		if s == nil || !slices.Equal(c.seen().places, []string{"a:1", "b:1", "a:1", "b:1"}) {
			t.Fatalf("dialled %q", c.seen().places)
		}
		s.Close()
		<-s.Done()
		c.accepted.Wait()
	})
}
