package smpp

import (
	"bytes"
	"testing"

	"bindery/smpp/pdu"
)

func framed(n int) []byte {
	buf := appendHeader(nil, pdu.CommandSubmitSM, 0, uint32(n))
	buf = append(buf, make([]byte, n-len(buf))...)
	buf[2], buf[3] = byte(n>>8), byte(n)
	buf[1] = byte(n >> 16)
	return buf
}

func (l *lanes) addData(n int) {
	l.data.buf = append(l.data.tail(), framed(n)...)
	l.queued += uint64(n)
}

func (l *lanes) addControl(n int) { l.control.buf = append(l.control.tail(), framed(n)...) }

func TestLanesTakeWholePDUs(t *testing.T) {
	var l lanes
	for range 100 {
		l.addControl(1000)
		l.addData(1000)
	}
	buf, data := l.take(nil, true)
	if len(buf)-data != 32000 || data != 33000 {
		t.Errorf("took %d of control and %d of data, want 32,000 and 33,000", len(buf)-data, data)
	}
	if l.taken != 33000 || l.queued != 100000 {
		t.Errorf("taken %d queued %d", l.taken, l.queued)
	}
	buf, data = l.take(buf[:0], false)
	if len(buf) != 32000 || data != 0 {
		t.Errorf("without data took %d and %d", len(buf), data)
	}
	l.dropData()
	buf, data = l.take(buf[:0], true)
	if len(buf) != 32000 || data != 0 || l.queued != 33000 {
		t.Errorf("after the drop took %d and %d, queued %d", len(buf), data, l.queued)
	}
}

func TestLanesLetALargePDUGoAlone(t *testing.T) {
	var l lanes
	l.addData(70000)
	l.addData(100)
	l.addControl(16)
	if buf, data := l.take(nil, true); len(buf) != 16 || data != 0 {
		t.Errorf("took %d and %d, want the control PDU only", len(buf), data)
	}
	if buf, data := l.take(nil, true); len(buf) != 70000 || data != 70000 {
		t.Errorf("took %d and %d, want the large one", len(buf), data)
	}
	if buf, data := l.take(nil, true); len(buf) != 100 || data != 100 || !l.empty() {
		t.Errorf("took %d and %d, want the last", len(buf), data)
	}
}

// A lane that never runs empty does not grow.
func TestLaneDropsWhatWasTaken(t *testing.T) {
	var f fifo
	next := uint32(0)
	for i := range uint32(100_000) {
		f.buf = appendHeader(f.tail(), pdu.CommandEnquireLink, 0, i)
		if i < 100 {
			continue
		}
		got := f.take(nil, pdu.HeaderLen)
		if want := appendHeader(nil, pdu.CommandEnquireLink, 0, next); !bytes.Equal(got, want) {
			t.Fatalf("took % x, want % x", got, want)
		}
		next++
	}
	if cap(f.buf) > 32<<10 {
		t.Errorf("1,600 octets wait in %d", cap(f.buf))
	}
}

func TestLaneGivesABigBufferBack(t *testing.T) {
	var f fifo
	for range 100 {
		f.buf = append(f.tail(), framed(10000)...)
	}
	for f.len() > 0 {
		f.take(nil, maxWrite)
	}
	if cap(f.buf) > keepBuffer {
		t.Errorf("an empty lane keeps %d octets", cap(f.buf))
	}
}
