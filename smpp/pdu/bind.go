package pdu

import "fmt"

// The modes of a Bind, set as its Header.ID.
const (
	BindReceiver    = CommandBindReceiver
	BindTransmitter = CommandBindTransmitter
	BindTransceiver = CommandBindTransceiver
)

// Bind opens a session (SMPP 3.4 §4.1). Header.ID is its mode.
type Bind struct {
	Header
	SystemID         []byte  // at most 15 octets
	Password         []byte  // at most 8 octets
	SystemType       []byte  // at most 12 octets
	InterfaceVersion uint8   // 0x33, 0x34, 0x50
	AddressRange     Address // addr_ton, addr_npi, address_range; at most 40 octets here
	TLVs             TLVs    // the spec has none
}

// AppendTo implements PDU.
func (p *Bind) AppendTo(dst []byte) ([]byte, error) {
	a := begin(dst, p.ID, &p.Header)
	if !isBind(p.ID) {
		a.fail("command_id", StatusInvCmdID, "it is the id of no bind")
	}
	a.cstring("system_id", p.SystemID, maxSystemID, StatusInvSysID)
	a.cstring("password", p.Password, maxPassword, StatusInvPaswd)
	a.cstring("system_type", p.SystemType, maxSystemType, StatusInvSysTyp)
	a.dst = append(a.dst, p.InterfaceVersion, p.AddressRange.TON, p.AddressRange.NPI)
	a.cstring("address_range", p.AddressRange.Addr, maxAddressRange, StatusBindFail)
	a.tlvs(p.TLVs)
	return a.finish()
}

// Decode implements PDU; it takes the three modes.
func (p *Bind) Decode(src []byte) error {
	c := openAny(&p.Header, src, CommandBindTransceiver)
	if c.err == nil && !isBind(p.ID) {
		c.off = 4
		c.fail("command_id", StatusInvCmdID, fmt.Sprintf("%s is no bind", p.ID))
	}
	p.SystemID = c.cstring("system_id")
	p.Password = c.cstring("password")
	p.SystemType = c.cstring("system_type")
	p.InterfaceVersion = c.uint8("interface_version")
	c.address(&p.AddressRange, "addr_ton", "addr_npi", "address_range")
	p.TLVs = c.tlvs(p.TLVs)
	return c.done()
}

func isBind(id CommandID) bool {
	return id == CommandBindReceiver || id == CommandBindTransmitter || id == CommandBindTransceiver
}
