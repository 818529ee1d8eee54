package smpp

// SetNextSequence sets the number that the next request of s gets.
func (s *Session) SetNextSequence(seq uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.win.next = seq
}

// Waiting is how many octets wait for the writer.
func (s *Session) Waiting() (control, data int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.control.len(), s.out.data.len()
}
