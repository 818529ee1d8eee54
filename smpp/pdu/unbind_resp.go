package pdu

// UnbindResp answers an unbind (SMPP 3.4 §4.2.2).
type UnbindResp struct{ Header }

// AppendTo implements PDU.
func (p *UnbindResp) AppendTo(dst []byte) ([]byte, error) {
	return appendHeader(dst, CommandUnbindResp, &p.Header)
}

// Decode implements PDU. A body is taken and left out.
func (p *UnbindResp) Decode(src []byte) error { return decodeHeader(src, CommandUnbindResp, &p.Header) }
