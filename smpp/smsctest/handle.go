package smsctest

import (
	"encoding/binary"
	"errors"
	"time"

	"bindery/smpp/pdu"
)

// batch handles the whole PDUs of b, the last read octets of which are new,
// under one lock. It answers how many octets it used; not ok when the
// connection is to be read no more.
func (c *Conn) batch(b []byte, read int) (used int, ok bool) {
	s := c.s
	s.mu.Lock()
	defer s.unlock()
	s.meter.octetsIn += uint64(read)
	now := time.Now()
	for len(b)-used >= 4 {
		n := binary.BigEndian.Uint32(b[used:])
		if n < pdu.HeaderLen || n > pdu.DefaultMaxPDU {
			c.garbled()
			return used, false
		}
		if int(n) > len(b)-used {
			break
		}
		c.frame(b[used:used+int(n)], now)
		used += int(n)
		if c.link.gone || c.link.finish != finishNot {
			return used, false
		}
	}
	return used, true
}

// garbled ends a stream that cannot be cut into PDUs (SMPP 3.4 §4.3).
func (c *Conn) garbled() {
	c.s.meter.Malformed++
	_ = c.append(&pdu.GenericNack{Header: pdu.Header{Status: pdu.StatusInvCmdLen}}) // it closes in any case
	c.link.finish = finishSoft
}

// request is a PDU of the peer on its way through the SMSC.
type request struct {
	p   pdu.PDU
	err error // of decoding
	act Action
	now time.Time
}

// malformed gives the answer to a PDU that did not decode.
func (r *request) malformed() (pdu.CommandStatus, bool) {
	if r.err == nil {
		return pdu.StatusOK, false
	}
	var fault *pdu.Error
	if errors.As(r.err, &fault) {
		return fault.Status, true
	}
	return pdu.StatusSysErr, true
}

func (c *Conn) frame(b []byte, now time.Time) {
	r := request{now: now}
	r.p, r.err = c.decoder.Decode(b)
	if len(c.s.hooks) > 0 {
		r.act = c.s.action(c, r.p)
		if r.act.close {
			c.shut()
		}
		if r.act.drop || c.link.gone {
			return
		}
	}
	c.handle(&r)
}

func (c *Conn) handle(r *request) {
	h := r.p.Head()
	switch p := r.p.(type) {
	case *pdu.SubmitSM:
		c.submit(r, p)
	case *pdu.DeliverSMResp, *pdu.DataSMResp:
		c.settled(h.Sequence, h.Status, r.now)
	case *pdu.DataSM:
		c.submit(r, c.asSubmit(p))
	case *pdu.EnquireLink:
		c.s.meter.EnquireLinks++
		if !c.s.opt.Link.Mute {
			c.respond(r, pdu.StatusOK)
		}
	case *pdu.EnquireLinkResp:
		c.link.missed = 0
	case *pdu.Bind:
		c.bind(r, p)
	case *pdu.Unbind:
		c.respond(r, pdu.StatusOK)
	case *pdu.QuerySM, *pdu.CancelSM, *pdu.ReplaceSM:
		c.operation(r)
	case *pdu.SubmitMulti:
		c.multi(r, p)
	case *pdu.UnbindResp:
		c.link.finish = finishNow
		c.touch()
	case *pdu.GenericNack:
		c.s.meter.Nacks++
		c.settled(h.Sequence, h.Status, r.now)
	default:
		c.other(r, h)
	}
}

// other answers a request that the SMSC does not know by generic_nack.
func (c *Conn) other(r *request, h *pdu.Header) {
	c.s.meter.Unknown++
	silent := h.ID == pdu.CommandOutbind || h.ID == pdu.CommandAlertNotification // nobody answers these
	if !h.ID.IsResponse() && !silent {
		r.act.nack = true
		c.respond(r, pdu.StatusInvCmdID)
	}
}

// respond answers a request that is no message.
func (c *Conn) respond(r *request, status pdu.CommandStatus) {
	h := r.p.Head()
	if st, malformed := r.malformed(); malformed {
		c.s.meter.Malformed++
		status = st
	}
	a := answer{c: c, id: h.ID.Response(), status: status, sequence: h.Sequence}
	c.s.send(&a, &r.act, r.now, r.act.delay)
}

func (c *Conn) bind(r *request, p *pdu.Bind) {
	status := c.s.authorize(c, p)
	if r.act.set {
		status = r.act.status
	}
	if status == pdu.StatusOK && r.err == nil {
		c.systemID, c.version = string(p.SystemID), p.InterfaceVersion
	} else {
		c.s.meter.Refused++
	}
	r.act.delay += c.s.opt.BindDelay.pick(c.s.random)
	c.respond(r, status)
}

func (s *SMSC) authorize(c *Conn, p *pdu.Bind) pdu.CommandStatus {
	o := &s.opt
	switch {
	case c.mode != 0:
		return pdu.StatusAlyBnd
	case o.SystemID != "" && string(p.SystemID) != o.SystemID:
		return pdu.StatusInvSysID
	case o.SystemID != "" && string(p.Password) != o.Password:
		return pdu.StatusInvPaswd
	}
	if o.Authorize != nil {
		if status := o.Authorize(p); status != pdu.StatusOK {
			return status
		}
	}
	if o.MaxBinds > 0 && s.bound() >= o.MaxBinds {
		return orDefault(o.BindLimitStatus, pdu.StatusAlyBnd)
	}
	return pdu.StatusOK
}

func (s *SMSC) bound() int {
	n := 0
	for _, c := range s.conns {
		if c.mode != 0 {
			n++
		}
	}
	return n
}

// isBound is called when a bind's positive answer goes out.
func (c *Conn) isBound(mode pdu.CommandID, now time.Time) {
	c.mode = mode
	c.s.meter.Binds++
	c.enquireLater(now)
	if c.receives() {
		c.s.drain(now)
	}
}

func (c *Conn) receives() bool {
	return c.mode == pdu.CommandBindReceiver || c.mode == pdu.CommandBindTransceiver
}

// enquireLater asks the peer every Link.EnquireLink, as long as that is set.
func (c *Conn) enquireLater(now time.Time) {
	every := c.s.opt.Link.EnquireLink
	if every <= 0 {
		return
	}
	c.s.later.call(now.Add(every), func() {
		if c.link.gone {
			return
		}
		if limit := c.s.opt.Link.EnquireMisses; limit > 0 && c.link.missed >= limit {
			c.shut()
			return
		}
		c.link.missed++
		_ = c.append(&pdu.EnquireLink{Header: pdu.Header{Sequence: c.nextSequence()}}) // a gone one was seen above
		c.enquireLater(time.Now())
	})
}
