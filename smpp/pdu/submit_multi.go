package pdu

import "fmt"

// SubmitMulti hands one message for many destinations to the SMSC
// (SMPP 3.4 §4.5.1).
type SubmitMulti struct {
	Header
	ServiceType          []byte // at most 5 octets
	Source               Address
	Destinations         []Destination // 1..254 are sent, 0..255 taken
	ESMClass             uint8
	ProtocolID           uint8
	PriorityFlag         uint8  // 0..3
	ScheduleDeliveryTime []byte // empty or 16 octets (§7.1.1)
	ValidityPeriod       []byte // empty or 16 octets
	RegisteredDelivery   uint8
	ReplaceIfPresentFlag uint8 // the spec reserves it
	DataCoding           uint8
	SMDefaultMsgID       uint8
	ShortMessage         []byte // at most 254 octets are sent, 255 are taken
	TLVs                 TLVs
}

// Destination is one dest_address of a submit_multi (§4.5.1.1): an SME's, or,
// by its Flag, a distribution list's. A list's Addr is its dl_name, of at most
// 20 octets; it has neither TON nor NPI.
type Destination struct {
	Flag uint8 // DestFlagSME or DestFlagList (§5.2.25)
	Address
}

// AppendTo implements PDU.
func (p *SubmitMulti) AppendTo(dst []byte) ([]byte, error) {
	a := begin(dst, CommandSubmitMulti, &p.Header)
	a.cstring("service_type", p.ServiceType, maxServiceType, StatusInvSerTyp)
	a.address("source_addr", &p.Source, maxAddress, StatusInvSrcAdr)
	a.destinations(p.Destinations)
	a.dst = append(a.dst, p.ESMClass, p.ProtocolID, p.PriorityFlag)
	a.time("schedule_delivery_time", p.ScheduleDeliveryTime, StatusInvSched)
	a.time("validity_period", p.ValidityPeriod, StatusInvExpiry)
	a.dst = append(a.dst, p.RegisteredDelivery, p.ReplaceIfPresentFlag, p.DataCoding, p.SMDefaultMsgID)
	a.shortMessage(p.ShortMessage, p.TLVs)
	a.tlvs(p.TLVs)
	return a.finish()
}

// Decode implements PDU. It reads the destinations into the capacity of those
// that p has.
func (p *SubmitMulti) Decode(src []byte) error {
	c := open(&p.Header, src, CommandSubmitMulti)
	p.ServiceType = c.cstring("service_type")
	c.address(&p.Source, "source_addr_ton", "source_addr_npi", "source_addr")
	p.Destinations = c.destinations(p.Destinations)
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

// Payload is the message: short_message, or message_payload when that is empty.
func (p *SubmitMulti) Payload() []byte { return payload(p.ShortMessage, p.TLVs) }

// destinations appends number_of_dests and the list.
func (a *appender) destinations(list []Destination) {
	if len(list) == 0 || len(list) > maxDestinations {
		a.fail("number_of_dests", StatusInvNumDests, fmt.Sprintf("%d destinations, 1 to %d are allowed", len(list), maxDestinations))
		return
	}
	a.dst = append(a.dst, byte(len(list)))
	for i := range list {
		if a.destination(&list[i]); a.err != nil {
			a.number("destination", i)
			return
		}
	}
}

func (a *appender) destination(d *Destination) {
	a.dst = append(a.dst, d.Flag)
	switch d.Flag {
	case DestFlagSME:
		a.address("destination_addr", &d.Address, maxAddress, StatusInvDstAdr)
	case DestFlagList:
		if d.TON != 0 || d.NPI != 0 {
			a.fail("dl_name", StatusInvDLName, "a distribution list has neither TON nor NPI")
		}
		a.cstring("dl_name", d.Addr, maxListName, StatusInvDLName)
	default:
		a.fail("dest_flag", StatusInvDestFlag, wrongFlag(d.Flag))
	}
}

func wrongFlag(flag uint8) string {
	return fmt.Sprintf("it is %d, neither %d (SME) nor %d (list)", flag, DestFlagSME, DestFlagList)
}

// destinations reads number_of_dests and the list. The list grows with what has
// been read, not by the count. What follows a dest_flag of another value has a
// shape that nobody knows.
func (c *cursor) destinations(list []Destination) []Destination {
	list = list[:0]
	for range c.uint8("number_of_dests") {
		d := Destination{Flag: c.uint8("dest_flag")}
		switch {
		case c.err != nil:
		case d.Flag == DestFlagSME:
			c.address(&d.Address, "dest_addr_ton", "dest_addr_npi", "destination_addr")
		case d.Flag == DestFlagList:
			d.Addr = c.cstring("dl_name")
		default:
			c.off--
			c.fail("dest_flag", StatusInvDestFlag, wrongFlag(d.Flag))
		}
		if c.err != nil {
			break
		}
		list = append(list, d)
	}
	return list
}
