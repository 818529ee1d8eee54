package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func (s *spool) readAll() ([]byte, error) {
	var all []byte
	buf := make([]byte, 0, 1000)
	for {
		b, err := s.next(buf)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, b...)
	}
}

// TestSpoolInOrder: whatever is added is read in its order, however much of it
// waits, and memory stays within its bound.
func TestSpoolInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSpool()
		defer s.close()
		var want, got []byte
		for i := range rapid.IntRange(0, 30).Draw(t, "adds") {
			if rapid.Bool().Draw(t, "read") && len(got) < len(want) {
				b, err := s.next(make([]byte, 0, rapid.IntRange(1, 200_000).Draw(t, "buffer")))
				if err != nil || len(b) == 0 {
					t.Fatalf("%d octets, %v", len(b), err)
				}
				got = append(got, b...)
			}
			piece := bytes.Repeat([]byte(fmt.Sprintf("%d,", i)), rapid.IntRange(0, 60_000).Draw(t, "size"))
			want = append(want, piece...)
			s.add(piece)
			if cap(s.memory) > 2*spoolMemory+len(piece) {
				t.Fatalf("%d octets in memory", cap(s.memory))
			}
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "runs") {
			n := rapid.IntRange(1, 5000).Draw(t, "n")
			answer := fmt.Sprintf("run %d\n", i)
			s.repeat([]byte(answer), n)
			want = append(want, strings.Repeat(answer, n)...)
		}
		s.end()
		rest, err := s.readAll()
		if got = append(got, rest...); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%v, %d octets of %d", err, len(got), len(want))
		}
	})
}

// TestSpoolOfRuns keeps a million answers as one.
func TestSpoolOfRuns(t *testing.T) {
	s := newSpool()
	for range 1_000_000 {
		s.repeat([]byte("no\n"), 1)
	}
	if len(s.runs) != 1 || s.runs[0].n != 1_000_000 {
		t.Errorf("%d runs", len(s.runs))
	}
}

// TestSpoolThatIsFull says so, and loses nothing.
func TestSpoolThatIsFull(t *testing.T) {
	t.Setenv("TMPDIR", "/nowhere")
	s := newSpool()
	piece := bytes.Repeat([]byte("x"), spoolMemory)
	s.add(piece)
	if s.full() {
		t.Error("full too soon")
	}
	s.add(piece)
	if !s.full() {
		t.Error("not full")
	}
	s.end()
	if got, err := s.readAll(); err != nil || len(got) != 2*spoolMemory {
		t.Errorf("%d octets, %v", len(got), err)
	}
}

func TestSpoolThatNobodyReads(t *testing.T) {
	s := newSpool()
	s.giveUp()
	for range 100 {
		s.add(bytes.Repeat([]byte("x"), spoolMemory))
	}
	if len(s.memory) > 0 || s.file != nil {
		t.Error("kept for nobody")
	}
	s.end()
	if got, err := s.readAll(); err != nil || len(got) != 0 {
		t.Errorf("%d octets, %v", len(got), err)
	}
}
