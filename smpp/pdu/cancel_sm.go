package pdu

// CancelSM asks the SMSC to forget a message that is not delivered yet, or,
// with an empty MessageID, all that match the rest (SMPP 3.4 §4.9.1).
type CancelSM struct {
	Header
	ServiceType []byte  // at most 5 octets
	MessageID   []byte  // the SMSC's, at most 64 octets
	Source      Address // that of the submit_sm
	Destination Address // empty with a MessageID
	TLVs        TLVs    // the spec has none
}

// AppendTo implements PDU.
func (p *CancelSM) AppendTo(dst []byte) ([]byte, error) {
	a := begin(dst, CommandCancelSM, &p.Header)
	a.cstring("service_type", p.ServiceType, maxServiceType, StatusInvSerTyp)
	a.cstring("message_id", p.MessageID, maxMessageID, StatusInvMsgID)
	a.address("source_addr", &p.Source, maxAddress, StatusInvSrcAdr)
	a.address("destination_addr", &p.Destination, maxAddress, StatusInvDstAdr)
	a.tlvs(p.TLVs)
	return a.finish()
}

// Decode implements PDU.
func (p *CancelSM) Decode(src []byte) error {
	c := open(&p.Header, src, CommandCancelSM)
	p.ServiceType = c.cstring("service_type")
	p.MessageID = c.cstring("message_id")
	c.address(&p.Source, "source_addr_ton", "source_addr_npi", "source_addr")
	c.address(&p.Destination, "dest_addr_ton", "dest_addr_npi", "destination_addr")
	p.TLVs = c.tlvs(p.TLVs)
	return c.done()
}
