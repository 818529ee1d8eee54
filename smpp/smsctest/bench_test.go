package smsctest

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"testing"
	"time"

	"bindery/smpp/pdu"
)

func benchOptions() Options {
	return Options{Record: Record{Mode: RecordOff}, Seed: 1,
		IDs: IDs{Response: Hex, Receipt: Decimal}, Receipts: Receipts{When: With, Window: -1}}
}

// BenchmarkCycle is the SMSC's own work for one message: submit_sm read,
// answered, receipt written, its acknowledgement read. No socket, one core.
func BenchmarkCycle(b *testing.B) {
	s := New(benchOptions())
	defer s.Close()
	ours, theirs := net.Pipe()
	defer theirs.Close()
	c := newConn(s, ours) // no reader, no writer: this benchmark is both
	s.conns = append(s.conns, c)
	c.mode, c.systemID = pdu.CommandBindTransceiver, "esme"
	const batch = 100
	submits := manySubmits(b, batch)
	acks := make([]byte, 0, batch*17)
	var sequence uint32
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += batch {
		if used, ok := c.batch(submits, len(submits)); !ok || used != len(submits) {
			b.Fatal(used)
		}
		c.take()
		acks = acks[:0]
		for range batch {
			sequence++
			acks = append(appendHeader(acks, pdu.Header{ID: pdu.CommandDeliverSMResp, Sequence: sequence}), 0)
			binary.BigEndian.PutUint32(acks[len(acks)-17:], 17)
		}
		c.batch(acks, len(acks))
	}
	b.StopTimer()
	if st := s.stats(); st.Acked < uint64(b.N) || st.Unacked != 0 {
		b.Fatalf("%+v", st.Counts)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

func manySubmits(tb testing.TB, n int) (list []byte) {
	tb.Helper()
	for i := range n {
		m := message1("821012345678")
		m.Sequence = uint32(i + 1)
		m.ShortMessage = []byte("Your order has left our house and will be with you tomorrow, between 9 and 12.")
		var err error
		if list, err = m.AppendTo(list); err != nil {
			tb.Fatal(err)
		}
	}
	return list
}

// BenchmarkLoopback is the same over TCP, a delay of 50 ms before the
// receipts, and a client that does as little as it can; SMSC, client and
// kernel share the cores.
func BenchmarkLoopback(b *testing.B) {
	for name, receipts := range map[string]Receipts{
		"with":  {When: With, Window: -1},
		"50 ms": {When: After, Delay: Fixed(50 * time.Millisecond), Window: -1},
	} {
		b.Run(name, func(b *testing.B) {
			o := benchOptions()
			o.Receipts = receipts
			s := New(o)
			defer s.Close()
			if err := s.Listen("127.0.0.1:0"); err != nil {
				b.Fatal(err)
			}
			conn, err := net.Dial("tcp", s.Addr())
			if err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			if err := load(conn, manySubmits(b, 100), b.N); err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := s.Wait(ctx, func(st Stats) bool { return st.Acked == st.Taken }); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
			conn.Close()
		})
	}
}

// load binds, submits n messages (rounded up to whole blocks) with a window of
// ten blocks, and acknowledges as many receipts.
func load(conn net.Conn, block []byte, n int) error {
	const perBlock, window = 100, 1000
	bind, err := (&pdu.Bind{Header: pdu.Header{ID: pdu.BindTransceiver, Sequence: 1}, SystemID: []byte("esme")}).AppendTo(nil)
	if err != nil {
		return err
	}
	out := bind
	sent, answered, reported := 0, 0, 0
	in, end := make([]byte, 256<<10), 0
	for answered < sent || reported < sent || sent < n {
		for sent < n && sent-answered <= window-perBlock {
			out = append(out, block...)
			sent += perBlock
		}
		if len(out) > 0 {
			if _, err := conn.Write(out); err != nil {
				return err
			}
			out = out[:0]
		}
		m, err := conn.Read(in[end:])
		if err != nil {
			return err
		}
		end += m
		at := 0
		for end-at >= 16 {
			size := int(binary.BigEndian.Uint32(in[at:]))
			if end-at < size {
				break
			}
			switch pdu.CommandID(binary.BigEndian.Uint32(in[at+4:])) {
			case pdu.CommandSubmitSMResp:
				answered++
				if binary.BigEndian.Uint32(in[at+8:]) != 0 {
					return errors.New("a submit was refused")
				}
			case pdu.CommandDeliverSM:
				reported++
				out = append(appendHeader(out, pdu.Header{ID: pdu.CommandDeliverSMResp, Sequence: binary.BigEndian.Uint32(in[at+12:])}), 0)
				binary.BigEndian.PutUint32(out[len(out)-17:], 17)
			}
			at += size
		}
		end = copy(in, in[at:end])
	}
	if len(out) > 0 {
		_, err = conn.Write(out)
	}
	return err
}
