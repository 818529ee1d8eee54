package smsctest

import (
	"bytes"
	"time"

	"bindery/smpp/pdu"
)

// Submit is one submit_sm or data_sm as the SMSC saw it.
type Submit struct {
	At      time.Time
	Bind    int // number of the connection
	PDU     pdu.SubmitSM
	ID      string // as in the response; empty when it was not taken
	Receipt string // the same id as receipts write it
	Status  pdu.CommandStatus
	Lost    bool // neither taken nor answered

	// State is how it ends (pdu.MessageState…), and Done when, as far as that is
	// decided: with Receipts.When, once it is answered, told to anybody or not;
	// by a cancel_sm at once. A replace_sm changes PDU.
	State uint8
	Done  time.Time
}

// Source and Destination are the addresses as text.
func (s *Submit) Source() string      { return string(s.PDU.Source.Addr) }
func (s *Submit) Destination() string { return string(s.PDU.Destination.Addr) }

// Payload is short_message, or message_payload when that is empty.
func (s *Submit) Payload() []byte { return s.PDU.Payload() }

// record keeps what was submitted. SMSC.mu guards it.
type record struct {
	submits   []Submit
	gone      uint64 // before submits[0], since New
	numbers   []uint64
	forgotten uint64
	past      []BindStats // binds that are gone
}

const (
	fullLimit  = 200_000
	idsLimit   = 4_000_000
	pastsLimit = 10_000
)

func (r *record) submit(s *SMSC, c *Conn, p *pdu.SubmitSM, a *answer, lost bool, now time.Time) {
	o := &s.opt.Record
	switch o.Mode {
	case RecordOff:
	case RecordIDs:
		if a.m != nil {
			r.numbers = bounded(r, append(r.numbers, a.m.number), orDefault(o.Limit, idsLimit))
		}
	default:
		all := append(r.submits, s.entry(c, p, a, lost, now))
		r.submits = bounded(r, all, orDefault(o.Limit, fullLimit))
		r.gone += uint64(len(all) - len(r.submits))
		if a.m != nil {
			a.m.kept = r.gone + uint64(len(r.submits))
		}
	}
}

// entry is what is kept of m; nil when that is nothing, or no longer.
func (r *record) entry(m *message) *Submit {
	if m.kept <= r.gone || m.kept-r.gone > uint64(len(r.submits)) {
		return nil
	}
	return &r.submits[m.kept-r.gone-1]
}

// ends notes how m ends, unless it is canceled already.
func (r *record) ends(m *message, state uint8, at time.Time) {
	if e := r.entry(m); e != nil && e.State == 0 {
		e.State, e.Done = state, at
	}
}

func (r *record) canceled(m *message) bool {
	e := r.entry(m)
	return e != nil && e.State == pdu.MessageStateDeleted
}

// bounded lets the older half go when a list is over its limit.
func bounded[T any](r *record, list []T, limit int) []T {
	if len(list) <= limit {
		return list
	}
	gone := (len(list) + 1) / 2
	r.forgotten += uint64(gone)
	n := copy(list, list[gone:])
	clear(list[n:])
	return list[:n]
}

func (s *SMSC) entry(c *Conn, p *pdu.SubmitSM, a *answer, lost bool, now time.Time) Submit {
	e := Submit{At: now, Bind: c.number, PDU: clone(p), Status: a.status, Lost: lost}
	if m := a.m; m != nil {
		ids := &s.opt.IDs
		e.ID = string(ids.Response.append(nil, m.number, ids.Width))
		e.Receipt = string(ids.Receipt.append(nil, m.number, ids.Width))
	}
	return e
}

func clone(p *pdu.SubmitSM) pdu.SubmitSM {
	q := *p
	q.ServiceType = bytes.Clone(p.ServiceType)
	q.Source.Addr = bytes.Clone(p.Source.Addr)
	q.Destination.Addr = bytes.Clone(p.Destination.Addr)
	q.ScheduleDeliveryTime = bytes.Clone(p.ScheduleDeliveryTime)
	q.ValidityPeriod = bytes.Clone(p.ValidityPeriod)
	q.ShortMessage = bytes.Clone(p.ShortMessage)
	q.TLVs = nil
	for _, t := range p.TLVs {
		q.TLVs = append(q.TLVs, pdu.TLV{Tag: t.Tag, Value: bytes.Clone(t.Value)})
	}
	return q
}

func (r *record) left(c *Conn) {
	c.s.meter.maxWindow = max(c.s.meter.maxWindow, c.load.maxOpen)
	r.past = append(r.past, c.stats())
	if len(r.past) > pastsLimit {
		r.past = append(r.past[:0], r.past[pastsLimit/2:]...)
	}
}

// Submits are the submits that are kept, in the order in which they were read.
func (s *SMSC) Submits() []Submit {
	s.mu.Lock()
	defer s.unlock()
	return append([]Submit(nil), s.record.submits...)
}

// IDs are the numbers behind the ids, with RecordIDs, in order.
func (s *SMSC) IDs() []uint64 {
	s.mu.Lock()
	defer s.unlock()
	return append([]uint64(nil), s.record.numbers...)
}

// Forgotten is the number of submits that Record.Limit has let go.
func (s *SMSC) Forgotten() uint64 {
	s.mu.Lock()
	defer s.unlock()
	return s.record.forgotten
}

// Forget empties the record.
func (s *SMSC) Forget() {
	s.mu.Lock()
	defer s.unlock()
	s.record = record{past: s.record.past, gone: s.record.gone + uint64(len(s.record.submits))}
}

// Binds are all connections, those that are gone first.
func (s *SMSC) Binds() []BindStats {
	s.mu.Lock()
	defer s.unlock()
	list := append([]BindStats(nil), s.record.past...)
	for _, c := range s.conns {
		list = append(list, c.stats())
	}
	return list
}
