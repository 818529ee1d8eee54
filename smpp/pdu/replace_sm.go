package pdu

// ReplaceSM puts another text and other times in the place of those of a
// message that is not delivered yet (SMPP 3.4 §4.10.1). data_coding stays what
// it was: it is not in this PDU.
type ReplaceSM struct {
	Header
	MessageID            []byte  // the SMSC's, at most 64 octets
	Source               Address // that of the submit_sm
	ScheduleDeliveryTime []byte  // empty (unchanged) or 16 octets (§7.1.1)
	ValidityPeriod       []byte  // empty (unchanged) or 16 octets
	RegisteredDelivery   uint8
	SMDefaultMsgID       uint8
	ShortMessage         []byte // at most 254 octets are sent, 255 are taken
	TLVs                 TLVs   // the spec has none; 5.0 has message_payload
}

// AppendTo implements PDU.
func (p *ReplaceSM) AppendTo(dst []byte) ([]byte, error) {
	a := begin(dst, CommandReplaceSM, &p.Header)
	a.cstring("message_id", p.MessageID, maxMessageID, StatusInvMsgID)
	a.address("source_addr", &p.Source, maxAddress, StatusInvSrcAdr)
	a.time("schedule_delivery_time", p.ScheduleDeliveryTime, StatusInvSched)
	a.time("validity_period", p.ValidityPeriod, StatusInvExpiry)
	a.dst = append(a.dst, p.RegisteredDelivery, p.SMDefaultMsgID)
	a.shortMessage(p.ShortMessage, p.TLVs)
	a.tlvs(p.TLVs)
	return a.finish()
}

// Decode implements PDU.
func (p *ReplaceSM) Decode(src []byte) error {
	c := open(&p.Header, src, CommandReplaceSM)
	p.MessageID = c.cstring("message_id")
	c.address(&p.Source, "source_addr_ton", "source_addr_npi", "source_addr")
	p.ScheduleDeliveryTime = c.cstring("schedule_delivery_time")
	p.ValidityPeriod = c.cstring("validity_period")
	p.RegisteredDelivery = c.uint8("registered_delivery")
	p.SMDefaultMsgID = c.uint8("sm_default_msg_id")
	p.ShortMessage = c.shortMessage()
	p.TLVs = c.tlvs(p.TLVs)
	return c.done()
}

// Payload is the message: short_message, or message_payload when that is empty.
func (p *ReplaceSM) Payload() []byte { return payload(p.ShortMessage, p.TLVs) }
