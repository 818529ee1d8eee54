package smpp_test

import (
	"context"
	"testing"

	"bindery/smpp"
)

// A submit and its answer cost no allocation, window, timers and socket
// included.
func TestSubmitAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	h := &counting{want: -2, freed: make(chan struct{}, 1)}
	s, err := smpp.Bind(context.Background(), loopback(t, answerer), trx(), smpp.Config{Window: 100}, h)
	if err != nil {
		t.Fatal(err)
	}
	p := submit("Your code is 123456.")
	hundred := func() {
		for range 100 {
			for s.Submit(p, 1) != nil {
				<-h.freed
			}
		}
		for s.Free() < 100 {
			<-h.freed
		}
	}
	hundred()
	if n := testing.AllocsPerRun(100, hundred); n > 5 {
		t.Errorf("%v allocations for 100 submits, want none", n)
	}
	s.Close()
	<-s.Done()
}
