package smsctest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := PipeSize(4)
		if n, err := a.Write([]byte("abcd")); n != 4 || err != nil {
			t.Fatalf("a write that fits: %d, %v", n, err)
		}
		_ = a.SetWriteDeadline(time.Now().Add(time.Second))
		start := time.Now()
		if n, err := a.Write([]byte("ef")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("a write into a full pipe: %d, %v, after %v", n, err, time.Since(start))
		}
		_ = a.SetWriteDeadline(time.Time{})
		done := make(chan error)
		go func() {
			_, err := a.Write([]byte("efghij"))
			a.Close()
			done <- err
		}()
		got, err := io.ReadAll(b)
		if string(got) != "abcdefghij" || err != nil || <-done != nil {
			t.Errorf("read %q, %v", got, err)
		}
		if _, err := b.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("a write to a closed end: %v", err)
		}
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a read of one's own closed end: %v", err)
		}
		_ = b.Close()
	})
}

func TestPipeReadDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		_ = a.SetReadDeadline(time.Now().Add(time.Hour))
		go func() {
			time.Sleep(time.Second)
			_ = a.SetReadDeadline(time.Now()) // moved while a read waits
		}()
		start := time.Now()
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		a.Close()
		b.Close()
	})
}

func TestFaulty(t *testing.T) {
	const sent = "0123456789"
	for name, tc := range map[string]struct {
		f     Faults
		read  string // what the faulty side reads of sent
		wrote string // what the other side gets of sent, written by the faulty side
		rerr  error
		werr  error
		took  time.Duration
	}{
		"none":         {Faults{}, sent, sent, io.EOF, nil, 0},
		"chunks":       {Faults{Chunk: 3}, sent, sent, io.EOF, nil, 0},
		"latency":      {Faults{Chunk: 5, WriteLatency: time.Second}, sent, sent, io.EOF, nil, 2 * time.Second},
		"read cut":     {Faults{ReadCut: 4}, "0123", "", ErrCut, net.ErrClosed, 0},
		"write cut":    {Faults{WriteCut: 4}, sent, "0123", io.EOF, ErrCut, 0},
		"read stall":   {Faults{ReadStall: 4}, "0123", sent, os.ErrDeadlineExceeded, nil, time.Minute},
		"write stall":  {Faults{WriteStall: 4}, sent, "0123", io.EOF, os.ErrDeadlineExceeded, 2 * time.Minute},
		"garbage":      {Faults{Garbage: []byte("xyz"), GarbageAfter: 2}, "01xyz23456789", sent, io.EOF, nil, 0},
		"flipped bits": {Faults{FlipEvery: 3}, "0133446799", sent, io.EOF, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := Pipe()
				c := Faulty(a, tc.f)
				_ = c.SetReadDeadline(time.Now().Add(time.Minute))
				_ = c.SetWriteDeadline(time.Now().Add(2 * time.Minute))
				start := time.Now()
				if _, err := b.Write([]byte(sent)); err != nil {
					t.Fatal(err)
				}
				_ = b.(interface{ CloseWrite() error }).CloseWrite()
				read, rerr := readTo(c)
				if string(read) != tc.read || !errors.Is(rerr, tc.rerr) {
					t.Errorf("read %q, %v; want %q, %v", read, rerr, tc.read, tc.rerr)
				}
				n, werr := c.Write([]byte(sent))
				if n != len(tc.wrote) || !errors.Is(werr, tc.werr) {
					t.Errorf("wrote %d, %v; want %d, %v", n, werr, len(tc.wrote), tc.werr)
				}
				if took := time.Since(start); took != tc.took {
					t.Errorf("took %v, want %v", took, tc.took)
				}
				c.Close()
				if got, _ := io.ReadAll(b); string(got) != tc.wrote {
					t.Errorf("the other side got %q, want %q", got, tc.wrote)
				}
				b.Close()
			})
		})
	}
}

func readTo(c net.Conn) ([]byte, error) {
	var all bytes.Buffer
	for {
		b := make([]byte, 64)
		n, err := c.Read(b)
		all.Write(b[:n])
		if err != nil {
			return all.Bytes(), err
		}
	}
}

func TestStallEndsWithClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		c := Faulty(a, Faults{WriteStall: 1})
		go func() {
			time.Sleep(time.Hour)
			c.Close()
		}()
		if n, err := c.Write([]byte("ab")); n != 1 || !errors.Is(err, net.ErrClosed) {
			t.Errorf("%d, %v", n, err)
		}
		b.Close()
	})
}
