package smsctest

import (
	"time"

	"bindery/smpp/pdu"
)

// Receipts says which receipts follow a message that was taken.
type Receipts struct {
	When  Timing
	Delay Span // After: from the answer; Before: from the receipt to the answer
	// Unasked sends them whatever registered_delivery asks for.
	Unasked bool
	Lose    float64 // 0..1: messages that get none
	States  []StateShare
	// Decide, when set, gives the final state (pdu.MessageState…) instead of
	// States; 0: no receipt. It must not call the SMSC.
	Decide       func(dest []byte) uint8
	Intermediate []uint8 // states told before the final one
	Repeat       int     // times that the final one is told again
	Spacing      Span    // between the receipts of one message

	Bind    BindChoice
	Form    ReceiptForm
	Zone    *time.Location // of the dates in the text; default UTC
	Echo    bool           // user_message_reference comes back
	Format  func(dst []byte, r Receipt) []byte
	Window  int           // unanswered deliver_sm a bind; default 500, negative: no limit
	Retry   Span          // until one refused is sent again; default 1 s
	Timeout time.Duration // until one unanswered is sent again; 0: never, while the bind lives
}

// Timing is when a receipt is sent.
type Timing int

const (
	None   Timing = iota
	Before        // before the response
	With          // right behind the response, in the same write
	After         // Delay after the response
)

// StateShare is the part of the messages (0..1) that end in a state; the rest
// is delivered.
type StateShare struct {
	State uint8 // pdu.MessageState…
	Share float64
}

// BindChoice is the bind that gets a receipt. A bind that is gone or cannot
// receive is passed over for the next that can; with none, receipts wait.
type BindChoice int

const (
	SameBind   BindChoice = iota // that by which the message came
	AnyBind                      // by chance
	RoundRobin                   // in turn
	OtherBind                    // not that by which the message came, where there is another
)

// ReceiptForm is how a receipt is put into a PDU.
type ReceiptForm int

const (
	TextForm    ReceiptForm = iota // deliver_sm, in short_message
	TLVForm                        // the same, and receipted_message_id, message_state
	TLVOnlyForm                    // deliver_sm with these TLVs and no text
	PayloadForm                    // deliver_sm, the text in message_payload
	DataSMForm                     // data_sm, the text in message_payload
)

// Receipt is what Receipts.Format is to write. Octets are valid until it
// returns.
type Receipt struct {
	ID        []byte // in the receipts' form
	State     uint8
	Submitted time.Time
	Done      time.Time
	Text      []byte // the message's first 20 octets
}

// StateText is the spec's seven letters for a message_state (SMPP 3.4
// Appendix B).
func StateText(state uint8) string {
	switch state {
	case pdu.MessageStateEnroute:
		return "ENROUTE"
	case pdu.MessageStateDelivered:
		return "DELIVRD"
	case pdu.MessageStateExpired:
		return "EXPIRED"
	case pdu.MessageStateDeleted:
		return "DELETED"
	case pdu.MessageStateUndeliverable:
		return "UNDELIV"
	case pdu.MessageStateAccepted:
		return "ACCEPTD"
	case pdu.MessageStateRejected:
		return "REJECTD"
	default:
		return "UNKNOWN"
	}
}

// errorCode is the err: of a state that has no other.
func errorCode(state uint8) string {
	switch state {
	case pdu.MessageStateDelivered, pdu.MessageStateEnroute, pdu.MessageStateAccepted:
		return "000"
	case pdu.MessageStateExpired:
		return "027"
	case pdu.MessageStateRejected:
		return "033"
	default:
		return "001"
	}
}

// dates writes YYMMDDhhmm and remembers the last minute that it wrote.
type dates struct {
	minute int64
	text   [10]byte
}

func (d *dates) append(dst []byte, t time.Time, zone *time.Location) []byte {
	if m := t.Unix() / 60; m != d.minute || d.text[0] == 0 {
		d.minute = m
		t.In(orDefault(zone, time.UTC)).AppendFormat(d.text[:0], "0601021504")
	}
	return append(dst, d.text[:]...)
}

// appendReceipt writes the text of SMPP 3.4 Appendix B.
func (s *SMSC) appendReceipt(dst []byte, r Receipt) []byte {
	zone := s.opt.Receipts.Zone
	delivered := "000"
	if r.State == pdu.MessageStateDelivered {
		delivered = "001"
	}
	dst = append(append(dst, "id:"...), r.ID...)
	dst = append(append(dst, " sub:001 dlvrd:"...), delivered...)
	dst = s.wire.submitted.append(append(dst, " submit date:"...), r.Submitted, zone)
	dst = s.wire.done.append(append(dst, " done date:"...), r.Done, zone)
	dst = append(append(dst, " stat:"...), StateText(r.State)...)
	dst = append(append(dst, " err:"...), errorCode(r.State)...)
	return append(append(dst, " text:"...), r.Text...)
}
