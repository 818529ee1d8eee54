package pdu

// EnquireLink asks whether the peer is alive (SMPP 3.4 §4.11.1).
type EnquireLink struct{ Header }

// AppendTo implements PDU.
func (p *EnquireLink) AppendTo(dst []byte) ([]byte, error) {
	return appendHeader(dst, CommandEnquireLink, &p.Header)
}

// Decode implements PDU. A body is taken and left out.
func (p *EnquireLink) Decode(src []byte) error {
	return decodeHeader(src, CommandEnquireLink, &p.Header)
}
