package bindpool_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp"
	"bindery/smpp/bindpool"
	"bindery/smpp/pdu"
)

// doer is an owner that does the other operations too.
type doer struct {
	*owner
	did []pdu.CommandID
}

func (d *doer) Operation(_ int, s *smpp.Session, p pdu.PDU) {
	h := p.Head()
	d.locked(func() { d.did = append(d.did, h.ID) })
	if h.ID == pdu.CommandCancelSM {
		_ = s.Respond(&pdu.CancelSMResp{Header: pdu.Header{Sequence: h.Sequence}})
	}
}

// answered notes the statuses that a carrier's own client is answered with.
type answered struct {
	carrierSide
	statuses chan pdu.CommandStatus
}

func (a *answered) Result(_ *smpp.Session, r smpp.Result) { a.statuses <- r.Resp.Head().Status }

// cancelBy binds to the pool of o as a carrier that comes to us does, asks it to
// cancel a message, and answers the status.
func cancelBy(t *testing.T, o bindpool.Owner) (status pdu.CommandStatus) {
	t.Helper()
	a := new(bindpool.Acceptor)
	p, err := bindpool.New(a, bindpool.Config{Size: 1}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(t.Context())
	synctest.Wait()
	side := &answered{statuses: make(chan pdu.CommandStatus, 1)}
	s, err := comesAs(t, a, side)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Submit(&pdu.CancelSM{MessageID: []byte("1")}, 1); err != nil {
		t.Fatal(err)
	}
	select {
	case status = <-side.statuses:
	case <-time.After(time.Minute):
		t.Error("no answer to cancel_sm")
	}
	return status
}

// The other operations of a carrier that binds to us are done by an owner that
// does them, and declined for one that does not, who is told.
func TestOperationsReachTheirOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &doer{owner: newOwner()}
		if status := cancelBy(t, d); status != pdu.StatusOK || !slices.Equal(d.did, []pdu.CommandID{pdu.CommandCancelSM}) {
			t.Errorf("answered %v, the owner was asked %v", status, d.did)
		}
		o := newOwner()
		if status := cancelBy(t, o); status != pdu.StatusInvCmdID || !slices.Equal(o.seen().odd, []int{0}) {
			t.Errorf("answered %v, told of %v", status, o.seen().odd)
		}
	})
}

// An alert_notification comes by a session that we opened.
func TestAlertReachesItsOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := newCarrier(), &doer{owner: newOwner()}
		p, err := bindpool.New(c.dialer(), bindpool.Config{Size: 1}, d)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		alert := &pdu.AlertNotification{Header: pdu.Header{Sequence: 7}, Source: pdu.Address{Addr: []byte("a")}, ESME: pdu.Address{Addr: []byte("b")}}
		if err := c.sessions()[0].Respond(alert); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		p.Close(t.Context())
		c.accepted.Wait()
		if !slices.Equal(d.did, []pdu.CommandID{pdu.CommandAlertNotification}) {
			t.Errorf("the owner was told of %v", d.did)
		}
	})
}
