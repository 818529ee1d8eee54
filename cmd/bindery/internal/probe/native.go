package probe

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"time"

	"bindery/dlr"
	"bindery/smpp"
	"bindery/smpp/pdu"
)

// native speaks by the gateway's own session.
type native struct {
	session *smpp.Session
	in      *inbox
	results chan submitted // cap 1: one submit_sm at a time
	answers chan time.Duration

	mu       sync.Mutex // guards what follows; See holds it on the session's goroutines
	sequence uint32     // of our open enquire_link
	asked    time.Time
	systemID string
}

func bindNative(ctx context.Context, t *tap, bind *pdu.Bind, timeout time.Duration, in *inbox) (link, bindInfo, error) {
	n := &native{in: in, results: make(chan submitted, 1), answers: make(chan time.Duration, 1)}
	show := t.see
	t.see = func(f Frame) {
		show(f)
		n.watch(f)
	}
	s, err := smpp.Bind(ctx, t, bind, smpp.Config{
		Window: 1, EnquireLink: -1, EnquireMisses: 1, BindTimeout: timeout, ResponseTimeout: timeout, WriteTimeout: timeout, UnbindTimeout: timeout,
	}, n)
	if err != nil {
		return nil, bindInfo{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n, bindInfo{SystemID: n.systemID, Version: s.PeerVersion()}, nil
}

// watch reads off the wire what the session keeps to itself: the SMSC's
// system_id and the times of enquire_links.
func (n *native) watch(f Frame) {
	h, _, err := pdu.ReadHeader(f.Octets, pdu.DefaultMaxPDU)
	if err != nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case f.Out && h.ID == pdu.CommandEnquireLink:
		n.sequence, n.asked = h.Sequence, f.At
	case f.Out:
	case h.ID == pdu.CommandEnquireLinkResp, h.ID == pdu.CommandGenericNack:
		if h.Sequence == n.sequence && n.sequence != 0 {
			n.sequence = 0
			n.answers <- f.At.Sub(n.asked) // one is asked only after the last was taken
		}
	case h.ID.IsResponse():
		var resp pdu.BindResp
		if resp.Decode(f.Octets) == nil {
			n.systemID = string(resp.SystemID)
		}
	}
}

func (n *native) Enquire(ctx context.Context) (time.Duration, error) {
	if err := n.session.Enquire(); err != nil {
		return 0, n.ended(err)
	}
	select {
	case d := <-n.answers:
		return d, nil
	case <-n.session.Done():
		return 0, n.session.Err()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// ended prefers why the session is over.
func (n *native) ended(err error) error {
	if why := n.session.Err(); why != nil {
		return why
	}
	return err
}

func (n *native) Submit(ctx context.Context, m *message) (submitted, error) {
	if err := n.session.Submit(m.pdu, 0); err != nil {
		return submitted{}, n.ended(err)
	}
	select {
	case r := <-n.results:
		return r, r.err
	case <-ctx.Done():
		return submitted{}, ctx.Err()
	}
}

func (n *native) Answer(d *delivery, status pdu.CommandStatus) {
	h := pdu.Header{Status: status, Sequence: d.sequence}
	var resp pdu.PDU = &pdu.DeliverSMResp{Header: h}
	if d.id == pdu.CommandDataSM {
		resp = &pdu.DataSMResp{Header: h}
	}
	_ = n.session.Respond(resp) // of a session that ended the carrier repeats it anyway
}

func (n *native) Alive() bool {
	select {
	case <-n.session.Done():
		return false
	default:
		return n.session.Err() == nil
	}
}

func (n *native) Unbind(ctx context.Context) error { return n.session.Unbind(ctx) }

func (n *native) Close() {
	_ = n.session.Close() // always nil
	<-n.session.Done()
}

// Bound implements smpp.BoundHandler.
func (n *native) Bound(s *smpp.Session) { n.session = s }

// Request implements smpp.Handler.
func (n *native) Request(s *smpp.Session, p pdu.PDU) {
	d := &delivery{link: n, id: p.Head().ID, sequence: p.Head().Sequence}
	var tlvs pdu.TLVs
	switch p := p.(type) {
	case *pdu.DeliverSM:
		d.notice = dlr.Notice{ESMClass: p.ESMClass, Octets: bytes.Clone(p.Payload())}
		d.from, tlvs = digits(p.Source.Addr), p.TLVs
	case *pdu.DataSM:
		d.notice = dlr.Notice{ESMClass: p.ESMClass, Octets: bytes.Clone(p.Payload())}
		d.from, tlvs = digits(p.Source.Addr), p.TLVs
	default:
		_ = s.Respond(&pdu.GenericNack{Header: pdu.Header{Status: pdu.StatusInvCmdID, Sequence: d.sequence}}) // as in Answer
		return
	}
	id, _ := tlvs.CString(pdu.TagReceiptedMessageID)
	d.notice.MessageID = bytes.Clone(id)
	d.notice.State, d.notice.HasState = tlvs.Uint8(pdu.TagMessageState)
	n.in.put(d)
}

func digits(addr []byte) string { return strings.TrimPrefix(string(addr), "+") }

// Result implements smpp.Handler.
func (n *native) Result(_ *smpp.Session, r smpp.Result) {
	if r.Late {
		return // it was told
	}
	s := submitted{err: r.Err, took: r.Took}
	if r.Resp != nil {
		s.status = r.Resp.Head().Status
		if resp, ok := r.Resp.(*pdu.SubmitSMResp); ok {
			s.id = string(resp.MessageID)
		} else if s.status == pdu.StatusOK {
			s.status = pdu.StatusSysErr // a generic_nack says no, whatever its status
		}
	}
	n.results <- s
}

// Idle implements smpp.Handler.
func (n *native) Idle(*smpp.Session) {}

// Closed implements smpp.Handler.
func (n *native) Closed(*smpp.Session, error) {}
