package smsctest

import (
	"encoding/binary"
	"time"

	"bindery/smpp/pdu"
)

// answer is a response on its way out.
type answer struct {
	c        *Conn
	id       pdu.CommandID // of the response
	status   pdu.CommandStatus
	sequence uint32
	m        *message // what was taken; it holds a reference
	extra    *extra   // of an operation beside submit_sm
	counts   bool     // it frees a place in the window
	silent   bool     // never sent; what follows the answer follows
	hold     bool     // until Release
	shuffled bool
	copies   int
	act      *Action // what else a hook wants; nil: nothing
}

// send lets a go after d, changed by what a hook wants.
func (s *SMSC) send(a *answer, act *Action, now time.Time, d time.Duration) {
	if act.set {
		a.status = act.status
	}
	if act.nack {
		a.id = pdu.CommandGenericNack
	}
	a.silent = a.silent || act.silent
	a.hold = act.hold
	a.copies += act.copies
	if act.cutSet || act.raw != nil || act.number != nil {
		a.act = &Action{cut: act.cut, cutSet: act.cutSet, raw: act.raw, number: act.number}
	}
	if d > 0 {
		later := *a
		s.later.at(now.Add(d), event{kind: eventAnswer, answer: &later})
		return
	}
	a.c.emit(a, now)
}

// emit writes an answer whose time has come.
func (c *Conn) emit(a *answer, now time.Time) {
	switch {
	case a.hold:
		c.s.held = append(c.s.held, *a)
		return
	case a.counts && !a.shuffled && !a.silent && c.s.opt.Answers.Reorder > 1:
		c.shuffle(a, now)
		return
	}
	if !a.silent && !c.link.gone {
		c.writeAnswer(a)
		c.answered(a, now)
	}
	if a.m != nil {
		c.s.receiptsAfter(a.m, now)
		c.s.free(a.m)
	}
	if a.extra != nil {
		for _, m := range a.extra.messages {
			c.s.receiptsAfter(m, now)
			c.s.free(m)
		}
	}
}

// answered does what follows from the answer having gone.
func (c *Conn) answered(a *answer, now time.Time) {
	if a.counts {
		c.load.leaving++
		c.s.meter.answered(a.status)
	}
	switch a.id {
	case pdu.CommandBindReceiverResp, pdu.CommandBindTransmitterResp, pdu.CommandBindTransceiverResp:
		if a.status == pdu.StatusOK && c.mode == 0 {
			c.isBound(a.id&^pdu.CommandGenericNack, now)
		}
	case pdu.CommandUnbindResp:
		if a.status == pdu.StatusOK {
			c.mode = 0
			c.link.finish = finishSoft
		}
	}
}

func (c *Conn) writeAnswer(a *answer) {
	start := len(c.link.out)
	for range 1 + a.copies {
		c.encode(a)
	}
	if act := a.act; act != nil && act.cutSet {
		c.link.out = c.link.out[:min(len(c.link.out), start+max(act.cut, 0))]
		c.link.finish = finishNow
	}
	c.touch()
}

func (c *Conn) encode(a *answer) {
	if a.act != nil && a.act.raw != nil {
		c.link.out = append(c.link.out, a.act.raw...)
		return
	}
	h := pdu.Header{ID: a.id, Status: a.status, Sequence: a.sequence}
	if a.act != nil && a.act.number != nil {
		h.Sequence = a.act.number(h.Sequence)
	}
	w := &c.s.wire
	switch a.id {
	case pdu.CommandSubmitSMResp, pdu.CommandDataSMResp:
		c.encodeTaken(w, h, a.m)
	case pdu.CommandBindReceiverResp, pdu.CommandBindTransmitterResp, pdu.CommandBindTransceiverResp:
		c.encodeBind(w, h)
	default:
		c.encodeOther(h, a.extra)
	}
}

// encodeOther writes what has a body of its own, else a header alone.
func (c *Conn) encodeOther(h pdu.Header, x *extra) {
	if x != nil && x.body != nil && h.Status == pdu.StatusOK && h.ID != pdu.CommandGenericNack {
		*x.body.Head() = h
		if out, err := x.body.AppendTo(c.link.out); err == nil { // an id of the peer's may be too long
			c.link.out = out
			return
		}
		h.Status = pdu.StatusSysErr
	}
	c.link.out = appendHeader(c.link.out, h)
}

// encodeTaken writes submit_sm_resp and data_sm_resp, which look the same. A
// refusal is the header alone (SMPP 3.4 §4.4.2).
func (c *Conn) encodeTaken(w *wire, h pdu.Header, m *message) {
	start := len(c.link.out)
	c.link.out = appendHeader(c.link.out, h)
	if m != nil && h.Status == pdu.StatusOK {
		ids := &c.s.opt.IDs
		c.link.out = append(ids.Response.append(c.link.out, m.number, ids.Width), 0)
		binary.BigEndian.PutUint32(c.link.out[start:], uint32(len(c.link.out)-start))
	}
}

func (c *Conn) encodeBind(w *wire, h pdu.Header) {
	w.bindResp = pdu.BindResp{Header: h}
	if h.Status == pdu.StatusOK {
		w.bindResp.SystemID = []byte(orDefault(c.s.opt.Name, "smsctest"))
		if c.version >= pdu.Version34 {
			w.bindResp.TLVs = pdu.TLVs{{Tag: pdu.TagSCInterfaceVersion, Value: []byte{pdu.Version34}}}
		}
	}
	out, err := w.bindResp.AppendTo(c.link.out)
	if err != nil { // a Name too long for the field
		h.Status = pdu.StatusSysErr
		out = appendHeader(c.link.out, h)
	}
	c.link.out = out
}

func appendHeader(dst []byte, h pdu.Header) []byte {
	dst = binary.BigEndian.AppendUint32(dst, pdu.HeaderLen)
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.ID))
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.Status))
	return binary.BigEndian.AppendUint32(dst, h.Sequence)
}

// shuffle keeps answers back until Answers.Reorder of them can go in random
// order, or the first has waited for ReorderWait.
func (c *Conn) shuffle(a *answer, now time.Time) {
	list := append(c.load.shuffling, *a)
	c.load.shuffling = list
	if len(list) >= c.s.opt.Answers.Reorder {
		c.release(now)
		return
	}
	if len(list) == 1 {
		wait := orDefault(c.s.opt.Answers.ReorderWait, 20*time.Millisecond)
		c.s.later.call(now.Add(wait), func() { c.release(time.Now()) })
	}
}

func (c *Conn) release(now time.Time) {
	list := c.load.shuffling
	c.load.shuffling = nil
	c.s.random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for i := range list {
		list[i].shuffled = true
		c.emit(&list[i], now)
	}
}
