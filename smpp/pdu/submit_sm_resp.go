package pdu

// SubmitSMResp answers a submit_sm (SMPP 3.4 §4.4.2).
type SubmitSMResp struct {
	Header
	// MessageID is at most 64 octets when sent; longer ones are taken. Nil
	// means that there was no body, as after an error; empty that it was empty.
	MessageID []byte
	TLVs      TLVs
}

// AppendTo implements PDU. With an error status, no MessageID and no TLVs the
// PDU is the header alone, as §4.4.2 has it.
func (p *SubmitSMResp) AppendTo(dst []byte) ([]byte, error) {
	a := begin(dst, CommandSubmitSMResp, &p.Header)
	if !bare(p.Status, p.MessageID, p.TLVs) {
		a.cstring("message_id", p.MessageID, maxMessageID, StatusInvMsgID)
		a.tlvs(p.TLVs)
	}
	return a.finish()
}

// Decode implements PDU.
func (p *SubmitSMResp) Decode(src []byte) error { return p.decode(src, CommandSubmitSMResp) }

// decode reads the layout that the responses to messages share.
func (p *SubmitSMResp) decode(src []byte, id CommandID) error {
	c := open(&p.Header, src, id)
	p.MessageID, p.TLVs = c.responseBody("message_id", p.Status, p.TLVs)
	return c.done()
}

// appendWithBody writes deliver_sm_resp and data_sm_resp, whose message_id
// stands there after an error too (§4.6.2, §4.7.2).
func (p *SubmitSMResp) appendWithBody(dst []byte, id CommandID) ([]byte, error) {
	a := begin(dst, id, &p.Header)
	a.cstring("message_id", p.MessageID, maxMessageID, StatusInvMsgID)
	a.tlvs(p.TLVs)
	return a.finish()
}

// bare tells whether a response goes out as a header alone.
func bare(status CommandStatus, text []byte, tlvs TLVs) bool {
	return status != StatusOK && text == nil && len(tlvs) == 0
}

// responseBody reads the one string and the TLVs that responses have.
// command_length decides what is there: SMSCs leave the body out after an
// error or don't, and some leave it out after success.
func (c *cursor) responseBody(field string, status CommandStatus, list TLVs) ([]byte, TLVs) {
	c.response(status)
	if c.err != nil || c.empty() {
		return nil, list[:0]
	}
	text := c.cstring(field)
	return text, c.tlvs(list)
}
