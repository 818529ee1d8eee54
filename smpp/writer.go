package smpp

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
)

// write is the writer's goroutine. It stops when it is told to or when a write
// fails.
func (s *Session) write() {
	defer close(s.written)
	var buf []byte
	for s.await() {
		open := s.gateOpen()
		var data int
		buf, data = s.fill(buf[:0], open)
		if len(buf) == 0 {
			continue
		}
		n, err := s.conn.Write(buf)
		if !s.wrote(n, len(buf), data, err) {
			return
		}
	}
	s.closeWrite()
}

// await sleeps until there is something to write; false ends the writer.
func (s *Session) await() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	slept := false
	for {
		switch {
		case s.stop == abort:
			return false
		case !s.out.empty() && slept && s.out.pending() < eagerWrite:
			// Whoever woke us is likely to have more: one turn of the
			// scheduler gathers it.
			slept = false
			s.mu.Unlock()
			runtime.Gosched()
			s.mu.Lock()
		case !s.out.empty():
			return true
		case s.stop == flush:
			return false
		default:
			s.wake.Wait()
			slept = true
		}
	}
}

// gateOpen asks the gate when data waits. When it is closed, what waits goes
// back; what comes after is asked about before the next write.
func (s *Session) gateOpen() bool {
	if s.cfg.Gate == nil {
		return true
	}
	s.mu.Lock()
	waits := s.out.data.len() > 0
	s.mu.Unlock()
	if !waits {
		return false
	}
	if s.cfg.Gate() {
		return true
	}
	s.mu.Lock()
	s.giveBack(ErrGate)
	s.mu.Unlock()
	return false
}

// Withdraw gives back, with ErrGate and Written false, every request that the
// writer has not taken, as a closed Gate would. The session goes on.
func (s *Session) Withdraw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.giveBack(ErrGate)
}

// giveBack returns every request that the writer has not taken (mu held).
func (s *Session) giveBack(err error) {
	for _, sl := range s.win.takeFrom(s.out.taken, nil) {
		s.returned = append(s.returned, Result{Token: sl.token, Err: err})
	}
	s.out.dropData()
	s.setFree()
	if len(s.returned) > 0 {
		s.kick()
	}
}

// fill takes what the next write gets and sets its deadline; under the lock, so
// that it cannot undo the shorter one of linger.
func (s *Session) fill(dst []byte, withData bool) ([]byte, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dst, data := s.out.take(dst, withData)
	if s.stalled && s.out.control.len() < stallControl/2 {
		s.stalled = false
		s.makeRoom()
	}
	limit := s.cfg.WriteTimeout
	if s.stop == flush {
		limit = lingerFor
	}
	s.conn.SetWriteDeadline(time.Now().Add(limit))
	return dst, data
}

// wrote accounts for one write of octets, the last data of them from the data
// lane; n is what the connection took.
func (s *Session) wrote(n, octets, data int, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.sent += uint64(max(0, n-(octets-data)))
	s.stat.OctetsOut += uint64(n)
	s.stat.Writes++
	if err == nil {
		return true
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.fail(local(fmt.Errorf("write: %w", err)))
	} else {
		s.fail(remote(fmt.Errorf("write: %w", err)))
	}
	return false
}

// closeWrite ends our direction after the last octet, where the connection can.
func (s *Session) closeWrite() {
	if half, ok := s.conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
}
