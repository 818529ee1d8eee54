package pdu

import (
	"encoding/binary"
	"fmt"
)

// HeaderLen is the size of a PDU header and so the smallest command_length, in
// octets (SMPP 3.4 §3.2).
const HeaderLen = 16

// DefaultMaxPDU is the largest command_length taken unless told otherwise, in
// octets: a message_payload of 64 KiB with addresses and some more TLVs.
const DefaultMaxPDU = 70000

// lengthLen is the size of command_length, in octets.
const lengthLen = 4

// ReadHeader reads the header at the start of src, of which at least HeaderLen
// octets must be there; length is command_length. A length below HeaderLen or
// above maxPDU is a *LengthError, and h is then not to be trusted.
func ReadHeader(src []byte, maxPDU int) (h Header, length int, err error) {
	if len(src) < HeaderLen {
		return h, 0, fmt.Errorf("header: %d octets of %d", len(src), HeaderLen)
	}
	length, err = readLength(src, maxPDU)
	return parseHeader(src), length, err
}

// readLength reads command_length, the first four octets of src.
func readLength(src []byte, maxPDU int) (int, error) {
	n := binary.BigEndian.Uint32(src)
	if n < HeaderLen || uint64(n) > uint64(max(maxPDU, 0)) {
		return 0, &LengthError{Length: n, Max: maxPDU}
	}
	return int(n), nil
}

// parseHeader reads the header of src, which has at least HeaderLen octets.
func parseHeader(src []byte) Header {
	_ = src[HeaderLen-1]
	return Header{
		ID:       CommandID(binary.BigEndian.Uint32(src[4:])),
		Status:   CommandStatus(binary.BigEndian.Uint32(src[8:])),
		Sequence: binary.BigEndian.Uint32(src[12:]),
	}
}

// appendHeader writes a PDU that has no body.
func appendHeader(dst []byte, id CommandID, h *Header) ([]byte, error) {
	a := begin(dst, id, h)
	return a.finish()
}

// decodeHeader reads a PDU that should have no body. Peers put a NUL there;
// it is taken, and never sent (command_length has framed it).
func decodeHeader(src []byte, id CommandID, h *Header) error {
	c := open(h, src, id)
	return c.done()
}
