package pdu

// QuerySM asks for the state of a message (SMPP 3.4 §4.8.1).
type QuerySM struct {
	Header
	MessageID []byte  // the SMSC's, at most 64 octets
	Source    Address // that of the submit_sm
	TLVs      TLVs    // the spec has none
}

// AppendTo implements PDU.
func (p *QuerySM) AppendTo(dst []byte) ([]byte, error) {
	a := begin(dst, CommandQuerySM, &p.Header)
	a.cstring("message_id", p.MessageID, maxMessageID, StatusInvMsgID)
	a.address("source_addr", &p.Source, maxAddress, StatusInvSrcAdr)
	a.tlvs(p.TLVs)
	return a.finish()
}

// Decode implements PDU.
func (p *QuerySM) Decode(src []byte) error {
	c := open(&p.Header, src, CommandQuerySM)
	p.MessageID = c.cstring("message_id")
	c.address(&p.Source, "source_addr_ton", "source_addr_npi", "source_addr")
	p.TLVs = c.tlvs(p.TLVs)
	return c.done()
}
