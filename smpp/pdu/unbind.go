package pdu

// Unbind asks the peer to end the session (SMPP 3.4 §4.2.1).
type Unbind struct{ Header }

// AppendTo implements PDU.
func (p *Unbind) AppendTo(dst []byte) ([]byte, error) {
	return appendHeader(dst, CommandUnbind, &p.Header)
}

// Decode implements PDU. A body is taken and left out.
func (p *Unbind) Decode(src []byte) error { return decodeHeader(src, CommandUnbind, &p.Header) }
