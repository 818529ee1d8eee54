package smpp

import (
	"encoding/binary"

	"bindery/smpp/pdu"
)

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
