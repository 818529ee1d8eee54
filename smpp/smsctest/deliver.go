package smsctest

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"bindery/smpp/pdu"
)

// delivery is one receipt, or message to the peer, until it is acknowledged.
type delivery struct {
	m     *message // of a receipt; it holds a reference
	state uint8
	again bool   // was sent before
	own   []byte // a whole PDU given to Deliver instead
	via   *Conn  // for own: the bind that it is for; nil: any
}

// wire holds structs and buffers that are used again. SMSC.mu guards it.
type wire struct {
	bindResp pdu.BindResp
	deliver  pdu.DeliverSM
	data     pdu.DataSM
	id       []byte
	text     []byte
	tlvs     [4]pdu.TLV
	state    [1]byte
	messages []*message
	// dates of the receipts' text
	submitted, done dates
}

func (w *wire) spare() *message {
	n := len(w.messages)
	if n == 0 {
		return new(message)
	}
	m := w.messages[n-1]
	w.messages = w.messages[:n-1]
	return m
}

// Deliver sends a deliver_sm or data_sm of the caller's: a message from a
// handset, or a receipt of any make. It is numbered, kept and repeated like a
// receipt; by which bind is the SMSC's choice.
func (s *SMSC) Deliver(p pdu.PDU) error { return s.deliverOwn(p, nil) }

// Deliver is SMSC.Deliver by this bind, while it lives.
func (c *Conn) Deliver(p pdu.PDU) error { return c.s.deliverOwn(p, c) }

func (s *SMSC) deliverOwn(p pdu.PDU, via *Conn) error {
	b, err := p.AppendTo(nil)
	if err != nil {
		return fmt.Errorf("smsctest: deliver: %w", err)
	}
	s.mu.Lock()
	defer s.unlock()
	s.deliver(delivery{own: b, via: via}, time.Now())
	return nil
}

func (s *SMSC) receiptsBefore(a *answer, now time.Time, d time.Duration) {
	if a.m != nil {
		s.receiptsAt(a.m, now, d)
	}
	if a.extra != nil {
		for _, m := range a.extra.messages {
			s.receiptsAt(m, now, d)
		}
	}
}

// receiptsAfter sends what follows the answer.
func (s *SMSC) receiptsAfter(m *message, now time.Time) {
	switch s.opt.Receipts.When {
	case With:
		s.receiptsAt(m, now, 0)
	case After:
		s.receiptsAt(m, now, s.opt.Receipts.Delay.pick(s.random))
	}
}

// receiptsAt sends all receipts of m, the first after d.
func (s *SMSC) receiptsAt(m *message, now time.Time, d time.Duration) {
	o := &s.opt.Receipts
	final := s.final(m)
	if final == 0 {
		s.record.ends(m, pdu.MessageStateDelivered, now.Add(d))
		return
	}
	if o.Unasked || m.registered&pdu.RegisteredDeliveryNotice != 0 {
		for _, state := range o.Intermediate {
			s.receiptIn(m, state, now, d)
			d += o.Spacing.pick(s.random)
		}
	}
	s.record.ends(m, final, now.Add(d))
	if !o.asks(m.registered, final) {
		return
	}
	for range 1 + o.Repeat {
		s.receiptIn(m, final, now, d)
		d += o.Spacing.pick(s.random)
	}
}

// final is the state in which m ends; 0 when nobody is told.
func (s *SMSC) final(m *message) uint8 {
	o := &s.opt.Receipts
	if o.Decide != nil {
		return o.Decide(m.part(m.dest))
	}
	if s.chance(o.Lose) {
		return 0
	}
	if len(o.States) > 0 {
		x := s.random.Float64()
		for _, st := range o.States {
			if x < st.Share {
				return st.State
			}
			x -= st.Share
		}
	}
	return pdu.MessageStateDelivered
}

// asks tells whether registered_delivery wants a final receipt (SMPP 3.4
// §5.2.17; 3 is success only in 5.0).
func (o *Receipts) asks(registered, state uint8) bool {
	ok := state == pdu.MessageStateDelivered
	switch registered & pdu.RegisteredDeliveryMask {
	case pdu.RegisteredDeliveryFinal:
		return true
	case pdu.RegisteredDeliveryFailure:
		return o.Unasked || !ok
	case pdu.RegisteredDeliveryMask:
		return o.Unasked || ok
	default:
		return o.Unasked
	}
}

func (s *SMSC) receiptIn(m *message, state uint8, now time.Time, d time.Duration) {
	m.refs++
	dl := delivery{m: m, state: state}
	if d > 0 {
		s.later.at(now.Add(d), event{kind: eventDelivery, delivery: dl})
		return
	}
	s.deliver(dl, now)
}

// deliver gives d to a bind, or to the backlog when none can take it.
func (s *SMSC) deliver(d delivery, now time.Time) {
	c := s.receiver(&d)
	if c == nil {
		s.backlog.push(d)
		return
	}
	c.receipts.pending.push(d)
	c.pump(now)
}

// takes tells whether d may go by c: receipts stay with who submitted.
func (c *Conn) takes(d *delivery) bool {
	return c.receives() && c.link.finish == finishNot && (d.m == nil || c.systemID == d.m.account)
}

// receiver picks the bind for d.
func (s *SMSC) receiver(d *delivery) *Conn {
	choice, same := s.opt.Receipts.Bind, d.via
	if d.m != nil {
		same = d.m.bind
	} else if same != nil {
		choice = SameBind
	}
	if choice == SameBind && same != nil && same.takes(d) {
		return same
	}
	start := s.turn
	if choice == AnyBind {
		start = s.random.IntN(max(len(s.conns), 1))
	} else {
		s.turn++
	}
	return s.nextReceiver(d, start, choice == OtherBind, same)
}

func (s *SMSC) nextReceiver(d *delivery, start int, other bool, same *Conn) *Conn {
	var last *Conn
	for i := range s.conns {
		c := s.conns[(start+i)%len(s.conns)]
		if !c.takes(d) {
			continue
		}
		if !other || c != same {
			return c
		}
		last = c
	}
	return last
}

// pump sends what waits on c, as far as its window and its output allow.
func (c *Conn) pump(now time.Time) {
	r := &c.receipts
	window := orDefault(c.s.opt.Receipts.Window, 500)
	for r.pending.len() > 0 && c.receives() && c.link.finish == finishNot && len(c.link.out) < maxOutput &&
		(window < 0 || len(r.flight) < window) {
		c.sendDelivery(r.pending.pop(), now)
	}
}

func (c *Conn) sendDelivery(d delivery, now time.Time) {
	if d.m != nil && c.s.record.canceled(d.m) {
		d.state = pdu.MessageStateDeleted
	}
	sequence := c.nextSequence()
	out, err := c.s.encodeDelivery(c.link.out, &d, sequence, now)
	if err != nil { // Format wrote more than fits
		c.s.meter.Unsendable++
		c.s.ended(d)
		return
	}
	c.link.out = out
	c.touch()
	c.receipts.flight[sequence] = d
	c.s.meter.Receipts++
	if d.again {
		c.s.meter.Redelivered++
	}
	if t := c.s.opt.Receipts.Timeout; t > 0 {
		c.s.later.call(now.Add(t), func() { c.overdue(sequence, time.Now()) })
	}
}

func (s *SMSC) ended(d delivery) {
	if d.m != nil {
		s.free(d.m)
	}
}

func (c *Conn) overdue(sequence uint32, now time.Time) {
	d, ok := c.receipts.flight[sequence]
	if !ok || c.link.gone {
		return
	}
	delete(c.receipts.flight, sequence)
	d.again = true
	c.s.deliver(d, now)
}

// settled takes the answer to a delivery.
func (c *Conn) settled(sequence uint32, status pdu.CommandStatus, now time.Time) {
	d, ok := c.receipts.flight[sequence]
	if !ok {
		c.s.meter.Unexpected++
		return
	}
	delete(c.receipts.flight, sequence)
	if status == pdu.StatusOK {
		c.receipts.acked++
		c.s.meter.Acked++
		c.s.ended(d)
	} else {
		c.s.refused(d, now)
	}
	c.pump(now)
}

func (s *SMSC) refused(d delivery, now time.Time) {
	s.meter.AckErrors++
	d.again = true
	retry := s.opt.Receipts.Retry
	if retry == (Span{}) {
		retry = Fixed(time.Second)
	}
	s.later.at(now.Add(retry.pick(s.random)), event{kind: eventDelivery, delivery: d})
}

// handOn gives what c had not delivered to the next bind, in its order.
func (s *SMSC) handOn(c *Conn, now time.Time) {
	r := &c.receipts
	list := make([]delivery, 0, len(r.flight)+r.pending.len())
	for _, sequence := range sorted(r.flight) {
		d := r.flight[sequence]
		d.again = true
		list = append(list, d)
	}
	clear(r.flight)
	for r.pending.len() > 0 {
		list = append(list, r.pending.pop())
	}
	for _, d := range list {
		s.deliver(d, now)
	}
}

// sorted gives the sequence numbers in flight, in order but for a wrap.
func sorted(flight map[uint32]delivery) []uint32 {
	list := make([]uint32, 0, len(flight))
	for sequence := range flight {
		list = append(list, sequence)
	}
	slices.Sort(list)
	return list
}

// drain tries the backlog again.
func (s *SMSC) drain(now time.Time) {
	for range s.backlog.len() {
		s.deliver(s.backlog.pop(), now)
	}
}

func (s *SMSC) encodeDelivery(dst []byte, d *delivery, sequence uint32, now time.Time) ([]byte, error) {
	if d.own != nil {
		at := len(dst)
		dst = append(dst, d.own...)
		binary.BigEndian.PutUint32(dst[at+12:], sequence)
		return dst, nil
	}
	o, w, m := &s.opt.Receipts, &s.wire, d.m
	w.id = s.opt.IDs.Receipt.append(w.id[:0], m.number, s.opt.IDs.Width)
	r := Receipt{ID: w.id, State: d.state, Submitted: m.at, Done: now, Text: m.part(m.text)}
	switch {
	case o.Form == TLVOnlyForm:
		w.text = w.text[:0]
	case o.Format != nil:
		w.text = o.Format(w.text[:0], r)
	default:
		w.text = s.appendReceipt(w.text[:0], r)
	}
	return w.encodeReceipt(dst, o, d, sequence)
}

func (w *wire) encodeReceipt(dst []byte, o *Receipts, d *delivery, sequence uint32) ([]byte, error) {
	m := d.m
	class := uint8(pdu.ESMClassReceipt)
	if d.state == pdu.MessageStateEnroute || d.state == pdu.MessageStateAccepted {
		class = pdu.ESMClassNotice
	}
	tlvs := pdu.TLVs(w.tlvs[:0])
	if o.Form == TLVForm || o.Form == TLVOnlyForm {
		w.id, w.state[0] = append(w.id, 0), d.state
		tlvs = append(tlvs, pdu.TLV{Tag: pdu.TagReceiptedMessageID, Value: w.id},
			pdu.TLV{Tag: pdu.TagMessageState, Value: w.state[:]})
	}
	if o.Form == PayloadForm || o.Form == DataSMForm {
		tlvs = append(tlvs, pdu.TLV{Tag: pdu.TagMessagePayload, Value: w.text})
	}
	if reference := m.part(m.reference); len(reference) > 0 {
		tlvs = append(tlvs, pdu.TLV{Tag: pdu.TagUserMessageReference, Value: reference})
	}
	h := pdu.Header{Sequence: sequence}
	if o.Form == DataSMForm {
		w.data = pdu.DataSM{Header: h, Source: m.address(m.dest), Destination: m.address(m.source), ESMClass: class, TLVs: tlvs}
		return w.data.AppendTo(dst)
	}
	w.deliver = pdu.DeliverSM{Header: h, Source: m.address(m.dest), Destination: m.address(m.source), ESMClass: class, TLVs: tlvs}
	if o.Form != PayloadForm {
		w.deliver.ShortMessage = w.text
	}
	return w.deliver.AppendTo(dst)
}
