package pdu

// Outbind asks an ESME that the SMSC has called to bind as a receiver
// (SMPP 3.4 §4.1.7). It has no response: the ESME binds, or closes.
type Outbind struct {
	Header
	SystemID []byte // the SMSC's, at most 15 octets
	Password []byte // at most 8 octets
	TLVs     TLVs   // the spec has none
}

// AppendTo implements PDU.
func (p *Outbind) AppendTo(dst []byte) ([]byte, error) {
	a := begin(dst, CommandOutbind, &p.Header)
	a.cstring("system_id", p.SystemID, maxSystemID, StatusInvSysID)
	a.cstring("password", p.Password, maxPassword, StatusInvPaswd)
	a.tlvs(p.TLVs)
	return a.finish()
}

// Decode implements PDU.
func (p *Outbind) Decode(src []byte) error {
	c := open(&p.Header, src, CommandOutbind)
	p.SystemID = c.cstring("system_id")
	p.Password = c.cstring("password")
	p.TLVs = c.tlvs(p.TLVs)
	return c.done()
}
