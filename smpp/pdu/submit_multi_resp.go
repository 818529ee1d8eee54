package pdu

import (
	"encoding/binary"
	"fmt"
)

// SubmitMultiResp answers a submit_multi (SMPP 3.4 §4.5.2): ESME_ROK with a
// list of those that it was not taken for.
type SubmitMultiResp struct {
	Header
	// MessageID is at most 64 octets when sent. Nil means that there was no
	// body, as after an error.
	MessageID []byte
	Unsuccess []UnsuccessSME // at most 255
	TLVs      TLVs           // the spec has none
}

// UnsuccessSME is a destination that the message was not taken for (§4.5.2.1).
type UnsuccessSME struct {
	Address
	Status CommandStatus // error_status_code
}

// AppendTo implements PDU. With an error status and nothing set the PDU is the
// header alone.
func (p *SubmitMultiResp) AppendTo(dst []byte) ([]byte, error) {
	a := begin(dst, CommandSubmitMultiResp, &p.Header)
	if bare(p.Status, p.MessageID, p.TLVs) && len(p.Unsuccess) == 0 {
		return a.finish()
	}
	a.cstring("message_id", p.MessageID, maxMessageID, StatusInvMsgID)
	a.unsuccess(p.Unsuccess)
	a.tlvs(p.TLVs)
	return a.finish()
}

// Decode implements PDU. It reads the list into the capacity of the one that p
// has. Without an error status a body must be there: that nobody was refused
// would be made up.
func (p *SubmitMultiResp) Decode(src []byte) error {
	c := open(&p.Header, src, CommandSubmitMultiResp)
	c.response(p.Status)
	p.MessageID = c.cstring("message_id")
	p.Unsuccess = c.unsuccess(p.Unsuccess)
	p.TLVs = c.tlvs(p.TLVs)
	return c.done()
}

// unsuccess appends no_unsuccess and the list.
func (a *appender) unsuccess(list []UnsuccessSME) {
	if len(list) > maxUnsuccess {
		a.fail("no_unsuccess", StatusInvNumDests, fmt.Sprintf("%d destinations, at most %d are allowed", len(list), maxUnsuccess))
		return
	}
	a.dst = append(a.dst, byte(len(list)))
	for i := range list {
		u := &list[i]
		if a.address("destination_addr", &u.Address, maxAddress, StatusInvDstAdr); a.err != nil {
			a.number("unsuccess_sme", i)
			return
		}
		a.dst = binary.BigEndian.AppendUint32(a.dst, uint32(u.Status))
	}
}

// unsuccess reads no_unsuccess and the list, which grows with what has been
// read, not by the count.
func (c *cursor) unsuccess(list []UnsuccessSME) []UnsuccessSME {
	list = list[:0]
	for range c.uint8("no_unsuccess") {
		var u UnsuccessSME
		c.address(&u.Address, "dest_addr_ton", "dest_addr_npi", "destination_addr")
		u.Status = CommandStatus(c.uint32("error_status_code"))
		if c.err != nil {
			break
		}
		list = append(list, u)
	}
	return list
}
