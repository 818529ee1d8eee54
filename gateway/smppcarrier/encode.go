package smppcarrier

import (
	"errors"
	"fmt"
	"time"

	"bindery/gateway/dispatch"
	"bindery/queue"
	"bindery/smpp/coding"
	"bindery/smpp/pdu"
)

// scratch is what Submit builds PDUs in. It belongs to Submit.
type scratch struct {
	pdu       pdu.SubmitSM
	text      []byte // user data
	source    []byte
	dest      []byte
	service   []byte
	validity  []byte
	tlvs      [5]pdu.TLV
	values    [8]byte // of the small TLVs
	planned   queue.ID
	plan      coding.Plan
	planError error
}

// errSurplus: this carrier takes the text in fewer parts than were reserved.
var errSurplus = errors.New("surplus part")

// encode fills out.pdu with one part. An error ends that part only.
func (c *Carrier) encode(sub *dispatch.Submission, now time.Time) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("encoding broke off: %v", r)
			c.out.planned = ""
		}
	}()
	o, m := &c.out, &sub.Message
	plan, err := c.planFor(m)
	if err != nil {
		return err
	}
	part := int(sub.Position)
	switch {
	case plan.Parts > max(1, int(sub.Parts)):
		return fmt.Errorf("the carrier needs %d parts, %d are reserved", plan.Parts, sub.Parts)
	case part >= plan.Parts:
		return errSurplus
	}
	if o.text, err = plan.AppendPart(o.text[:0], m.Text, part, m.ConcatRef); err != nil {
		return err
	}
	c.fill(sub, &plan, now)
	return nil
}

// planFor plans a text once for the parts of it that come one after another.
func (c *Carrier) planFor(m *queue.Message) (coding.Plan, error) {
	o := &c.out
	if m.ID == "" || m.ID != o.planned {
		o.planned = m.ID
		o.plan, o.planError = c.plan(m)
	}
	return o.plan, o.planError
}

func (c *Carrier) plan(m *queue.Message) (coding.Plan, error) {
	forced, err := coding.ParseEncoding(m.Encoding)
	if err != nil {
		return coding.Plan{}, err
	}
	return c.cfg.Coding.Plan(m.Text, forced)
}

func (c *Carrier) fill(sub *dispatch.Submission, plan *coding.Plan, now time.Time) {
	o, m := &c.out, &sub.Message
	o.service = append(o.service[:0], c.cfg.ServiceType...)
	var mark Numbering
	var number string
	mark, number = c.cfg.Address.source(m.From)
	o.source = append(o.source[:0], number...)
	p := &o.pdu
	*p = pdu.SubmitSM{TLVs: p.TLVs[:0], ServiceType: o.service}
	p.Source = pdu.Address{TON: mark.TON, NPI: mark.NPI, Addr: o.source}
	mark, number = c.cfg.Address.destination(m.To)
	o.dest = append(o.dest[:0], number...)
	p.Destination = pdu.Address{TON: mark.TON, NPI: mark.NPI, Addr: o.dest}
	p.ESMClass = c.cfg.ESMClass | plan.ESMClass()
	p.ProtocolID = c.cfg.ProtocolID
	p.PriorityFlag = c.cfg.Priority[min(m.Priority, queue.Bulk)]
	p.RegisteredDelivery = pdu.RegisteredDeliveryFinal // always: receipts are how a message ends
	p.DataCoding = plan.DataCoding
	if m.ValidityNamed && !sub.Deadline.IsZero() {
		o.validity = c.appendValidity(o.validity[:0], sub.Deadline, now)
		p.ValidityPeriod = o.validity
	}
	p.TLVs = c.appendTLVs(o.tlvs[:0], sub, plan)
	if !plan.Payload {
		p.ShortMessage = o.text
	}
}

// appendTLVs appends user_message_reference, which a carrier may echo in a
// receipt, and what the plan calls for.
func (c *Carrier) appendTLVs(tlvs pdu.TLVs, sub *dispatch.Submission, plan *coding.Plan) pdu.TLVs {
	v := &c.out.values
	ref := sub.Message.ConcatRef
	if c.mayTLV.Load() {
		own := ref + uint16(sub.Position)
		v[0], v[1] = byte(own>>8), byte(own)
		tlvs = append(tlvs, pdu.TLV{Tag: pdu.TagUserMessageReference, Value: v[0:2]})
	}
	if plan.SAR() {
		v[2], v[3], v[4], v[5] = byte(ref>>8), byte(ref), byte(plan.Parts), sub.Position+1
		tlvs = append(tlvs,
			pdu.TLV{Tag: pdu.TagSARMsgRefNum, Value: v[2:4]},
			pdu.TLV{Tag: pdu.TagSARTotalSegments, Value: v[4:5]},
			pdu.TLV{Tag: pdu.TagSARSegmentSeqnum, Value: v[5:6]})
	}
	if plan.Payload {
		tlvs = append(tlvs, pdu.TLV{Tag: pdu.TagMessagePayload, Value: c.out.text})
	}
	return tlvs
}

// appendValidity writes the end of validity, YYMMDDhhmmsstnnp (SMPP 3.4
// §7.1.1): relative in days, hours, minutes and seconds from when the SMSC gets
// it, at least a second, or absolute in UTC. The relative form has two digits
// of days, which our bound of 7 days keeps.
func (c *Carrier) appendValidity(dst []byte, deadline, now time.Time) []byte {
	if c.cfg.AbsoluteValidity {
		return append(deadline.UTC().AppendFormat(dst, "060102150405"), "000+"...)
	}
	left := max(1, int(deadline.Sub(now)/time.Second))
	dst = append(dst, "0000"...)
	for _, n := range [...]int{min(left/86400, 99), left / 3600 % 24, left / 60 % 60, left % 60} {
		dst = append(dst, byte('0'+n/10), byte('0'+n%10))
	}
	return append(dst, "000R"...)
}
