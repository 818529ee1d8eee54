package pdu

// AlertNotification tells the ESME that a handset can be reached again, for
// which a data_sm had set_dpf (SMPP 3.4 §4.12.1). It has no response.
type AlertNotification struct {
	Header
	Source Address // the handset; at most 64 octets here
	ESME   Address // who asked to be told; at most 64 octets here
	TLVs   TLVs    // ms_availability_status, when there is any
}

// AppendTo implements PDU.
func (p *AlertNotification) AppendTo(dst []byte) ([]byte, error) {
	a := begin(dst, CommandAlertNotification, &p.Header)
	a.address("source_addr", &p.Source, maxDataAddress, StatusInvSrcAdr)
	a.address("esme_addr", &p.ESME, maxDataAddress, StatusInvDstAdr)
	a.tlvs(p.TLVs)
	return a.finish()
}

// Decode implements PDU.
func (p *AlertNotification) Decode(src []byte) error {
	c := open(&p.Header, src, CommandAlertNotification)
	c.address(&p.Source, "source_addr_ton", "source_addr_npi", "source_addr")
	c.address(&p.ESME, "esme_addr_ton", "esme_addr_npi", "esme_addr")
	p.TLVs = c.tlvs(p.TLVs)
	return c.done()
}
