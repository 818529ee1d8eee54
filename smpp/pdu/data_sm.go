package pdu

// DataSM hands a message either way (SMPP 3.4 §4.7.1); carriers send receipts
// by it too. The message is in the message_payload TLV.
type DataSM struct {
	Header
	ServiceType        []byte  // at most 5 octets
	Source             Address // at most 64 octets here
	Destination        Address // at most 64 octets here
	ESMClass           uint8
	RegisteredDelivery uint8
	DataCoding         uint8
	TLVs               TLVs
}

// AppendTo implements PDU.
func (p *DataSM) AppendTo(dst []byte) ([]byte, error) {
	a := begin(dst, CommandDataSM, &p.Header)
	a.cstring("service_type", p.ServiceType, maxServiceType, StatusInvSerTyp)
	a.dst = append(a.dst, p.Source.TON, p.Source.NPI)
	a.cstring("source_addr", p.Source.Addr, maxDataAddress, StatusInvSrcAdr)
	a.dst = append(a.dst, p.Destination.TON, p.Destination.NPI)
	a.cstring("destination_addr", p.Destination.Addr, maxDataAddress, StatusInvDstAdr)
	a.dst = append(a.dst, p.ESMClass, p.RegisteredDelivery, p.DataCoding)
	a.tlvs(p.TLVs)
	return a.finish()
}

// Decode implements PDU.
func (p *DataSM) Decode(src []byte) error {
	c := open(&p.Header, src, CommandDataSM)
	p.ServiceType = c.cstring("service_type")
	c.address(&p.Source, "source_addr_ton", "source_addr_npi", "source_addr")
	c.address(&p.Destination, "dest_addr_ton", "dest_addr_npi", "destination_addr")
	p.ESMClass = c.uint8("esm_class")
	p.RegisteredDelivery = c.uint8("registered_delivery")
	p.DataCoding = c.uint8("data_coding")
	p.TLVs = c.tlvs(p.TLVs)
	return c.done()
}

// Payload is the message: message_payload, or nil.
func (p *DataSM) Payload() []byte { return payload(nil, p.TLVs) }
