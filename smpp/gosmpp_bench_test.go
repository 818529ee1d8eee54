package smpp_test

import (
	"net"
	"sync"
	"testing"

	other "github.com/fiorix/go-smpp/smpp"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutext"
)

// BenchmarkGoSMPPSubmit is BenchmarkSessionSubmit with go-smpp's client and the
// same peer: why it is a second opinion here, and not the session.
func BenchmarkGoSMPPSubmit(b *testing.B) {
	const window = 100
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answerer(conn)
		}
	}()
	client := &other.Transceiver{Addr: l.Addr().String(), User: "bindery", Passwd: "secret", WindowSize: window}
	if st := <-client.Bind(); st.Error() != nil {
		b.Fatal(st.Error())
	}
	defer client.Close()
	var group sync.WaitGroup
	work := make(chan struct{}, window)
	for range window {
		group.Go(func() {
			for range work {
				_, err := client.Submit(&other.ShortMessage{
					Src: "Bindery", Dst: "821000000001",
					Text: pdutext.Raw("Your code is 123456. It is valid for five minutes."),
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	group.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "submits/s")
}
