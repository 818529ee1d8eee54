package pdu

import (
	"bytes"
	"encoding/binary"
)

// tlvHeaderLen is the size of a tag and its length, in octets (§3.2.4.1).
const tlvHeaderLen = 4

// TLV is one optional parameter. Any tag is kept, known or not; the value is
// as it came.
type TLV struct {
	Tag   Tag
	Value []byte // at most 65,535 octets
}

// TLVs are the optional parameters of a PDU in the order in which they stand
// in it. A tag may stand there twice.
type TLVs []TLV

// Get gives the value of the first parameter with the tag.
func (l TLVs) Get(tag Tag) (value []byte, ok bool) {
	for i := range l {
		if l[i].Tag == tag {
			return l[i].Value, true
		}
	}
	return nil, false
}

// Uint8 gives a one-octet value; not ok when it has another length.
func (l TLVs) Uint8(tag Tag) (value uint8, ok bool) {
	b, ok := l.Get(tag)
	if !ok || len(b) != 1 {
		return 0, false
	}
	return b[0], true
}

// Uint16 gives a two-octet value; not ok when it has another length.
func (l TLVs) Uint16(tag Tag) (value uint16, ok bool) {
	b, ok := l.Get(tag)
	if !ok || len(b) != 2 {
		return 0, false
	}
	return binary.BigEndian.Uint16(b), true
}

// CString gives a value up to its first NUL. Peers leave the NUL out, so its
// absence is no fault.
func (l TLVs) CString(tag Tag) (value []byte, ok bool) {
	b, ok := l.Get(tag)
	if n := bytes.IndexByte(b, 0); n >= 0 {
		b = b[:n]
	}
	return b, ok
}
