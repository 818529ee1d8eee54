package pdu

import "fmt"

// Error says which field of which PDU could not be encoded or decoded, and
// what to answer. The frame around it was whole: the session goes on.
type Error struct {
	Command CommandID
	Field   string // the spec's name; of a TLV, its tag
	// Offset is where in the PDU the field begins, in octets, the header
	// counted; -1 when encoding.
	Offset int
	// Status is what a request with this fault is answered with.
	Status CommandStatus
	Reason string
}

func (e *Error) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("encode %s: %s: %s", e.Command, e.Field, e.Reason)
	}
	return fmt.Sprintf("decode %s: %s at octet %d: %s", e.Command, e.Field, e.Offset, e.Reason)
}

// LengthError is a command_length that cannot be that of a PDU. What follows
// cannot be framed: the session answers generic_nack ESME_RINVCMDLEN with
// sequence 0 and closes.
type LengthError struct {
	Length uint32
	Max    int
}

func (e *LengthError) Error() string {
	text := fmt.Sprintf("command_length %d is not within %d..%d", e.Length, HeaderLen, e.Max)
	if letters, ok := e.letters(); ok {
		return fmt.Sprintf("%s; the octets read %q: not an SMSC?", text, letters)
	}
	return text
}

// letters are the four octets when they are printable: a web server or another
// protocol answered ("HTTP", "AMQP", "SSH-").
func (e *LengthError) letters() (string, bool) {
	octets := []byte{byte(e.Length >> 24), byte(e.Length >> 16), byte(e.Length >> 8), byte(e.Length)}
	for _, c := range octets {
		if c < ' ' || c > '~' {
			return "", false
		}
	}
	return string(octets), true
}
