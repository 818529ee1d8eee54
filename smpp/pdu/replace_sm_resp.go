package pdu

// ReplaceSMResp answers a replace_sm by its status (SMPP 3.4 §4.10.2).
type ReplaceSMResp struct{ Header }

// AppendTo implements PDU.
func (p *ReplaceSMResp) AppendTo(dst []byte) ([]byte, error) {
	return appendHeader(dst, CommandReplaceSMResp, &p.Header)
}

// Decode implements PDU. A body is taken and left out.
func (p *ReplaceSMResp) Decode(src []byte) error {
	return decodeHeader(src, CommandReplaceSMResp, &p.Header)
}
