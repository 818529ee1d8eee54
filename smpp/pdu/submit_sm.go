package pdu

// SubmitSM hands a message to the SMSC (SMPP 3.4 §4.4.1).
type SubmitSM struct {
	Header
	ServiceType          []byte // at most 5 octets
	Source               Address
	Destination          Address
	ESMClass             uint8
	ProtocolID           uint8
	PriorityFlag         uint8  // 0..3
	ScheduleDeliveryTime []byte // empty or 16 octets (§7.1.1)
	ValidityPeriod       []byte // empty or 16 octets
	RegisteredDelivery   uint8
	ReplaceIfPresentFlag uint8
	DataCoding           uint8
	SMDefaultMsgID       uint8
	ShortMessage         []byte // at most 254 octets are sent, 255 are taken
	TLVs                 TLVs
}

// AppendTo implements PDU.
func (p *SubmitSM) AppendTo(dst []byte) ([]byte, error) {
	return p.appendTo(dst, CommandSubmitSM)
}

// Decode implements PDU.
func (p *SubmitSM) Decode(src []byte) error { return p.decode(src, CommandSubmitSM) }

// Payload is the message: short_message, or message_payload when that is empty.
func (p *SubmitSM) Payload() []byte { return payload(p.ShortMessage, p.TLVs) }

// appendTo writes the layout that submit_sm and deliver_sm share.
func (p *SubmitSM) appendTo(dst []byte, id CommandID) ([]byte, error) {
	a := begin(dst, id, &p.Header)
	a.cstring("service_type", p.ServiceType, maxServiceType, StatusInvSerTyp)
	a.dst = append(a.dst, p.Source.TON, p.Source.NPI)
	a.cstring("source_addr", p.Source.Addr, maxAddress, StatusInvSrcAdr)
	a.dst = append(a.dst, p.Destination.TON, p.Destination.NPI)
	a.cstring("destination_addr", p.Destination.Addr, maxAddress, StatusInvDstAdr)
	a.dst = append(a.dst, p.ESMClass, p.ProtocolID, p.PriorityFlag)
	a.time("schedule_delivery_time", p.ScheduleDeliveryTime, StatusInvSched)
	a.time("validity_period", p.ValidityPeriod, StatusInvExpiry)
	a.dst = append(a.dst, p.RegisteredDelivery, p.ReplaceIfPresentFlag, p.DataCoding, p.SMDefaultMsgID)
	a.shortMessage(p.ShortMessage, p.TLVs)
	a.tlvs(p.TLVs)
	return a.finish()
}

// decode reads the layout that submit_sm and deliver_sm share.
func (p *SubmitSM) decode(src []byte, id CommandID) error {
	c := open(&p.Header, src, id)
	p.ServiceType = c.cstring("service_type")
	c.address(&p.Source, "source_addr_ton", "source_addr_npi", "source_addr")
	c.address(&p.Destination, "dest_addr_ton", "dest_addr_npi", "destination_addr")
	p.ESMClass = c.uint8("esm_class")
	p.ProtocolID = c.uint8("protocol_id")
	p.PriorityFlag = c.uint8("priority_flag")
	p.ScheduleDeliveryTime = c.cstring("schedule_delivery_time")
	p.ValidityPeriod = c.cstring("validity_period")
	p.RegisteredDelivery = c.uint8("registered_delivery")
	p.ReplaceIfPresentFlag = c.uint8("replace_if_present_flag")
	p.DataCoding = c.uint8("data_coding")
	p.SMDefaultMsgID = c.uint8("sm_default_msg_id")
	p.ShortMessage = c.shortMessage()
	p.TLVs = c.tlvs(p.TLVs)
	return c.done()
}

func payload(shortMessage []byte, tlvs TLVs) []byte {
	if len(shortMessage) > 0 {
		return shortMessage
	}
	value, _ := tlvs.Get(TagMessagePayload)
	return value
}
