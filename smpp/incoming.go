package smpp

import (
	"errors"

	"bindery/smpp/pdu"
)

// take handles one PDU of the peer.
func (s *Session) take(frame []byte) {
	p, err := s.in.decoder.Decode(frame)
	if p.Head().ID.IsResponse() {
		s.response(p, err)
		return
	}
	s.request(p, err)
}

func (s *Session) response(p pdu.PDU, err error) {
	h := p.Head()
	s.mu.Lock()
	sl, ok := s.win.answered(h.Sequence, h.ID)
	if !ok {
		ours := s.controlAnswered(h)
		s.mu.Unlock()
		if !ours {
			s.oddity(&s.stat.Unmatched, h, errUnmatched)
		}
		return
	}
	late := sl.state == slotOverdue
	if late {
		s.stat.Late++
	}
	s.setFree()
	s.finishUnbind()
	s.mu.Unlock()
	if err != nil {
		s.oddity(&s.stat.Undecodable, h, err)
	}
	s.in.spoken = true
	s.handler.Result(s, Result{
		Token: sl.token, Resp: p, Late: late,
		Took: s.in.now - (sl.deadline - s.cfg.ResponseTimeout),
	})
}

// controlAnswered tells whether h answers our enquire_link or unbind (mu held).
// A peer that does not know enquire_link nacks it, and lives.
func (s *Session) controlAnswered(h *pdu.Header) bool {
	nack := h.ID == pdu.CommandGenericNack
	switch {
	case h.Sequence == 0:
		return false
	case h.Sequence == s.win.enquire && (nack || h.ID == pdu.CommandEnquireLinkResp):
		s.win.enquire = 0
	case h.Sequence == s.win.unbind && (nack || h.ID == pdu.CommandUnbindResp):
		s.win.unbind = 0
		s.finishUnbind()
	default:
		return false
	}
	return true
}

func (s *Session) request(p pdu.PDU, err error) {
	h := p.Head()
	op, known := matrix(h.ID)
	switch {
	case !known:
		s.answer(pdu.CommandGenericNack, pdu.StatusInvCmdID, h.Sequence)
		s.oddity(&s.stat.UnknownCommands, h, errUnknownCommand)
	case err != nil:
		s.refuse(h, op, faultStatus(err))
		s.oddity(&s.stat.Undecodable, h, err)
	case !op.allows(s.side.peer(), s.peerState()):
		s.refuse(h, op, wrongState(op))
		s.oddity(&s.stat.WrongState, h, &StateError{ID: h.ID, State: s.bound})
	case h.ID == pdu.CommandEnquireLink:
		s.answer(pdu.CommandEnquireLinkResp, pdu.StatusOK, h.Sequence)
	case h.ID == pdu.CommandUnbind:
		s.peerUnbinds(h.Sequence)
	case op.optional:
		s.operation(p, op)
	default:
		s.in.spoken = true
		s.handler.Request(s, p)
	}
}

// operation is for the requests that are no messages of one recipient.
func (s *Session) operation(p pdu.PDU, op operation) {
	if op.silent {
		s.mu.Lock()
		s.stat.Alerts++
		s.mu.Unlock()
	}
	switch {
	case s.in.others != nil:
		s.in.spoken = true
		s.in.others.Operation(s, p)
	case !op.silent:
		s.refuse(p.Head(), op, pdu.StatusInvCmdID)
		s.oddity(&s.stat.Declined, p.Head(), errDeclined)
	}
}

// peerState is the state by which the peer's requests are judged. Our own
// unbind does not count: what crosses it was sent in a bound state.
func (s *Session) peerState() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.peerUnbound {
		return Unbinding
	}
	return s.bound
}

// wrongState is the status for a request that has no place here: not in this
// state, or, as a query_sm of an SMSC, not from this side. The command is known
// and has a response, so that it is, and not generic_nack ESME_RINVCMDID. A
// second bind has a status of its own.
func wrongState(op operation) pdu.CommandStatus {
	if op.esme == onlyOpen {
		return pdu.StatusAlyBnd
	}
	return pdu.StatusInvBndSts
}

// faultStatus is what a request that does not decode is answered with.
func faultStatus(err error) pdu.CommandStatus {
	if e := (*pdu.Error)(nil); errors.As(err, &e) && e.Status != pdu.StatusOK {
		return e.Status
	}
	return pdu.StatusSysErr
}

func (s *Session) refuse(h *pdu.Header, op operation, status pdu.CommandStatus) {
	if !op.silent {
		s.answer(h.ID.Response(), status, h.Sequence)
	}
}

func (s *Session) answer(id pdu.CommandID, status pdu.CommandStatus, seq uint32) {
	s.mu.Lock()
	s.control(id, status, seq)
	s.mu.Unlock()
}

// control queues a PDU that is a header alone (mu held).
func (s *Session) control(id pdu.CommandID, status pdu.CommandStatus, seq uint32) {
	if s.stop != goOn {
		return
	}
	s.out.control.buf = appendHeader(s.out.control.tail(), id, status, seq)
	s.wakeWriter()
}

// oddity counts and tells what did not fit.
func (s *Session) oddity(counter *uint64, h *pdu.Header, err error) {
	s.mu.Lock()
	*counter++
	s.mu.Unlock()
	if s.in.odd != nil {
		s.in.odd.Odd(s, &OddError{ID: h.ID, Status: h.Status, Sequence: h.Sequence, Err: err})
	}
}
