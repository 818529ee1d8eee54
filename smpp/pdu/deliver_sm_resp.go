package pdu

// DeliverSMResp answers a deliver_sm (SMPP 3.4 §4.6.2). MessageID is unused in
// it and empty. The fields are those of SubmitSMResp.
type DeliverSMResp SubmitSMResp

// AppendTo implements PDU.
func (p *DeliverSMResp) AppendTo(dst []byte) ([]byte, error) {
	return (*SubmitSMResp)(p).appendWithBody(dst, CommandDeliverSMResp)
}

// Decode implements PDU.
func (p *DeliverSMResp) Decode(src []byte) error {
	return (*SubmitSMResp)(p).decode(src, CommandDeliverSMResp)
}
