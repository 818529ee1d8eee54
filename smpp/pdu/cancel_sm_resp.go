package pdu

// CancelSMResp answers a cancel_sm by its status (SMPP 3.4 §4.9.2).
type CancelSMResp struct{ Header }

// AppendTo implements PDU.
func (p *CancelSMResp) AppendTo(dst []byte) ([]byte, error) {
	return appendHeader(dst, CommandCancelSMResp, &p.Header)
}

// Decode implements PDU. A body is taken and left out.
func (p *CancelSMResp) Decode(src []byte) error {
	return decodeHeader(src, CommandCancelSMResp, &p.Header)
}
