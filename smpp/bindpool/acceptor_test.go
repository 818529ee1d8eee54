package bindpool_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp"
	"bindery/smpp/bindpool"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

// comes is a carrier's own client that binds to us over a pipe.
func comes(t *testing.T, a *bindpool.Acceptor) (*smpp.Session, error) {
	t.Helper()
	return comesAs(t, a, (*carrierSide)(newCarrier()))
}

func comesAs(t *testing.T, a *bindpool.Acceptor, as smpp.Handler) (*smpp.Session, error) {
	t.Helper()
	ours, theirs := smsctest.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		smpp.Accept(context.Background(), theirs, smpp.Config{}, func(*pdu.Bind) (pdu.CommandStatus, smpp.Handler) {
			if h, ok := a.Take(); ok {
				return pdu.StatusOK, h
			}
			return pdu.StatusAlyBnd, nil
		})
	}()
	bind := &pdu.Bind{Header: pdu.Header{ID: pdu.BindTransceiver}, SystemID: []byte("gamma")}
	s, err := smpp.Bind(context.Background(), ours, bind, smpp.Config{}, as)
	<-served
	return s, err
}

func TestAcceptorKeepsBinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(bindpool.Acceptor)
		p, o := pooledFrom(t, newCarrier(), a, bindpool.Config{Size: 2})
		time.Sleep(2 * time.Second)
		var came []*smpp.Session
		for range 2 {
			s, err := comes(t, a)
			if err != nil {
				t.Fatal(err)
			}
			came = append(came, s)
		}
		if _, err := comes(t, a); err == nil {
			t.Error("a third was let in")
		}
		synctest.Wait()
		if p.Up() != 2 {
			t.Fatalf("%d up, want 2", p.Up())
		}
		came[0].Close()
		time.Sleep(5 * time.Second)
		if p.Up() != 1 {
			t.Errorf("%d up, want 1", p.Up())
		}
		if _, err := comes(t, a); err != nil {
			t.Errorf("it may not come back: %v", err)
		}
		synctest.Wait()
		if p.Up() != 2 {
			t.Errorf("%d up, want 2", p.Up())
		}
		p.SetSize(0)
		time.Sleep(5 * time.Second)
		if _, err := comes(t, a); err == nil || p.Up() != 0 {
			t.Errorf("%d up, and another was let in: %v", p.Up(), err)
		}
		if len(o.seen().events) != 6 {
			t.Errorf("events %v", o.seen().events)
		}
	})
}

// A carrier that was let in is lost before it is bound: the bind waits on.
func TestAcceptorLosesOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(bindpool.Acceptor)
		p, _ := pooledFrom(t, newCarrier(), a, bindpool.Config{Size: 1})
		synctest.Wait()
		h, ok := a.Take()
		if !ok {
			t.Fatal("no bind waits")
		}
		h.Closed(nil, context.Canceled)
		s, err := comes(t, a)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if p.Up() != 1 {
			t.Errorf("%d up, want 1", p.Up())
		}
		s.Close()
	})
}
