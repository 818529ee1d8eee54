package pdu

import "fmt"

// BindResp answers a Bind (SMPP 3.4 §4.1.2, §4.1.4, §4.1.6). Header.ID is the
// mode's id with bit 31 set.
type BindResp struct {
	Header
	// SystemID is the SMSC's, at most 15 octets when sent. Nil means that
	// there was no body, as after an error; empty that it was empty.
	SystemID []byte
	TLVs     TLVs
}

// AppendTo implements PDU. With an error status, no SystemID and no TLVs the
// PDU is the header alone.
func (p *BindResp) AppendTo(dst []byte) ([]byte, error) {
	a := begin(dst, p.ID, &p.Header)
	if !isBindResp(p.ID) {
		a.fail("command_id", StatusInvCmdID, "it is the id of no bind response")
	}
	if !bare(p.Status, p.SystemID, p.TLVs) {
		a.cstring("system_id", p.SystemID, maxSystemID, StatusInvSysID)
		a.tlvs(p.TLVs)
	}
	return a.finish()
}

// Decode implements PDU; it takes the three modes.
func (p *BindResp) Decode(src []byte) error {
	c := openAny(&p.Header, src, CommandBindTransceiverResp)
	if c.err == nil && !isBindResp(p.ID) {
		c.off = 4
		c.fail("command_id", StatusInvCmdID, fmt.Sprintf("%s is no bind response", p.ID))
	}
	p.SystemID, p.TLVs = c.responseBody("system_id", p.Status, p.TLVs)
	return c.done()
}

// InterfaceVersion is the SMSC's sc_interface_version (§5.3.2.25). Without it,
// or below 0x34, the peer is not to be sent TLVs (§3.3.2) unless its settings
// say so.
func (p *BindResp) InterfaceVersion() (version uint8, ok bool) {
	return p.TLVs.Uint8(TagSCInterfaceVersion)
}

func isBindResp(id CommandID) bool { return id.IsResponse() && isBind(id&^responseBit) }
