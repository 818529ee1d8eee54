package smppcarrier

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"bindery/gateway/dispatch"
	"bindery/queue"
	"bindery/smpp"
	"bindery/smpp/pdu"
)

// fullness tells whether ESME_RMSGQFUL is about the bind: one recipient whose
// queue is full says nothing of the others, half of all answers does.
type fullness struct {
	mu        sync.Mutex // guards all below
	since     time.Time
	all, full int // answers of the running second
}

// fullMin is how many answers of a second make a ratio.
const fullMin = 10

// add counts an answer and tells whether the queue is full for everybody.
func (f *fullness) add(now time.Time, full bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.since) >= time.Second {
		f.since, f.all, f.full = now, 0, 0
	}
	f.all++
	if full {
		f.full++
	}
	return full && f.all >= fullMin && 2*f.full > f.all
}

// classOf is what a response's status means for its part.
func (c *Carrier) classOf(status pdu.CommandStatus, now time.Time) dispatch.Class {
	full := c.full.add(now, status == pdu.StatusMsgQFul)
	if class, ok := c.cfg.Statuses[status]; ok {
		return class
	}
	switch status.Class() {
	case pdu.ClassOK:
		return dispatch.ClassOK
	case pdu.ClassThrottled:
		return dispatch.ClassThrottled
	case pdu.ClassPermanent:
		return dispatch.ClassPermanent
	case pdu.ClassSession, pdu.ClassAuth:
		return dispatch.ClassSession
	case pdu.ClassTemporary, pdu.ClassUnknown, pdu.ClassVendor:
	}
	if full {
		return dispatch.ClassThrottled
	}
	return dispatch.ClassTemporary
}

// statusError is a status as an event names it.
func statusError(status pdu.CommandStatus) queue.Error {
	return queue.Error{Code: fmt.Sprintf("smpp:0x%02X", uint32(status)), Message: status.Name()}
}

// answered makes an outcome of a response.
func (c *Carrier) answered(o *dispatch.Outcome, resp pdu.PDU, now time.Time) {
	h := resp.Head()
	o.Code = uint32(h.Status)
	ok, isSubmit := resp.(*pdu.SubmitSMResp)
	if isSubmit && h.Status == pdu.StatusOK {
		c.full.add(now, false)
		o.Class, o.CarrierID = dispatch.ClassOK, ok.MessageID
		return
	}
	o.Class, o.Error = c.classOf(h.Status, now), c.errorOf(h.Status)
	switch {
	case o.Class != dispatch.ClassOK:
	case isSubmit: // the carrier's settings take this status for OK
		o.CarrierID, o.Error = ok.MessageID, queue.Error{}
	default: // a generic_nack that says OK says nothing
		o.Class = dispatch.ClassTemporary
	}
}

// errorOf is statusError without building the same text again.
func (c *Carrier) errorOf(status pdu.CommandStatus) queue.Error {
	if e, ok := c.errors.Load(status); ok {
		return e.(queue.Error)
	}
	e := statusError(status)
	if status < 0x500 { // what the spec and vendors use; more would be a peer's noise
		c.errors.Store(status, e)
	}
	return e
}

// unanswered makes an outcome of a result without a response.
func unanswered(o *dispatch.Outcome, r *smpp.Result) {
	o.Class = dispatch.ClassUnsent
	if r.Written {
		o.Class = dispatch.ClassUncertain
		o.Error = queue.Error{Code: "uncertain", Message: r.Err.Error()}
	}
}

// refusal makes an outcome of an error of Submit, after which no byte has left.
func refusal(o *dispatch.Outcome, err error) {
	var wrong *pdu.Error
	var state *smpp.StateError
	switch {
	case errors.Is(err, errSurplus):
		o.Class = dispatch.ClassSurplus
	case errors.As(err, &state):
		o.Class = dispatch.ClassSession
		o.Error = queue.Error{Code: "session", Message: err.Error()}
	case errors.As(err, &wrong) && wrong.Status != pdu.StatusOK:
		o.Class = dispatch.ClassPermanent
		o.Error = queue.Error{Code: statusError(wrong.Status).Code, Message: err.Error()}
	default:
		o.Class = dispatch.ClassPermanent
		o.Error = queue.Error{Code: "encoding", Message: err.Error()}
	}
}

// unsent tells the errors of Submit that are about the binds, not the message.
func unsent(err error) bool {
	return errors.Is(err, smpp.ErrWindowFull) || errors.Is(err, smpp.ErrClosing) || errors.Is(err, errNoBind)
}
