package pdu

// EnquireLinkResp answers an enquire_link (SMPP 3.4 §4.11.2).
type EnquireLinkResp struct{ Header }

// AppendTo implements PDU.
func (p *EnquireLinkResp) AppendTo(dst []byte) ([]byte, error) {
	return appendHeader(dst, CommandEnquireLinkResp, &p.Header)
}

// Decode implements PDU. A body is taken and left out.
func (p *EnquireLinkResp) Decode(src []byte) error {
	return decodeHeader(src, CommandEnquireLinkResp, &p.Header)
}
