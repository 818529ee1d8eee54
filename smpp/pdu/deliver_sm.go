package pdu

// DeliverSM hands a message or a receipt to the ESME (SMPP 3.4 §4.6.1). It has
// the fields of submit_sm; schedule_delivery_time, validity_period,
// replace_if_present_flag and sm_default_msg_id are unused in it and zero.
type DeliverSM SubmitSM

// AppendTo implements PDU.
func (p *DeliverSM) AppendTo(dst []byte) ([]byte, error) {
	return (*SubmitSM)(p).appendTo(dst, CommandDeliverSM)
}

// Decode implements PDU.
func (p *DeliverSM) Decode(src []byte) error {
	return (*SubmitSM)(p).decode(src, CommandDeliverSM)
}

// Payload is the message: short_message, or message_payload when that is empty.
func (p *DeliverSM) Payload() []byte { return payload(p.ShortMessage, p.TLVs) }
