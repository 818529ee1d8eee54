package smsctest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"bindery/smpp/pdu"
)

func listening(t *testing.T, o Options) (*SMSC, *esme) {
	t.Helper()
	s := New(o)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return s, &esme{t: t, conn: conn}
}

func TestResetSendsRST(t *testing.T) {
	s, e := listening(t, Options{Link: Link{Reset: true}})
	e.bindAs(pdu.BindTransceiver, "esme")
	s.Cut()
	if _, err := e.tryRead(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%v", err)
	}
}

// The answer to an unbind arrives, and the connection ends in order, though the
// peer goes on sending for a while.
func TestLastWordsArrive(t *testing.T) {
	_, e := listening(t, Options{})
	e.bindAs(pdu.BindTransceiver, "esme")
	e.send(&pdu.Unbind{})
	want[*pdu.UnbindResp](t, e.read())
	more := appendHeader(nil, pdu.Header{ID: pdu.CommandEnquireLink, Sequence: 3})
	for range 50 { // 50 ms; it is reset at once when the SMSC has closed
		if _, err := e.conn.Write(more); err != nil {
			t.Fatalf("the SMSC has closed on its answer: %v", err)
		}
		time.Sleep(time.Millisecond)
	}
	if _, err := e.tryRead(); err != io.EOF {
		t.Errorf("the connection ended with %v, not in order", err)
	}
}

// A client that does not read its answers is not read either, until it reads
// on.
func TestDeafClientCostsBoundedMemory(t *testing.T) {
	s, e := listening(t, Options{Record: Record{Mode: RecordOff}})
	e.bindAs(pdu.BindTransceiver, "esme")
	const n = 500_000 // 80 MB, and 17 MB of answers
	all := manySubmits(t, 1000)
	all = bytes.Repeat(all, n/1000)
	written := make(chan int)
	go func() {
		m, _ := e.conn.Write(all) // it ends with the deadline set below
		written <- m
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	waiting := func() (out int) {
		for _, c := range s.conns {
			out += len(c.link.out)
		}
		return out
	}
	if err := s.Wait(ctx, func(Stats) bool { return waiting() > 4*maxOutput }); err != nil { // Wait holds mu
		t.Fatal(err)
	}
	_ = e.conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	m := <-written
	s.mu.Lock()
	out := waiting()
	s.mu.Unlock()
	if m == len(all) || out > 5*maxOutput {
		t.Errorf("%d of %d octets taken, %d of answers waiting", m, len(all), out)
	}
	_ = e.conn.SetDeadline(time.Time{})
	go func() { _, _ = io.Copy(io.Discard, e.conn) }() // ends with the connection
	if _, err := e.conn.Write(all[m:]); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(ctx, func(st Stats) bool { return st.ByStatus[0] == n }); err != nil {
		t.Error(err)
	}
}

func TestOldBindGetsNoTLV(t *testing.T) {
	for version, has := range map[uint8]bool{pdu.Version33: false, pdu.Version34: true} {
		simulateSMSC(t, Options{}, func(t *testing.T, s *SMSC) {
			e := dial(t, s)
			e.send(&pdu.Bind{Header: pdu.Header{ID: pdu.BindTransmitter}, InterfaceVersion: version})
			if _, ok := want[*pdu.BindResp](t, e.read()).InterfaceVersion(); ok != has {
				t.Errorf("version %#x: sc_interface_version %v", version, ok)
			}
		})
	}
}
