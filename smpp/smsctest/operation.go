package smsctest

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"bindery/smpp/pdu"
)

// extra is what the answer to an operation beside submit_sm has on top.
type extra struct {
	body     pdu.PDU    // its struct; its header is the answer's
	messages []*message // taken with it; it holds a reference to each
}

// failures are the statuses of what cannot be done to a message: it is not in
// the record (which only RecordFull keeps), is another's, or has ended.
var failures = map[pdu.CommandID]pdu.CommandStatus{
	pdu.CommandQuerySM:   pdu.StatusQueryFail,
	pdu.CommandCancelSM:  pdu.StatusCancelFail,
	pdu.CommandReplaceSM: pdu.StatusReplaceFail,
}

// operation answers query_sm, cancel_sm and replace_sm from the record.
func (c *Conn) operation(r *request) {
	c.s.meter.Operations++
	h := r.p.Head()
	if !c.transmits() {
		c.respond(r, pdu.StatusInvBndSts)
		return
	}
	if r.err != nil || r.act.set && r.act.status != pdu.StatusOK {
		c.respond(r, r.act.status)
		return
	}
	done, body := false, pdu.PDU(nil)
	switch p := r.p.(type) {
	case *pdu.QuerySM:
		body, done = c.s.record.query(p, r.now)
	case *pdu.CancelSM:
		done = c.s.record.cancel(p, r.now)
	case *pdu.ReplaceSM:
		done = c.s.record.replace(p, r.now)
	}
	a := answer{c: c, id: h.ID.Response(), sequence: h.Sequence}
	if !done {
		a.status = failures[h.ID]
	}
	if body != nil {
		a.extra = &extra{body: body}
	}
	c.s.send(&a, &r.act, r.now, r.act.delay)
}

func (c *Conn) transmits() bool {
	return c.mode == pdu.CommandBindTransmitter || c.mode == pdu.CommandBindTransceiver
}

// state is what the SMSC knows of a message that was taken.
func (e *Submit) state(now time.Time) uint8 {
	if e.State == 0 || now.Before(e.Done) {
		return pdu.MessageStateEnroute
	}
	return e.State
}

// find gives the messages that match, the newest first, until it answers false.
func (r *record) find(match func(*Submit) bool, yield func(*Submit) bool) {
	for i := len(r.submits) - 1; i >= 0; i-- {
		if e := &r.submits[i]; e.ID != "" && match(e) && !yield(e) {
			return
		}
	}
}

// by matches a message_id and the source that it was submitted with.
func by(id []byte, source *pdu.Address) func(*Submit) bool {
	return func(e *Submit) bool { return e.ID == string(id) && bytes.Equal(e.PDU.Source.Addr, source.Addr) }
}

func (r *record) query(p *pdu.QuerySM, now time.Time) (body pdu.PDU, done bool) {
	r.find(by(p.MessageID, &p.Source), func(e *Submit) bool {
		resp := &pdu.QuerySMResp{MessageID: []byte(e.ID), MessageState: e.state(now)}
		if resp.MessageState != pdu.MessageStateEnroute {
			resp.FinalDate = absolute(e.Done)
			code, _ := strconv.ParseUint(errorCode(resp.MessageState), 10, 8) // a table of ours
			resp.ErrorCode = uint8(code)
		}
		body, done = resp, true
		return false
	})
	return body, done
}

// cancel ends the message of the id, or without one all between two addresses.
func (r *record) cancel(p *pdu.CancelSM, now time.Time) (done bool) {
	match := by(p.MessageID, &p.Source)
	if len(p.MessageID) == 0 {
		match = func(e *Submit) bool {
			return bytes.Equal(e.PDU.Source.Addr, p.Source.Addr) && bytes.Equal(e.PDU.Destination.Addr, p.Destination.Addr) &&
				(len(p.ServiceType) == 0 || bytes.Equal(e.PDU.ServiceType, p.ServiceType))
		}
	}
	r.find(match, func(e *Submit) bool {
		if e.state(now) == pdu.MessageStateEnroute {
			e.State, e.Done, done = pdu.MessageStateDeleted, now, true
		}
		return true
	})
	return done
}

// replace changes what the record holds, which is what the handset gets. The
// receipts stay those that were asked for first.
func (r *record) replace(p *pdu.ReplaceSM, now time.Time) (done bool) {
	r.find(by(p.MessageID, &p.Source), func(e *Submit) bool {
		if e.state(now) == pdu.MessageStateEnroute {
			e.PDU.ShortMessage, done = bytes.Clone(p.ShortMessage), true
		}
		return false
	})
	return done
}

// absolute is a time as SMPP 3.4 §7.1.1.1 writes it, in UTC.
func absolute(t time.Time) []byte {
	t = t.UTC()
	return fmt.Appendf(nil, "%s%d00+", t.Format("060102150405"), t.Nanosecond()/1e8)
}

// multi takes a submit_multi as a submit_sm for each destination, all of one
// id. It knows no distribution lists. When it takes none of them the answer is
// the first one's status.
func (c *Conn) multi(r *request, p *pdu.SubmitMulti) {
	s := c.s
	s.meter.Operations++
	body := &pdu.SubmitMultiResp{}
	a := answer{c: c, id: pdu.CommandSubmitMultiResp, sequence: p.Sequence, extra: &extra{body: body}}
	if r.err != nil {
		c.respond(r, pdu.StatusOK)
		return
	}
	if len(p.Destinations) == 0 {
		c.respond(r, pdu.StatusInvNumDests)
		return
	}
	for i := range p.Destinations {
		d := &p.Destinations[i]
		if m, status := c.destination(r, p, d, a.extra.messages); m != nil {
			a.extra.messages = append(a.extra.messages, m)
		} else {
			body.Unsuccess = append(body.Unsuccess, pdu.UnsuccessSME{Address: d.Address, Status: status})
		}
	}
	if taken := a.extra.messages; len(taken) > 0 {
		body.MessageID = s.opt.IDs.Response.append(nil, taken[0].number, s.opt.IDs.Width)
	} else {
		a.status = body.Unsuccess[0].Status
	}
	a.silent = s.chance(s.opt.Answers.Drop)
	s.reply(&a, r)
}

// destination takes or refuses one message of a submit_multi; taken are those
// before it.
func (c *Conn) destination(r *request, p *pdu.SubmitMulti, d *pdu.Destination, taken []*message) (*message, pdu.CommandStatus) {
	s := c.s
	one := &pdu.SubmitSM{
		Header: p.Header, ServiceType: p.ServiceType, Source: p.Source, Destination: d.Address, ESMClass: p.ESMClass, ProtocolID: p.ProtocolID,
		PriorityFlag: p.PriorityFlag, ScheduleDeliveryTime: p.ScheduleDeliveryTime, ValidityPeriod: p.ValidityPeriod,
		RegisteredDelivery: p.RegisteredDelivery, DataCoding: p.DataCoding, SMDefaultMsgID: p.SMDefaultMsgID, ShortMessage: p.ShortMessage, TLVs: p.TLVs,
	}
	s.meter.submit(c, r.now)
	a := answer{status: s.judge(c, r, one)}
	if a.status == pdu.StatusOK && d.Flag == pdu.DestFlagList {
		a.status = pdu.StatusInvDLName
	}
	if a.status == pdu.StatusOK {
		a.m = s.newMessage(c, one, r.now)
		if len(taken) > 0 {
			a.m.number = taken[0].number
		}
		s.meter.Taken++
	}
	s.meter.answered(a.status)
	s.record.submit(s, c, one, &a, false, r.now)
	return a.m, a.status
}
