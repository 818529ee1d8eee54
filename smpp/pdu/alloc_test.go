package pdu_test

import (
	"bytes"
	"testing"

	"bindery/smpp/pdu"
)

// Nothing that this package does with a message on its way allocates.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, p := range samples() {
		name := p.Head().ID.String()
		frame := encode(t, p)
		buf := make([]byte, 0, len(frame))
		if n := testing.AllocsPerRun(100, func() {
			if _, err := p.AppendTo(buf); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations to encode", name, n)
		}
		var d pdu.Decoder
		if n := testing.AllocsPerRun(100, func() {
			if _, err := d.Decode(frame); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations to decode", name, n)
		}
		reused := pdu.New(p.Head().ID)
		if n := testing.AllocsPerRun(100, func() {
			if err := reused.Decode(frame); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations to decode into a struct", name, n)
		}
	}
}

func TestReaderAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	whole, frames := stream(t, samples()[:2])
	src := bytes.NewReader(whole)
	r := pdu.NewReader(src, 0)
	if n := testing.AllocsPerRun(100, func() {
		src.Reset(whole)
		for range frames {
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestClassAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	var sum pdu.Class
	if n := testing.AllocsPerRun(100, func() { sum += pdu.StatusThrottled.Class() + pdu.CommandStatus(0x410).Class() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
