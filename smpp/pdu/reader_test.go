package pdu_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"bindery/smpp/pdu"
)

// chunks is a reader that returns one chunk a read, cut down to the buffer.
type chunks struct {
	parts [][]byte
	reads int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.parts) == 0 {
		return 0, io.EOF
	}
	c.reads++
	n := copy(p, c.parts[0])
	if c.parts[0] = c.parts[0][n:]; len(c.parts[0]) == 0 {
		c.parts = c.parts[1:]
	}
	return n, nil
}

// readAll gives copies of all PDUs and the error that ended them.
func readAll(r *pdu.Reader) (frames [][]byte, err error) {
	for {
		frame, err := r.Next()
		if err != nil {
			return frames, err
		}
		frames = append(frames, bytes.Clone(frame))
	}
}

func stream(t testing.TB, list []pdu.PDU) (whole []byte, frames [][]byte) {
	for _, p := range list {
		frames = append(frames, encode(t, p))
		whole = append(whole, frames[len(frames)-1]...)
	}
	return whole, frames
}

func sameFrames(a, b [][]byte) bool {
	return bytes.Equal(bytes.Join(a, []byte("|")), bytes.Join(b, []byte("|"))) && len(a) == len(b)
}

// Any chunking of any stream gives the same PDUs.
func TestReaderChunks(t *testing.T) {
	whole, want := stream(t, samples())
	readers := map[string]io.Reader{
		"whole":         bytes.NewReader(whole),
		"octet":         iotest.OneByteReader(bytes.NewReader(whole)),
		"half":          iotest.HalfReader(bytes.NewReader(whole)),
		"data with EOF": iotest.DataErrReader(bytes.NewReader(whole)),
	}
	for name, src := range readers {
		t.Run(name, func(t *testing.T) {
			if got, err := readAll(pdu.NewReader(src, 0)); !errors.Is(err, io.EOF) || !sameFrames(got, want) {
				t.Errorf("%d PDUs of %d, %v", len(got), len(want), err)
			}
		})
	}
	t.Run("any", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			src := &chunks{}
			for rest := whole; len(rest) > 0; {
				n := min(rapid.IntRange(1, 40000).Draw(t, "n"), len(rest))
				src.parts, rest = append(src.parts, rest[:n]), rest[n:]
			}
			if got, err := readAll(pdu.NewReader(src, 0)); !errors.Is(err, io.EOF) || !sameFrames(got, want) {
				t.Errorf("%d PDUs of %d, %v", len(got), len(want), err)
			}
		})
	})
}

// 500 PDUs that come in one write are read in few reads, and Ready tells when
// a read is exhausted, also in the middle of a PDU.
func TestReaderReady(t *testing.T) {
	one := encode(t, &pdu.EnquireLink{Header: header(pdu.CommandEnquireLink, 0, 1)})
	whole := bytes.Repeat(one, 500)
	src := &chunks{parts: [][]byte{whole[:100*16+5], whole[100*16+5:]}}
	r := pdu.NewReader(src, 0)
	if r.Ready() || r.Buffered() != 0 {
		t.Fatal("ready before the first read")
	}
	for range 99 {
		if _, err := r.Next(); err != nil || !r.Ready() {
			t.Fatalf("%v, ready %v", err, r.Ready())
		}
	}
	if _, err := r.Next(); err != nil || r.Ready() || r.Buffered() != 5 || src.reads != 1 {
		t.Fatalf("%v, ready %v, buffered %d, reads %d", err, r.Ready(), r.Buffered(), src.reads)
	}
	rest, err := readAll(r)
	if len(rest) != 400 || !errors.Is(err, io.EOF) || src.reads > 4 {
		t.Errorf("%d PDUs, %v, %d reads", len(rest), err, src.reads)
	}
}

func TestReaderLength(t *testing.T) {
	tests := []struct {
		name, octets string
		max          int
		want         string // empty: taken
	}{
		{"zero", "\x00\x00\x00\x00", 0, "command_length 0 is not within 16..70000"},
		{"15", "\x00\x00\x00\x0f", 0, "command_length 15 is not within 16..70000"},
		{"16", "\x00\x00\x00\x10\x00\x00\x00\x15\x00\x00\x00\x00\x00\x00\x00\x01", 0, ""},
		{"one over", "\x00\x01\x11\x71", 0, "command_length 70001 is not within 16..70000"},
		{"one over a bound", "\x00\x00\x04\x01", 1024, "command_length 1025 is not within 16..1024"},
		{"negative for an int32", "\xff\xff\xff\xff", 0, "command_length 4294967295 is not within 16..70000"},
		{"a web server", "HTTP/1.1 400", 0, `command_length 1213486160 is not within 16..70000; the octets read "HTTP": not an SMSC?`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// A peer that sends these octets and then nothing is found out at
			// once: reading on would fail with another error.
			r := pdu.NewReader(io.MultiReader(strings.NewReader(tt.octets), iotest.ErrReader(errors.New("read on"))), tt.max)
			_, err := r.Next()
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var e *pdu.LengthError
			if !errors.As(err, &e) || e.Error() != tt.want || !r.Ready() {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if _, again := r.Next(); again == nil || again.Error() != tt.want {
				t.Errorf("then %v", again)
			}
		})
	}
}

// The length alone makes the reader allocate nothing.
func TestReaderDoesNotTrustTheLength(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	claim := []byte("\x00\x01\x11\x70\x00\x00\x00\x04") // 70,000
	src := bytes.NewReader(claim)
	result := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			src.Reset(claim)
			if _, err := pdu.NewReader(src, 0).Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
				b.Fatal(err)
			}
		}
	})
	if n := result.AllocedBytesPerOp(); n > 5000 {
		t.Errorf("%d octets allocated", n)
	}
}

// The buffer bound holds for a peer that sends as fast as it can.
func TestReaderGrowsToTheLargestPDU(t *testing.T) {
	big := encode(t, &pdu.Unknown{Header: header(0x00010203, 0, 1), Body: bytes.Repeat([]byte("x"), 1008)})
	small := encode(t, &pdu.EnquireLink{})
	src := &largest{src: bytes.NewReader(bytes.Repeat(append(bytes.Clone(small), big...), 1000))}
	frames, err := readAll(pdu.NewReader(src, 1024))
	if len(frames) != 2000 || !errors.Is(err, io.EOF) || src.n > 1024 {
		t.Errorf("%d PDUs, %v, a buffer of %d octets", len(frames), err, src.n)
	}
}

// largest notes the largest buffer it was given.
type largest struct {
	src io.Reader
	n   int
}

func (l *largest) Read(p []byte) (int, error) {
	l.n = max(l.n, len(p))
	return l.src.Read(p)
}

func TestReaderSetMaxPDU(t *testing.T) {
	small, big := encode(t, samples()[2]), encode(t, &pdu.Unknown{Header: header(0x00010203, 0, 1), Body: make([]byte, 50000)})
	r := pdu.NewReader(io.MultiReader(bytes.NewReader(small), bytes.NewReader(big)), 1024)
	if frame, err := r.Next(); err != nil || !bytes.Equal(frame, small) {
		t.Fatal(err)
	}
	r.SetMaxPDU(0)
	if frame, err := r.Next(); err != nil || !bytes.Equal(frame, big) {
		t.Fatal(err)
	}
}

func TestReaderEnds(t *testing.T) {
	whole := encode(t, submit160())
	t.Run("within a PDU", func(t *testing.T) {
		for n := 1; n < len(whole); n++ {
			if _, err := pdu.NewReader(bytes.NewReader(whole[:n]), 0).Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("after %d octets: %v", n, err)
			}
		}
	})
	t.Run("a time-out loses nothing", func(t *testing.T) {
		r := pdu.NewReader(iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(whole))), 0)
		if _, err := r.Next(); !errors.Is(err, iotest.ErrTimeout) {
			t.Fatal(err)
		}
		if frame, err := r.Next(); err != nil || !bytes.Equal(frame, whole) {
			t.Error(err)
		}
	})
	t.Run("an error that came with octets", func(t *testing.T) {
		r := pdu.NewReader(&withError{data: whole}, 0)
		if frame, err := r.Next(); err != nil || !bytes.Equal(frame, whole) {
			t.Fatal(err)
		}
		if _, err := r.Next(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	})
	t.Run("no progress", func(t *testing.T) {
		if _, err := pdu.NewReader(&withError{nothing: true}, 0).Next(); !errors.Is(err, io.ErrNoProgress) {
			t.Error(err)
		}
	})
}

// withError returns all it has together with an error, or for ever nothing.
type withError struct {
	data    []byte
	nothing bool
}

func (w *withError) Read(p []byte) (int, error) {
	if w.nothing {
		return 0, nil
	}
	return copy(p, w.data), os.ErrDeadlineExceeded
}

func TestReadHeader(t *testing.T) {
	frame := octets(t, "00000020 80000004 00000058 7fffffff")
	h, n, err := pdu.ReadHeader(frame, 1024)
	if h != header(pdu.CommandSubmitSMResp, pdu.StatusThrottled, 0x7FFFFFFF) || n != 32 || err != nil {
		t.Errorf("%+v, %d, %v", h, n, err)
	}
	var e *pdu.LengthError
	if _, _, err := pdu.ReadHeader(frame, 31); !errors.As(err, &e) || e.Length != 32 || e.Max != 31 {
		t.Error(err)
	}
	if _, _, err := pdu.ReadHeader(frame[:15], 1024); err == nil || err.Error() != "header: 15 octets of 16" {
		t.Error(err)
	}
}
