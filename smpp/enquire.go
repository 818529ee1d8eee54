package smpp

// Enquire asks the peer for a sign of life now, whatever it said last. It does
// not wait: an answer counts as heard (Stat), and one that does not come ends
// the session as after any other enquire_link. ErrClosing when it can no longer
// leave.
func (s *Session) Enquire() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != goOn || s.cause != nil {
		return ErrClosing
	}
	s.time.ask(s.clock())
	s.expect(s.time.asked + s.time.answerWithin)
	s.askEnquire()
	return nil
}
