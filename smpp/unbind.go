package smpp

import (
	"context"
	"errors"
	"fmt"

	"bindery/smpp/pdu"
)

// Unbind stops submitting, lets the window drain until ctx is over, unbinds and
// closes. It returns when the session is closed: nil when the peer answered or
// unbound itself. It must not be called from a Handler.
func (s *Session) Unbind(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	s.setFree()
	s.mu.Unlock()

	select {
	case <-s.drained:
	case <-ctx.Done():
	case <-s.done:
	}
	s.mu.Lock()
	if s.cause == nil && s.leaving == nil {
		s.leave(local(ErrUnbound))
		s.win.unbind = s.win.control()
		s.control(pdu.CommandUnbind, pdu.StatusOK, s.win.unbind)
	}
	s.mu.Unlock()

	<-s.done
	if err := s.Err(); !errors.Is(err, ErrUnbound) || errors.Is(err, ErrTimeout) {
		return err
	}
	return nil
}

// peerUnbinds answers, gives back what was not written, and lets come what is
// under way (SMPP 3.4 §4.2).
func (s *Session) peerUnbinds(seq uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.control(pdu.CommandUnbindResp, pdu.StatusOK, seq)
	s.peerUnbound = true
	if s.leaving == nil {
		s.leave(remote(ErrUnbound))
	}
	s.finishUnbind()
}

// leave begins the end in order: no request leaves any more (mu held).
func (s *Session) leave(reason error) {
	s.leaving, s.closing, s.state = reason, true, Unbinding
	s.giveBack(ErrClosing)
	s.time.closeBy = s.clock() + s.cfg.UnbindTimeout
	s.expect(s.time.closeBy)
}

// finishUnbind lets the writer flush and close our direction once nothing more
// is to come (mu held): our unbind is answered, or the peer unbound and every
// request of ours has its result.
func (s *Session) finishUnbind() {
	if s.leaving == nil || s.stop != goOn || s.win.unbind != 0 {
		return
	}
	if s.win.open > 0 && s.peerUnbound {
		return
	}
	s.stop = flush
	s.time.closeBy = s.clock() + lingerFor
	s.expect(s.time.closeBy)
	s.wake.Signal()
}

// overtime is the reason when the time for an unbind is over (mu held).
func (s *Session) overtime() error {
	if s.win.unbind != 0 {
		return local(fmt.Errorf("%w: unbind: %w", ErrUnbound, ErrTimeout))
	}
	return s.leaving
}
