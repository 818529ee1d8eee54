package bindpool_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp"
	"bindery/smpp/bindpool"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

func TestGrowsAndShrinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		p, o := pooled(t, c, bindpool.Config{Size: 1})
		until(time.Second, c)
		p.SetSize(4)
		until(10*time.Second, c)
		if p.Up() != 4 {
			t.Fatalf("%d up, want 4", p.Up())
		}
		p.SetSize(2)
		until(11*time.Second, c)
		if p.Up() != 2 || len(p.Binds()) != 2 {
			t.Errorf("%d up of %d, want 2", p.Up(), len(p.Binds()))
		}
		if got := o.seen().events[4:]; !slices.Contains(got, "down 3") || !slices.Contains(got, "down 2") {
			t.Errorf("the highest numbers go first: %v", got)
		}
		p.SetSize(0)
		p.SetSize(3)
		until(20*time.Second, c)
		if p.Up() != 3 {
			t.Errorf("%d up, want 3", p.Up())
		}
	})
}

// A surplus bind drains its window; one that takes its number waits for that.
func TestShrinkDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		c.mute = true
		p, o := pooled(t, c, bindpool.Config{Size: 1})
		until(time.Second, c)
		p.Submit(submit(), 1)
		synctest.Wait()
		p.SetSize(0)
		p.SetSize(1)
		until(3*time.Second, c)
		if len(c.seen().dials) != 1 {
			t.Errorf("%d connects while the first bind drains", len(c.seen().dials))
		}
		if _, err := p.Submit(submit(), 2); err == nil {
			t.Error("a draining bind took a submit")
		}
		s := c.sessions()[0]
		s.Respond(&pdu.SubmitSMResp{Header: pdu.Header{Sequence: 2}, MessageID: []byte("1")})
		until(8*time.Second, c)
		if o.seen().results[1] != "ok" || p.Up() != 1 || len(c.seen().dials) != 2 {
			t.Errorf("result %q, %d up after %d connects", o.seen().results[1], p.Up(), len(c.seen().dials))
		}
	})
}

// Never more sessions at the carrier than the size, whatever changes.
func TestNeverMoreThanSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		p, o := pooled(t, c, bindpool.Config{Size: 5, Backoff: 100 * time.Millisecond, MaxBackoff: time.Second, ConnectEvery: 10 * time.Millisecond})
		r := rand.New(rand.NewPCG(1, 2))
		token := uint64(0)
		for range 2000 {
			time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
			switch r.IntN(10) {
			case 0:
				p.SetSize(r.IntN(6))
			case 1:
				c.drop(min(len(c.sessions()), r.IntN(3)))
			default:
				if _, err := p.Submit(submit(), token); err == nil {
					token++
				}
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
		if c.seen().most > 5 {
			t.Errorf("%d sessions at once, want 5 at most", c.seen().most)
		}
		if uint64(len(o.seen().results)) != token {
			t.Errorf("%d results of %d submits", len(o.seen().results), token)
		}
	})
}

func TestCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		c.mute = true
		p, o := pooled(t, c, bindpool.Config{Size: 3})
		until(5*time.Second, c)
		for token := range uint64(9) {
			p.Submit(submit(), token)
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		p.Close(ctx)
		if took := time.Since(began); took > 10*time.Second || took < 9*time.Second {
			t.Errorf("closed after %v: the windows may drain for 9 s, then unbind", took)
		}
		for _, err := range c.seen().ends {
			if !errors.Is(err, smpp.ErrUnbound) {
				t.Errorf("the carrier saw %v, want an unbind", err)
			}
		}
		if len(o.seen().results) != 9 || p.Up() != 0 {
			t.Errorf("%d results, %d up", len(o.seen().results), p.Up())
		}
		p.SetSize(3)
		until(time.Minute, c)
		if len(c.seen().dials) != 3 {
			t.Error("a closed pool connects")
		}
	})
}

// A carrier that has stopped reading answers no unbind: the connections are
// closed when the time is over.
func TestCloseCutsWhatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mute := &unreading{}
		d := newCarrier().dialer()
		d.DialContext = mute.dial
		p, _ := pooledFrom(t, newCarrier(), d, bindpool.Config{Size: 2})
		time.Sleep(3 * time.Second)
		if p.Up() != 2 {
			t.Fatalf("%d up, want 2", p.Up())
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v, want the context's error", err)
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("closed after %v, want 2 s", took)
		}
	})
}

// unreading answers the bind and then reads no more.
type unreading struct{}

func (*unreading) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := smsctest.Pipe()
	resp, err := (&pdu.BindResp{Header: pdu.Header{ID: pdu.CommandBindTransceiverResp, Sequence: 1}}).AppendTo(nil)
	if err == nil {
		_, err = theirs.Write(resp)
	}
	return ours, err
}

func TestCloseWhileConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		hangs := &hanging{}
		p, _ := pooledFrom(t, c, hangs, bindpool.Config{Size: 2})
		until(3*time.Second, c)
		began := time.Now()
		if err := p.Close(context.Background()); err != nil || time.Since(began) != 0 {
			t.Errorf("close: %v after %v", err, time.Since(began))
		}
	})
}

// hanging is a Source that never answers.
type hanging struct{}

func (*hanging) Open(ctx context.Context, _ smpp.Handler) (*smpp.Session, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A pair is one bind: both up or neither, requests of both, submits by one.
func TestPair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		tx, rx := c.dialer(), c.dialer()
		tx.Bind.ID, rx.Bind.ID = pdu.BindTransmitter, pdu.BindReceiver
		p, o := pooledFrom(t, c, tx, bindpool.Config{Size: 1, Receiver: rx})
		until(500*time.Millisecond, c)
		if p.Up() != 0 {
			t.Error("up with half a pair")
		}
		until(2*time.Second, c)
		if p.Up() != 1 || !slices.Equal(c.seen().modes, []pdu.CommandID{pdu.BindTransmitter, pdu.BindReceiver}) {
			t.Errorf("%d up, bound as %v", p.Up(), c.seen().modes)
		}
		if _, err := p.Submit(submit(), 1); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		c.drop(1) // the transmitter
		until(10*time.Second, c)
		if len(c.seen().modes) != 4 || p.Up() != 1 || !slices.Equal(o.seen().events, []string{"up 0", "down 0", "up 0"}) {
			t.Errorf("bound as %v, events %v", c.seen().modes, o.seen().events)
		}
	})
}

// The receiver of a pair does not come up: its transmitter is not kept.
func TestHalfAPair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		c.status = func(n int) pdu.CommandStatus {
			if c.modes[n] == pdu.BindReceiver {
				return pdu.StatusSysErr
			}
			return pdu.StatusOK
		}
		tx, rx := c.dialer(), c.dialer()
		tx.Bind.ID, rx.Bind.ID = pdu.BindTransmitter, pdu.BindReceiver
		p, o := pooledFrom(t, c, tx, bindpool.Config{Size: 1, Receiver: rx})
		until(3*time.Minute, c)
		seen := c.seen()
		if p.Up() != 0 || seen.most != 1 || len(seen.binds) < 8 || len(o.seen().failures) < 4 {
			t.Errorf("%d up, %d sessions at once, %d binds, failures %v", p.Up(), seen.most, len(seen.binds), o.seen().failures)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	for _, cfg := range []bindpool.Config{{Size: -1}, {Backoff: -1}, {Drain: -1}, {ConnectEvery: -1}} {
		if _, err := bindpool.New(&hanging{}, cfg, newOwner()); err == nil {
			t.Errorf("%+v was taken", cfg)
		}
	}
	if _, err := (&bindpool.Dialer{}).Open(context.Background(), nil); err == nil || errors.Is(err, bindpool.ErrNoBind) {
		t.Errorf("a dialer without an address: %v", err)
	}
}
