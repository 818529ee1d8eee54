package pdu

// GenericNack refuses what could not be taken for a PDU of its own kind
// (SMPP 3.4 §4.3.1). Sequence is that of the PDU in error, 0 when it could not
// be read. It is never answered.
type GenericNack struct{ Header }

// AppendTo implements PDU.
func (p *GenericNack) AppendTo(dst []byte) ([]byte, error) {
	return appendHeader(dst, CommandGenericNack, &p.Header)
}

// Decode implements PDU. A body is taken and left out.
func (p *GenericNack) Decode(src []byte) error {
	return decodeHeader(src, CommandGenericNack, &p.Header)
}
