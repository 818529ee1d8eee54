package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bindery/dlr"
	"bindery/queue"
	"bindery/smpp/coding"
	"bindery/smpp/pdu"
)

// message is what is submitted, as the gateway writes it.
type message struct {
	pdu  *pdu.SubmitSM
	plan coding.Plan
	text string
}

// submitted is the answer to a submit_sm.
type submitted struct {
	status pdu.CommandStatus
	id     string // as it came
	took   time.Duration
	err    error
}

// send submits one message and waits for its receipt.
func (a *attempt) send(ctx context.Context) {
	l := a.links[0]
	a.inbox.expect()
	defer a.inbox.close()
	var got submitted
	if !a.step("submit_sm", l.mode, func(s *Step) (err error) {
		got, err = a.submit(ctx, s, l)
		return err
	}) || a.o.Wait <= 0 {
		return
	}
	a.step("receipt", a.links[len(a.links)-1].mode, func(s *Step) error { return a.receipt(ctx, s, got.id) })
}

func (a *attempt) submit(ctx context.Context, s *Step, l boundLink) (submitted, error) {
	m := message{text: a.o.Text}
	var err error
	m.pdu, m.plan, err = a.o.Link.Text.Sample(queue.Message{Priority: queue.Normal, To: a.o.To, From: a.o.From, Text: a.o.Text, ConcatRef: uint16(time.Now().UnixNano())}, l.info.Version)
	if err != nil {
		return submitted{}, fault(err, "text", "this text cannot be one submit_sm to this carrier", "give another --text: the probe sends one part")
	}
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	a.submitted = true
	got, err := l.Submit(ctx, &m)
	if err != nil {
		return got, sessionFault(err, "submit_sm", nil)
	}
	s.TookMS = milliseconds(got.took)
	s.Facts = map[string]any{"status": got.status.String(), "message_id": got.id, "encoding": m.plan.Encoding.String()}
	s.Detail = fmt.Sprintf("%v, message_id %q", got.status, got.id)
	switch {
	case got.status != pdu.StatusOK:
		return got, submitFault(fmt.Errorf("submit_sm refused: %v", got.status), got.status)
	case got.id == "":
		return got, fault(errors.New("submit_sm_resp without a message_id"), "no-id", "the carrier took the message and named no id, so no receipt can ever be matched", "ask the carrier to send message ids for this account")
	}
	return got, nil
}

// receipt waits for the receipt of id. Others are handed back.
func (a *attempt) receipt(ctx context.Context, s *Step, id string) error {
	waiting, cancel := context.WithTimeout(ctx, a.o.Wait)
	defer cancel()
	early, strange := "", ""
	for {
		d, err := a.inbox.next(waiting)
		if err != nil {
			return a.noReceipt(ctx, s, early, strange)
		}
		report, err := dlr.ParseReceipt(d.notice)
		raw := string(d.notice.Octets)
		m, ours := match(id, &report, a.o.Link.Submit, a.o.Link.Receipt)
		switch {
		case ours:
			d.link.Answer(d, pdu.StatusOK)
		default:
			if d.notice.IsReceipt() && d.from == strings.TrimPrefix(a.o.To, "+") {
				strange = raw
			}
			a.inbox.refuse(d)
			continue
		}
		if err == nil && !report.Final {
			early = fmt.Sprintf("%v: %s", report.State, raw)
			s.Facts = m.facts(id, raw)
			continue
		}
		s.Facts = m.facts(id, raw)
		s.Detail = fmt.Sprintf("%v; %s, message_id: %s fits; raw %q", report.State, m.says, m.fits, raw)
		return m.fault(a.o.Link.Submit, a.o.Link.Receipt)
	}
}

// noReceipt is the end of waiting.
func (a *attempt) noReceipt(ctx context.Context, s *Step, early, strange string) error {
	err := fmt.Errorf("none within %v", a.o.Wait)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !a.links[len(a.links)-1].Alive():
		return fault(errors.New("the connection ended while the receipt was waited for"), "closed", "the carrier ended the connection", "ask the carrier why")
	case early != "":
		s.Note = "no final receipt within " + a.o.Wait.String() + ": the handset may be off"
		s.Detail = early
		return nil
	case strange != "":
		s.Facts = map[string]any{"raw": strange}
		s.Detail = fmt.Sprintf("one for this recipient came, with another id: %q", strange)
		return fault(err, "id-unmatched", "the carrier reports under an id that no rule leads back to the submit's", "show the carrier both ids; without a rule receipts cannot be matched (it may also be the receipt of another message to this number)")
	}
	return fault(err, "no-receipt", "no receipt came: the handset may be off, receipts may not be enabled for the account, or the carrier sends them to another bind", "try a handset that is on, or a longer --wait; ask the carrier whether delivery receipts are enabled; stop other binds of the account for the test")
}

// matched is how the id of a receipt leads to the submit's.
type matched struct {
	id, says string // the receipt's id; in words
	fits     string // the setting of message_id
	set      bool   // the carrier's present setting fits
}

func (m *matched) facts(id, raw string) map[string]any {
	return map[string]any{"raw": raw, "receipt_id": m.id, "submit_id": id, "habit": m.says, "message_id": m.fits, "configured": m.set}
}

func (m *matched) fault(submit, receipt dlr.IDForm) error {
	if m.set {
		return nil
	}
	return fault(errors.New("the configured message_id does not match"), "id-setting", "the receipt is this message's, but with the configuration's message_id the gateway would not find it", "set message_id: "+m.fits)
}

// match finds whether a receipt is about id, by any habit that is known.
func match(id string, r *dlr.Report, submit, receipt dlr.IDForm) (matched, bool) {
	for _, named := range [][]byte{r.TLVID, r.TextID} {
		if named == nil {
			continue
		}
		m := matched{id: string(named), set: leads(string(named), id, submit, receipt)}
		for _, reading := range dlr.AppendReadings(nil, m.id, dlr.Auto, dlr.Auto) {
			if reading.ID != dlr.Normal(id) {
				continue
			}
			m.says, m.fits = habit(id, m.id, reading.Rule)
			return m, true
		}
		if m.set {
			m.says, m.fits = "the ids match by the configured forms", "what is set"
			return m, true
		}
	}
	return matched{}, false
}

// leads tells whether the forms lead from a receipt's id to the submit's.
func leads(named, id string, submit, receipt dlr.IDForm) bool {
	for _, reading := range dlr.AppendReadings(nil, named, submit, receipt) {
		if reading.ID == submit.Normal(id) {
			return true
		}
	}
	return false
}

// habit puts the difference between the ids into words, and names the setting.
func habit(id, named string, rule dlr.Rule) (says, fits string) {
	switch {
	case rule == dlr.DecimalToHex:
		return "the submit's id is hex, the receipt's the same number in decimal", "{submit: hex, receipt: decimal}"
	case rule == dlr.HexToDecimal:
		return "the submit's id is decimal, the receipt's the same number in hex", "{submit: decimal, receipt: hex}"
	case id == named:
		return "both ids are the same text", "auto"
	case strings.EqualFold(id, named):
		return "the ids differ in upper and lower case", "auto"
	case len(id) != len(named) && strings.TrimLeft(id, "0") == strings.TrimLeft(named, "0"):
		return "the ids differ in leading zeros", "auto"
	}
	return "the ids differ in case and leading zeros", "auto"
}
