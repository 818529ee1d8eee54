package smppcarrier

import (
	"bytes"
	"errors"
	"time"

	"bindery/dlr"
	"bindery/gateway/dispatch"
	"bindery/smpp"
	"bindery/smpp/coding"
	"bindery/smpp/pdu"
)

// How a request is answered once it is stored, or is to be repeated: 0x64 is
// the one status of deliver_sm_resp that asks for that (SMPP 3.4 §5.1.3).
const (
	ackOK     = pdu.StatusOK
	ackRepeat = pdu.StatusXTAppn
)

// mayTLV: a peer that says it is older than 3.4 is sent no TLVs (SMPP 3.4
// §3.3.2); one that says nothing is, since most of them know them.
func mayTLV(version uint8) bool { return version == 0 || version >= pdu.Version34 }

func isTimeout(err error) bool { return errors.Is(err, smpp.ErrTimeout) }

// arrival is what deliver_sm and data_sm have in common; it aliases the PDU.
type arrival struct {
	source, dest *pdu.Address
	esmClass     uint8
	dataCoding   uint8
	octets       []byte
	tlvs         pdu.TLVs
}

// delivered sorts what the carrier delivers. It is answered when it is stored.
func (c *Carrier) delivered(bind int, s *smpp.Session, p pdu.PDU, a arrival) {
	l := c.link(bind)
	l.mu.Lock()
	defer l.mu.Unlock()
	got := c.sort(p, &a, dispatch.Ack{To: c, Token: c.acks.await(s, p.Head())}, l)
	switch got.kind {
	case aReceipt:
		l.receipts = append(l.receipts, got.receipt)
	case anInbound:
		l.inbounds = append(l.inbounds, got.inbound)
	case anUnparsed:
		l.unparsed = append(l.unparsed, got.unparsed)
	}
}

// sorted is one of three, by its kind.
type sorted struct {
	kind     kind
	receipt  dispatch.Receipt
	inbound  dispatch.Inbound
	unparsed dispatch.Unparsed
}

type kind uint8

const (
	anUnparsed kind = iota
	anInbound
	aReceipt
)

// sort reads a delivery. One that breaks off our reading of it is kept whole
// for a person: it must not end the session, nor come again for ever (l.mu held).
func (c *Carrier) sort(p pdu.PDU, a *arrival, ack dispatch.Ack, l *link) (got sorted) {
	now := l.now()
	defer func() {
		if r := recover(); r != nil {
			c.cfg.Log.Error().Str("carrier", c.cfg.Carrier).Any("panic", r).Msg("delivery could not be read")
			got = sorted{unparsed: dispatch.Unparsed{Raw: raw(p, a.octets), At: now, Ack: ack}}
		}
	}()
	n := a.notice()
	if !n.IsReceipt() {
		got.kind, got.inbound = anInbound, c.inbound(a, now)
		got.inbound.Raw, got.inbound.Ack = raw(p, a.octets), ack
		return got
	}
	report, err := dlr.ParseReceipt(n)
	if err != nil {
		got.unparsed = dispatch.Unparsed{Raw: raw(p, a.octets), At: now, Ack: ack}
		return got
	}
	got.kind, got.receipt = aReceipt, dispatch.Receipt{Receipt: report.Receipt(&l.copies, recipient(a.source), now), Ack: ack}
	return got
}

func (a *arrival) notice() dlr.Notice {
	n := dlr.Notice{ESMClass: a.esmClass, Octets: a.octets}
	n.MessageID, _ = a.tlvs.CString(pdu.TagReceiptedMessageID)
	n.State, n.HasState = a.tlvs.Uint8(pdu.TagMessageState)
	n.NetworkError, _ = a.tlvs.Get(pdu.TagNetworkErrorCode)
	return n
}

// recipient is the digits of the handset that a receipt is about, which is its
// source; nil when that is no number.
func recipient(a *pdu.Address) []byte {
	addr := bytes.TrimPrefix(a.Addr, []byte("+"))
	if !isDigits(addr) {
		return nil
	}
	return addr
}

// inbound reads a message from a handset. What cannot be read as text keeps its
// octets in Raw; it is stored all the same.
func (c *Carrier) inbound(a *arrival, now time.Time) dispatch.Inbound {
	m := dispatch.Inbound{From: number(a.source), To: number(a.dest), At: now}
	fragment, err := coding.ParseFragment(a.octets, a.dataCoding, a.esmClass)
	if err != nil {
		return m
	}
	if text, err := c.cfg.Coding.Decode(fragment.Body, fragment.DataCoding); err == nil || errors.Is(err, coding.ErrBadText) {
		m.Text = text
	}
	return m
}

// raw is a PDU as octets of its own; of one that may be read and not written (a
// short_message of 255 octets) what it carries.
func raw(p pdu.PDU, content []byte) []byte {
	octets, err := p.AppendTo(nil)
	if err != nil {
		return bytes.Clone(content)
	}
	return octets
}
