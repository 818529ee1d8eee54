package smpp

import "time"

// Stat is a snapshot of a session, for metrics and the console.
type Stat struct {
	State State
	Since time.Time // when it was bound
	Heard time.Time // the peer's last PDU; zero: none yet

	PDUsIn              uint64
	OctetsIn, OctetsOut uint64
	Writes              uint64 // buffers handed to the connection

	Window  int // its size
	InUse   int // slots taken, overdue ones included
	Overdue int // slots whose time-out was told and that are not answered

	Timeouts        uint64
	Late            uint64 // answers after their time-out
	Enquiries       uint64 // our enquire_links
	Unmatched       uint64 // responses that answer no open request
	UnknownCommands uint64
	Undecodable     uint64
	WrongState      uint64
	Declined        uint64 // operations that the Handler does not do
	Alerts          uint64 // alert_notifications
}

// Stat is cheap enough for every scrape: one lock and a copy.
func (s *Session) Stat() Stat {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stat
	st.State = s.state
	st.Window, st.InUse, st.Overdue = s.win.size, s.win.used, s.win.used-s.win.open
	return st
}
