package smsctest

import (
	"time"

	"bindery/smpp/pdu"
)

// message is one that was taken. Its octets are copies in buf, which is used
// again with the struct when the last reference is gone.
type message struct {
	number     uint64
	at         time.Time
	bind       *Conn
	account    string
	refs       int
	kept       uint64 // where the record has it, from 1; 0: nowhere
	registered uint8
	source     place
	dest       place
	text       place // the first 20 octets
	reference  place // user_message_reference
	buf        []byte
}

// place is a part of message.buf, and the address's type when it is one.
type place struct {
	ton, npi uint8
	from, to uint16
}

func (m *message) part(p place) []byte { return m.buf[p.from:p.to] }

func (m *message) keep(b []byte) place {
	from := len(m.buf)
	m.buf = append(m.buf, b...)
	return place{from: uint16(from), to: uint16(len(m.buf))}
}

func (m *message) keepAddress(a pdu.Address) place {
	p := m.keep(a.Addr)
	p.ton, p.npi = a.TON, a.NPI
	return p
}

func (m *message) address(p place) pdu.Address {
	return pdu.Address{TON: p.ton, NPI: p.npi, Addr: m.part(p)}
}

// newMessage takes p; its caller holds the first reference.
func (s *SMSC) newMessage(c *Conn, p *pdu.SubmitSM, now time.Time) *message {
	m := s.wire.spare()
	*m = message{
		number: s.opt.IDs.next(s.random, s.counted), at: now, bind: c, account: c.systemID,
		refs: 1, registered: p.RegisteredDelivery, buf: m.buf[:0],
	}
	s.counted++
	m.source = m.keepAddress(p.Source)
	m.dest = m.keepAddress(p.Destination)
	if p.DataCoding == 0 && p.ESMClass&pdu.ESMClassUDHI == 0 {
		m.text = m.keep(p.ShortMessage[:min(len(p.ShortMessage), 20)])
	}
	if s.opt.Receipts.Echo {
		reference, _ := p.TLVs.Get(pdu.TagUserMessageReference)
		m.reference = m.keep(reference)
	}
	return m
}

func (s *SMSC) free(m *message) {
	if m.refs--; m.refs == 0 {
		m.bind = nil
		s.wire.messages = append(s.wire.messages, m)
	}
}

// asSubmit gives a data_sm the shape of a submit_sm.
func (c *Conn) asSubmit(d *pdu.DataSM) *pdu.SubmitSM {
	return &pdu.SubmitSM{
		Header: d.Header, ServiceType: d.ServiceType, Source: d.Source, Destination: d.Destination,
		ESMClass: d.ESMClass, RegisteredDelivery: d.RegisteredDelivery, DataCoding: d.DataCoding, TLVs: d.TLVs,
	}
}

// submit takes or refuses a submit_sm or data_sm.
func (c *Conn) submit(r *request, p *pdu.SubmitSM) {
	s := c.s
	c.load.open++
	c.load.submits++
	c.load.maxOpen = max(c.load.maxOpen, c.load.open)
	s.meter.submit(c, r.now)
	a := answer{c: c, id: p.ID.Response(), status: s.judge(c, r, p), sequence: p.Sequence, counts: true}
	lost := false
	if a.status == pdu.StatusOK {
		lost = s.chance(s.opt.Answers.Lose)
	}
	if a.status == pdu.StatusOK && !lost {
		a.m = s.newMessage(c, p, r.now)
		a.silent = s.chance(s.opt.Answers.Drop)
		s.meter.Taken++
	}
	s.record.submit(s, c, p, &a, lost, r.now)
	c.cutAfter()
	if lost {
		s.meter.Lost++
	} else {
		s.reply(&a, r)
	}
	c.afterSubmit()
}

// judge says what a submit is answered with.
func (s *SMSC) judge(c *Conn, r *request, p *pdu.SubmitSM) pdu.CommandStatus {
	o := &s.opt
	if status, malformed := r.malformed(); malformed {
		s.meter.Malformed++
		return status
	}
	if !c.transmits() {
		return pdu.StatusInvBndSts
	}
	if r.act.set {
		return r.act.status
	}
	if o.Window.Max > 0 && c.load.open > o.Window.Max {
		s.meter.Violations++
		if o.Window.Status != pdu.StatusOK {
			return o.Window.Status
		}
	}
	if s.throttled(c, r.now) {
		return orDefault(o.Throttle.Status, pdu.StatusThrottled)
	}
	if o.Answers.Decide != nil {
		if status := o.Answers.Decide(p.Destination.Addr); status != pdu.StatusOK {
			return status
		}
	}
	return s.errorShare()
}

func (s *SMSC) errorShare() pdu.CommandStatus {
	if len(s.opt.Answers.Errors) == 0 {
		return pdu.StatusOK
	}
	x := s.random.Float64()
	for _, e := range s.opt.Answers.Errors {
		if x < e.Share {
			return e.Status
		}
		x -= e.Share
	}
	return pdu.StatusOK
}

func (s *SMSC) chance(share float64) bool {
	return share > 0 && s.random.Float64() < share
}

// reply sends the answer in its time, and a receipt before it when that is
// asked for.
func (s *SMSC) reply(a *answer, r *request) {
	if s.chance(s.opt.Answers.Double) {
		a.copies++
	}
	if a.silent || r.act.silent {
		s.meter.Dropped++
	}
	d := s.opt.Answers.Latency.pick(s.random) + r.act.delay
	if s.opt.Receipts.When == Before && (a.m != nil || a.extra != nil) {
		s.receiptsBefore(a, r.now, d)
		d += s.opt.Receipts.Delay.pick(s.random)
	}
	s.send(a, &r.act, r.now, d)
}

// cutAfter closes the connection when Link.CutAfter says so, before the answer.
func (c *Conn) cutAfter() {
	if n := c.s.opt.Link.CutAfter; n > 0 && c.load.submits == uint64(n) {
		c.shut()
	}
}

func (c *Conn) afterSubmit() {
	o := &c.s.opt.Link
	if o.UnbindAfter > 0 && c.load.submits == uint64(o.UnbindAfter) {
		c.sendUnbind()
	}
	if o.JunkEvery > 0 && c.load.submits%uint64(o.JunkEvery) == 0 && !c.link.gone {
		c.junk()
	}
}

// junk sends what nobody asked for: an unknown command, an unknown optional
// response, answers to numbers that the peer never used, a nack of nothing.
func (c *Conn) junk() {
	const never = 0x7FFFFF00
	for _, h := range []pdu.Header{
		{ID: 0x00010203, Sequence: c.nextSequence()},
		{ID: 0x80010203, Sequence: never},
		{ID: pdu.CommandSubmitSMResp, Sequence: never + 1},
		{ID: pdu.CommandDeliverSMResp, Sequence: never + 2},
		{ID: pdu.CommandGenericNack, Status: pdu.StatusInvCmdID},
	} {
		c.link.out = appendHeader(c.link.out, h)
	}
	c.touch()
}
