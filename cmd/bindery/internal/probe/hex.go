package probe

import (
	"bytes"
	"fmt"
	"strings"

	"bindery/smpp/pdu"
)

// Hex writes a PDU for the carrier's support: direction, time, name, octets.
// Those of a password are "**".
func Hex(f Frame) string {
	h, _, err := pdu.ReadHeader(f.Octets, pdu.DefaultMaxPDU)
	if err != nil {
		return "" // a tap has cut it by its length: there is a header
	}
	direction := "<-"
	if f.Out {
		direction = "->"
	}
	from, to := passwordAt(f.Octets, h.ID)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %v", direction, f.At.Format("15:04:05.000"), h.ID)
	for i, octet := range f.Octets {
		if from <= i && i < to {
			b.WriteString(" **")
		} else {
			fmt.Fprintf(&b, " %02x", octet)
		}
	}
	return b.String()
}

// passwordAt is where the password of a bind or outbind lies: the second string
// of the body. What cannot be found is masked to the end.
func passwordAt(octets []byte, id pdu.CommandID) (from, to int) {
	switch id {
	case pdu.CommandBindTransceiver, pdu.CommandBindTransmitter, pdu.CommandBindReceiver, pdu.CommandOutbind:
	default:
		return 0, 0
	}
	body := octets[pdu.HeaderLen:]
	name := bytes.IndexByte(body, 0)
	if name < 0 {
		return pdu.HeaderLen, len(octets)
	}
	from = pdu.HeaderLen + name + 1
	if n := bytes.IndexByte(octets[from:], 0); n >= 0 {
		return from, from + n
	}
	return from, len(octets)
}
