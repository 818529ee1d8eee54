package smsctest

import (
	"context"
	"fmt"
	"maps"
	"time"

	"bindery/smpp/pdu"
)

// Counts are totals since New.
type Counts struct {
	Submits      uint64 // submit_sm, data_sm and destinations of a submit_multi read
	Taken        uint64 // given an id
	Lost         uint64 // neither taken nor answered (Answers.Lose)
	Dropped      uint64 // never answered though handled
	Violations   uint64 // beyond Window.Max
	Malformed    uint64 // did not decode
	Binds        uint64 // that became bound
	Refused      uint64 // binds refused
	Receipts     uint64 // deliver_sm and data_sm sent, repeats included
	Acked        uint64 // of these, answered ESME_ROK
	AckErrors    uint64 // answered with another status; they are sent again
	Redelivered  uint64 // sent again
	Unsendable   uint64 // could not be encoded
	Unexpected   uint64 // responses to nothing
	EnquireLinks uint64
	Nacks        uint64 // generic_nack received
	Operations   uint64 // query_sm, cancel_sm, replace_sm and submit_multi read
	Unknown      uint64 // operations that the SMSC does not know
}

// Stats is a snapshot.
type Stats struct {
	Counts
	Connections  int
	Bound        int // binds that are up
	MaxWindow    int // most submits that one bind had unanswered
	MaxPerSecond int // most submits in any one second
	PerSecond    int // submits in the last second
	Waiting      int // deliveries that were not sent yet
	Unacked      int // deliveries that were sent and not answered
	OctetsIn     uint64
	OctetsOut    uint64
	ByStatus     map[pdu.CommandStatus]uint64 // answers to submits
}

// meter counts. SMSC.mu guards it.
type meter struct {
	Counts
	ok        uint64 // answers with ESME_ROK
	byStatus  map[pdu.CommandStatus]uint64
	octetsIn  uint64
	octetsOut uint64
	maxWindow int // of binds that are gone
	second    slide
	bucket    tokens
}

func (m *meter) submit(c *Conn, now time.Time) {
	m.Submits++
	m.second.add(now)
	c.load.second.add(now)
}

func (m *meter) answered(status pdu.CommandStatus) {
	if status == pdu.StatusOK {
		m.ok++
		return
	}
	if m.byStatus == nil {
		m.byStatus = map[pdu.CommandStatus]uint64{}
	}
	m.byStatus[status]++
}

// Stats takes a snapshot.
func (s *SMSC) Stats() Stats {
	s.mu.Lock()
	defer s.unlock()
	return s.stats()
}

func (s *SMSC) stats() Stats {
	m := &s.meter
	m.second.expire(time.Now())
	st := Stats{
		Counts: m.Counts, Connections: len(s.conns), Bound: s.bound(), MaxWindow: m.maxWindow,
		MaxPerSecond: m.second.max, PerSecond: m.second.sum, Waiting: s.backlog.len(),
		OctetsIn: m.octetsIn, OctetsOut: m.octetsOut, ByStatus: map[pdu.CommandStatus]uint64{},
	}
	maps.Copy(st.ByStatus, m.byStatus)
	if m.ok > 0 {
		st.ByStatus[pdu.StatusOK] = m.ok
	}
	for _, c := range s.conns {
		st.MaxWindow = max(st.MaxWindow, c.load.maxOpen)
		st.Waiting += c.receipts.pending.len()
		st.Unacked += len(c.receipts.flight)
	}
	return st
}

// ResetPeaks starts MaxWindow and MaxPerSecond anew.
func (s *SMSC) ResetPeaks() {
	s.mu.Lock()
	defer s.unlock()
	s.meter.maxWindow, s.meter.second.max = 0, s.meter.second.sum
	for _, c := range s.conns {
		c.load.maxOpen, c.load.second.max = c.load.open, c.load.second.sum
	}
}

// BindStats is one bind, up or gone.
type BindStats struct {
	Number       int // of the connection
	Mode         pdu.CommandID
	SystemID     string
	Up           bool
	Submits      uint64
	Open         int // submits without an answer
	MaxWindow    int
	MaxPerSecond int
	Acked        uint64 // deliveries
	Unacked      int
}

func (c *Conn) stats() BindStats {
	return BindStats{
		Number: c.number, Mode: c.mode, SystemID: c.systemID, Up: !c.link.gone, Submits: c.load.submits,
		Open: c.load.open, MaxWindow: c.load.maxOpen, MaxPerSecond: c.load.second.max,
		Acked: c.receipts.acked, Unacked: len(c.receipts.flight),
	}
}

// Stats takes a snapshot of this connection.
func (c *Conn) Stats() BindStats {
	c.s.mu.Lock()
	defer c.s.unlock()
	return c.stats()
}

// notice wakes who waits for a change. SMSC.mu guards it.
type notice struct {
	waiting int
	bell    chan struct{}
}

func (n *notice) ring() {
	if n.waiting > 0 {
		close(n.bell)
		n.bell, n.waiting = nil, 0
	}
}

// Wait returns when reached answers true of the present state, which it is
// asked at every change, or with ctx's error. It must not call the SMSC.
func (s *SMSC) Wait(ctx context.Context, reached func(Stats) bool) error {
	for {
		s.mu.Lock()
		st := s.stats()
		ok := reached(st)
		if !ok && s.changed.bell == nil {
			s.changed.bell = make(chan struct{})
		}
		bell := s.changed.bell
		if ok {
			s.unlock()
			return nil
		}
		// Not unlock: asking is no change, and would ring its own bell.
		s.changed.waiting++
		s.mu.Unlock()
		select {
		case <-bell:
		case <-ctx.Done():
			return fmt.Errorf("smsctest: still waiting with %+v: %w", st, ctx.Err())
		}
	}
}
