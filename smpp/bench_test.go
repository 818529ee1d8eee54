package smpp_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"testing"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// answerer is a bare SMSC for benchmarks: it answers each PDU of a read with a
// response of its id and an eight-octet message_id, all in one write.
func answerer(conn net.Conn) {
	defer conn.Close()
	frames := pdu.NewReader(conn, 0)
	var out []byte
	for {
		frame, err := frames.Next()
		if err != nil {
			return
		}
		out = binary.BigEndian.AppendUint32(out, 16+9)
		out = binary.BigEndian.AppendUint32(out, binary.BigEndian.Uint32(frame[4:])|0x80000000)
		out = append(out, 0, 0, 0, 0)
		out = append(out, frame[12:16]...)
		out = append(out, "01234567\x00"...)
		if !frames.Ready() {
			if _, err := conn.Write(out); err != nil {
				return
			}
			out = out[:0]
		}
	}
}

// loopback answers the client's end of a TCP connection whose other end serve
// has.
func loopback(tb testing.TB, serve func(net.Conn)) net.Conn {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			close(accepted)
			return
		}
		accepted <- conn
	}()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	server, ok := <-accepted
	if !ok {
		tb.Fatal("accept failed")
	}
	go serve(server)
	tb.Cleanup(func() { client.Close(); server.Close() })
	return client
}

// counting is a Handler that counts answers and says when slots are free.
type counting struct {
	answers int
	want    int
	freed   chan struct{}
	all     chan struct{}
}

func (c *counting) Request(s *smpp.Session, p pdu.PDU) { respond(s, p) }

func (c *counting) Result(_ *smpp.Session, r smpp.Result) {
	if r.Resp != nil {
		c.answers++
	}
}

func (c *counting) Idle(*smpp.Session) {
	select {
	case c.freed <- struct{}{}:
	default:
	}
	if c.answers == c.want {
		close(c.all)
		c.want = -1
	}
}

func (c *counting) Closed(*smpp.Session, error) {}

// BenchmarkSessionSubmit is the rate at which one session submits over TCP
// loopback to a bare peer in the same process, window and timers on.
func BenchmarkSessionSubmit(b *testing.B) {
	for _, window := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("window=%d", window), func(b *testing.B) {
			h := &counting{want: b.N, freed: make(chan struct{}, 1), all: make(chan struct{})}
			s, err := smpp.Bind(context.Background(), loopback(b, answerer), trx(), smpp.Config{Window: window}, h)
			if err != nil {
				b.Fatal(err)
			}
			p := submit("Your code is 123456. It is valid for five minutes.")
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; {
				if s.Submit(p, uint64(n)) == nil {
					n++
					continue
				}
				<-h.freed
			}
			<-h.all
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "submits/s")
			b.ReportMetric(float64(b.N)/float64(s.Stat().Writes), "submits/write")
			s.Close()
			<-s.Done()
		})
	}
}
