package pdu

// QuerySMResp answers a query_sm (SMPP 3.4 §4.8.2).
type QuerySMResp struct {
	Header
	// MessageID is that of the request, at most 64 octets when sent. Nil means
	// that there was no body, as after an error.
	MessageID    []byte
	FinalDate    []byte // empty while the message is under way, or 16 octets (§7.1.1)
	MessageState uint8  // MessageState…; 0 only without a body
	ErrorCode    uint8  // the network's, of a failed delivery
	TLVs         TLVs   // the spec has none
}

// AppendTo implements PDU. With an error status and nothing set the PDU is the
// header alone.
func (p *QuerySMResp) AppendTo(dst []byte) ([]byte, error) {
	a := begin(dst, CommandQuerySMResp, &p.Header)
	if bare(p.Status, p.MessageID, p.TLVs) && len(p.FinalDate) == 0 && p.MessageState == 0 && p.ErrorCode == 0 {
		return a.finish()
	}
	a.cstring("message_id", p.MessageID, maxMessageID, StatusInvMsgID)
	a.time("final_date", p.FinalDate, StatusQueryFail)
	a.dst = append(a.dst, p.MessageState, p.ErrorCode)
	a.tlvs(p.TLVs)
	return a.finish()
}

// Decode implements PDU. Without an error status a body must be there: the
// state would be made up.
func (p *QuerySMResp) Decode(src []byte) error {
	c := open(&p.Header, src, CommandQuerySMResp)
	c.response(p.Status)
	p.MessageID = c.cstring("message_id")
	p.FinalDate = c.cstring("final_date")
	p.MessageState = c.uint8("message_state")
	p.ErrorCode = c.uint8("error_code")
	p.TLVs = c.tlvs(p.TLVs)
	return c.done()
}
