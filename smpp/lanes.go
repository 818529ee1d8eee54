package smpp

import (
	"encoding/binary"

	"bindery/smpp/pdu"
)

const (
	// maxWrite bounds what one conn.Write gets, in octets, and so what a
	// process that was stopped can still send when it goes on. One PDU that is
	// larger goes alone.
	maxWrite = 64 << 10
	// maxControlWrite is the control lane's part of it, so that a flood of
	// requests to answer leaves room for submits.
	maxControlWrite = 32 << 10
	// stallControl is where the reader stops reading until the peer takes
	// answers.
	stallControl = 256 << 10
	// maxControl ends the session: only answers that the owner kept back and
	// gives all at once, to a peer that reads none, can get here.
	maxControl = 8 << 20
	// maxData is where Submit says that the window is full, whatever its size.
	maxData = 4 << 20
)

// lanes hold whole PDUs on their way to the writer: control (answers,
// enquire_link, unbind), which goes first, and data (requests that take a
// slot). Who uses them holds Session.mu.
type lanes struct {
	control, data fifo

	// Offsets in the stream of the data lane since the session's start. They
	// decide whether an octet of a request may have left: taken <= queued, and
	// sent <= taken is exactly what conn.Write reported.
	queued, taken, sent uint64
}

func (l *lanes) empty() bool  { return l.control.len() == 0 && l.data.len() == 0 }
func (l *lanes) pending() int { return l.control.len() + l.data.len() }

// take moves what the next write gets to dst, whole PDUs, control first, and
// says how many octets of it are data.
func (l *lanes) take(dst []byte, withData bool) (buf []byte, data int) {
	dst = l.control.take(dst, maxControlWrite)
	if !withData {
		return dst, 0
	}
	n := len(dst)
	dst = l.data.take(dst, maxWrite-n)
	data = len(dst) - n
	l.taken += uint64(data)
	return dst, data
}

// dropData forgets what the writer has not taken.
func (l *lanes) dropData() {
	l.data.reset()
	l.queued = l.taken
}

// fifo is a queue of whole PDUs in one buffer.
type fifo struct {
	buf  []byte
	head int // octets already taken
}

// keepBuffer is how much an empty fifo keeps allocated, in octets.
const keepBuffer = 256 << 10

func (f *fifo) len() int { return len(f.buf) - f.head }

func (f *fifo) reset() {
	f.buf, f.head = f.buf[:0], 0
	if cap(f.buf) > keepBuffer {
		f.buf = nil
	}
}

// tail is where the next PDU is appended. Octets taken before are dropped
// first when they are the larger half, so that a queue that never runs empty
// does not grow.
func (f *fifo) tail() []byte {
	if f.head > len(f.buf)/2 && f.head > 4<<10 {
		n := copy(f.buf, f.buf[f.head:])
		f.buf, f.head = f.buf[:n], 0
	}
	return f.buf
}

// take appends as many whole PDUs to dst as max octets hold. A first one that
// is larger goes alone, when dst is empty.
func (f *fifo) take(dst []byte, max int) []byte {
	rest := f.buf[f.head:]
	if len(rest) > max {
		rest = rest[:wholePDUs(rest, max, len(dst) == 0)]
	}
	dst = append(dst, rest...)
	f.head += len(rest)
	if f.head == len(f.buf) {
		f.reset()
	}
	return dst
}

// wholePDUs is how many octets of buf whole PDUs of at most max octets fill.
func wholePDUs(buf []byte, max int, alone bool) int {
	n := 0
	for n < len(buf) {
		next := n + commandLength(buf[n:])
		if next > max {
			if n == 0 && alone {
				return next
			}
			break
		}
		n = next
	}
	return n
}

// The octets of a PDU that the session looks at without decoding it
// (SMPP 3.4 §3.2).

func commandLength(b []byte) int { return int(binary.BigEndian.Uint32(b)) }

func commandID(b []byte) pdu.CommandID { return pdu.CommandID(binary.BigEndian.Uint32(b[4:])) }

// appendHeader appends a PDU without a body, whatever its id.
func appendHeader(dst []byte, id pdu.CommandID, status pdu.CommandStatus, seq uint32) []byte {
	dst = binary.BigEndian.AppendUint32(dst, pdu.HeaderLen)
	dst = binary.BigEndian.AppendUint32(dst, uint32(id))
	dst = binary.BigEndian.AppendUint32(dst, uint32(status))
	return binary.BigEndian.AppendUint32(dst, seq)
}
