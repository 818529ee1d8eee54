package smsctest

import (
	"time"

	"bindery/smpp/pdu"
)

// Hook sees a PDU before the SMSC does and says what becomes of it. It runs on
// the connection's reader and may call the SMSC and the Conn. p is valid until
// it returns. When p did not decode, it is as far as it did.
type Hook func(c *Conn, p pdu.PDU) Action

// Action is what becomes of a PDU. The zero value is Pass.
type Action struct {
	drop   bool // as if it had never come
	silent bool // handled, not answered
	hold   bool
	close  bool
	delay  time.Duration
	copies int // more of the same answer
	cut    int // octets of the answer, then the connection closes; with cutSet
	cutSet bool
	status pdu.CommandStatus
	set    bool // status answers it, and it is not taken unless it is 0
	nack   bool // by a generic_nack
	number func(sequence uint32) uint32
	raw    []byte
}

// Pass handles the PDU as if there were no hook.
func Pass() Action { return Action{} }

// Drop makes the PDU as if it had never come: not taken, not answered.
func Drop() Action { return Action{drop: true} }

// Silence handles the PDU and leaves the answer out: a response lost on its
// way.
func Silence() Action { return Action{silent: true} }

// Answer answers with a status; the message is taken when that is ESME_ROK.
func Answer(status pdu.CommandStatus) Action { return Action{status: status, set: true} }

// Nack answers with a generic_nack.
func Nack(status pdu.CommandStatus) Action { return Action{status: status, set: true, nack: true} }

// Delay handles the PDU and sends the answer d later than it would be sent.
func Delay(d time.Duration) Action { return Action{delay: d} }

// Double sends the answer twice.
func Double() Action { return Action{copies: 1} }

// Cut sends the first n octets of the answer, or all when n is larger, and
// closes the connection.
func Cut(n int) Action { return Action{cut: n, cutSet: true} }

// Hold handles the PDU and keeps the answer back until SMSC.Release.
func Hold() Action { return Action{hold: true} }

// Close closes the connection at once; the PDU is not handled.
func Close() Action { return Action{close: true, drop: true} }

// Raw answers with these octets whatever they are.
func Raw(octets []byte) Action { return Action{raw: append([]byte{}, octets...)} }

// Renumber answers with the sequence number that f makes of the right one.
func Renumber(f func(sequence uint32) uint32) Action { return Action{number: f} }

// After sends a's answer d later.
func (a Action) After(d time.Duration) Action {
	a.delay += d
	return a
}

// Twice sends a's answer once more.
func (a Action) Twice() Action {
	a.copies++
	return a
}

// ThenCut closes the connection after n octets of a's answer.
func (a Action) ThenCut(n int) Action {
	a.cut, a.cutSet = n, true
	return a
}

type hook struct {
	fn   Hook
	left int // times that it still applies; negative: always
}

// On has f asked about every PDU of a command from now on, until the answer is
// called. Of several hooks for a command the latest is asked.
func (s *SMSC) On(id pdu.CommandID, f Hook) (remove func()) { return s.hook(id, f, -1) }

// Once has f asked about the next PDU of a command only.
func (s *SMSC) Once(id pdu.CommandID, f Hook) (remove func()) { return s.hook(id, f, 1) }

func (s *SMSC) hook(id pdu.CommandID, f Hook, times int) func() {
	s.mu.Lock()
	defer s.unlock()
	h := &hook{fn: f, left: times}
	s.hooks[id] = append(s.hooks[id], h)
	return func() {
		s.mu.Lock()
		defer s.unlock()
		h.left = 0
	}
}

// action asks the hook of p, if there is one. It gives mu back meanwhile.
func (s *SMSC) action(c *Conn, p pdu.PDU) Action {
	id := p.Head().ID
	hooks := s.hooks[id]
	for len(hooks) > 0 && hooks[len(hooks)-1].left == 0 {
		hooks = hooks[:len(hooks)-1]
	}
	if len(hooks) == 0 {
		delete(s.hooks, id)
		return Action{}
	}
	s.hooks[id] = hooks
	h := hooks[len(hooks)-1]
	h.left = max(h.left-1, min(h.left, -1))
	s.unlock()
	a := h.fn(c, p)
	s.mu.Lock()
	return a
}

// Release sends the answers that Hold kept back, in the order in which they
// would have gone; with reverse the other way round. It answers how many.
func (s *SMSC) Release(reverse bool) int {
	s.mu.Lock()
	defer s.unlock()
	held, now := s.held, time.Now()
	s.held = nil
	for i := range held {
		a := &held[i]
		if reverse {
			a = &held[len(held)-1-i]
		}
		a.hold = false
		a.c.emit(a, now)
	}
	return len(held)
}

// Held is the number of answers that Hold keeps back.
func (s *SMSC) Held() int {
	s.mu.Lock()
	defer s.unlock()
	return len(s.held)
}
