package api

import (
	"io"
	"os"
	"sync"
)

// Bounds of what is kept of answers that nobody reads yet.
const (
	spoolMemory = 256 << 10 // octets of one request; more goes to a file
	spoolFile   = 1 << 30   // octets of one request's file
)

// spool keeps the answers of one request until its client reads them: the first
// in memory, what exceeds it in a file without a name, which the kernel frees
// with the process. One goroutine adds, another reads; so whoever sends never
// waits for whoever reads. An answer that is the same for many lines is kept
// once, with a count.
type spool struct {
	mu   sync.Mutex // guards all below
	more sync.Cond  // something was added, or the end was

	file       *os.File // nil: nothing was too much yet
	head, tail int64    // of what the file holds and was not read
	memory     []byte   // after what the file holds
	runs       []run    // after what memory holds
	ended      bool
	broken     bool // nobody reads any more
	stuck      bool // the file takes nothing more
}

// run is one answer for many lines.
type run struct {
	answer []byte
	n      int
}

func newSpool() *spool {
	s := &spool{}
	s.more.L = &s.mu
	return s
}

// add keeps answers. After repeat nothing is added any more.
func (s *spool) add(answers []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken || len(answers) == 0 {
		return
	}
	if len(s.memory)+len(answers) > spoolMemory && len(s.memory) > 0 && !s.stuck {
		s.stuck = !s.spill()
	}
	s.memory = append(s.memory, answers...)
	s.more.Signal()
}

// full tells that no more should be added: the file is as large as it may be,
// or cannot be written.
func (s *spool) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stuck
}

// spill writes memory to the file.
func (s *spool) spill() bool {
	if s.file == nil {
		f, err := os.CreateTemp("", "bindery-answers-")
		if err != nil {
			return false
		}
		_ = os.Remove(f.Name()) // the file lives as long as it is open
		s.file = f
	}
	if s.tail+int64(len(s.memory)) > spoolFile {
		return false
	}
	if _, err := s.file.WriteAt(s.memory, s.tail); err != nil {
		return false
	}
	s.tail += int64(len(s.memory))
	s.memory = s.memory[:0]
	return true
}

// repeat keeps one answer for n lines.
func (s *spool) repeat(answer []byte, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.runs) - 1; last >= 0 && string(s.runs[last].answer) == string(answer) {
		s.runs[last].n += n
	} else {
		s.runs = append(s.runs, run{answer, n})
	}
	s.more.Signal()
}

// end tells the reader that nothing more comes.
func (s *spool) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.more.Signal()
}

// give up: nobody reads any more.
func (s *spool) giveUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken, s.memory, s.runs, s.head, s.tail = true, nil, nil, 0, 0
}

// next fills buf with what comes next, waiting for it; io.EOF at the end.
func (s *spool) next(buf []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.head < s.tail:
			n, err := s.file.ReadAt(buf[:min(int64(cap(buf)), s.tail-s.head)], s.head)
			if s.head += int64(n); s.head == s.tail {
				s.head, s.tail = 0, 0
				_ = s.file.Truncate(0) // its room is given back when the file is closed
			}
			if n > 0 {
				err = nil
			}
			return buf[:n], err
		case len(s.memory) > 0:
			n := copy(buf[:cap(buf)], s.memory)
			s.memory = s.memory[:copy(s.memory, s.memory[n:])]
			return buf[:n], nil
		case len(s.runs) > 0:
			return s.expand(buf[:0]), nil
		case s.ended:
			return nil, io.EOF
		}
		s.more.Wait()
	}
}

// expand writes as many answers of the first run as fit.
func (s *spool) expand(buf []byte) []byte {
	r := &s.runs[0]
	for r.n > 0 && (len(buf) == 0 || len(buf)+len(r.answer) <= cap(buf)) {
		buf = append(buf, r.answer...)
		r.n--
	}
	if r.n == 0 {
		s.runs = s.runs[1:]
	}
	return buf
}

// close frees the file.
func (s *spool) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		_ = s.file.Close()
	}
}
