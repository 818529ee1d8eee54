package dlr

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// Notice is what a deliver_sm or data_sm says, as far as a receipt is read
// from it. The octets alias the PDU.
type Notice struct {
	ESMClass uint8
	// Octets of short_message, or of message_payload when that is empty.
	// They are read as ASCII whatever data_coding says: that is a copy of the
	// data_coding of the message reported on.
	Octets       []byte
	MessageID    []byte // receipted_message_id; nil: absent
	State        uint8  // message_state, if HasState
	HasState     bool
	NetworkError []byte // network_error_code, three octets; nil: absent
}

// Message types in bits 5 to 2 of esm_class (SMPP 3.4 §5.2.12).
const (
	esmType         = 0x3C
	esmReceipt      = 0x04
	esmIntermediate = 0x20
)

// IsReceipt tells receipts from messages of handsets: by esm_class, or by
// receipted_message_id, which has a place in receipts only. Never by the text,
// which a handset could write too.
func (n *Notice) IsReceipt() bool {
	return n.ESMClass&esmReceipt != 0 && n.ESMClass&esmType&^(esmReceipt|esmIntermediate) == 0 ||
		n.Intermediate() || idOf(n.MessageID) != nil
}

// Intermediate tells a notification about one attempt, after which the SMSC
// goes on trying (SMPP 3.4 §2.11.1): no state in it is a final one.
func (n *Notice) Intermediate() bool { return n.ESMClass&esmType == esmIntermediate }

// Report is a receipt as parsed. Its slices alias the Notice.
type Report struct {
	TLVID  []byte // of receipted_message_id; nil: none
	TextID []byte // of the text's id; nil: none
	State  State
	Final  bool
	// As sent; nil where the receipt has no such field.
	Err          []byte
	Sub, Dlvrd   []byte
	SubmitDate   []byte // for ParseDate
	DoneDate     []byte
	NetworkError []byte
	Text         []byte // in the carrier's default alphabet
}

// ErrUnparsed is wrapped by the errors of ParseReceipt.
var ErrUnparsed = errors.New("receipt cannot be parsed")

var (
	errNoID    = fmt.Errorf("%w: it names no message id", ErrUnparsed)
	errNoState = fmt.Errorf("%w: it names no state that is known", ErrUnparsed)
)

// ParseReceipt reads a receipt. Appendix B of SMPP 3.4 gives the layout as an
// example only, so the fields may stand in any order and case, none but id and
// state is needed, and TLVs go before the text. An error, which wraps
// ErrUnparsed, says that the receipt can change no message; what could be read
// is answered with it.
func ParseReceipt(n Notice) (Report, error) {
	octets := narrow(n.Octets)
	var f fields
	f.read(octets, n.needs())
	r := Report{
		TLVID: idOf(n.MessageID), TextID: idOf(f[fieldID]),
		Err: f[fieldErr], Sub: f[fieldSub], Dlvrd: f[fieldDlvrd],
		SubmitDate: f[fieldSubmitDate], DoneDate: f[fieldDoneDate], Text: f[fieldText],
		NetworkError: n.NetworkError,
	}
	if n.HasState {
		r.State = StateOf(n.State)
	}
	if r.State == NoState {
		r.State = ParseState(f[fieldStat])
	}
	r.Final = r.State.Final() && !n.Intermediate()
	if f.none() && len(octets) > 0 {
		r.Text = octets // nothing of Appendix B in it: all of it is text
	}
	switch {
	case r.TLVID == nil && r.TextID == nil:
		return r, errNoID
	case r.State == NoState:
		return r, errNoState
	}
	return r, nil
}

// needs are the fields without which the receipt would say nothing.
func (n *Notice) needs() (need [2]bool) {
	need[needID] = idOf(n.MessageID) == nil
	need[needStat] = !n.HasState || StateOf(n.State) == NoState
	return need
}

// Receipt is the report as the carrier's home takes it: to is the recipient's
// digits, at when it reached us. It keeps nothing of the PDU: its strings are
// c's.
func (r *Report) Receipt(c *Copies, to []byte, at time.Time) Receipt {
	rc := Receipt{Status: r.State.Status(), Code: c.text(r.code()), To: c.text(to), At: at}
	if !r.Final {
		rc.Status = NoState.Status()
	}
	second := r.TextID
	if bytes.Equal(r.TLVID, second) {
		second = nil
	}
	rc.IDs = c.list(r.TLVID, second)
	return rc
}

// code is the err of the text as sent, else network_error_code in hex digits.
// Zeros of what was delivered are no error.
func (r *Report) code() []byte {
	code := r.Err
	if code == nil && len(r.NetworkError) == 3 {
		code = fmt.Appendf(nil, "%x", r.NetworkError)
	}
	if r.State == Delivered && len(bytes.Trim(code, "0")) == 0 {
		return nil
	}
	return code
}

// maxID bounds an id. SMPP 3.4 §5.2.23 has 64 octets; some carriers go past it.
const maxID = 255

// idOf ends at the first NUL, if there is one. nil for what is empty, or
// longer than any carrier's ids are.
func idOf(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	if b = bytes.TrimSpace(b); len(b) == 0 || len(b) > maxID {
		return nil
	}
	return b
}

// narrow reads a receipt that is in UCS-2 itself: every other octet is 0. An
// octet that is none is kept out of the way as "?", since no field has it.
func narrow(octets []byte) []byte {
	if len(octets) < 4 || octets[0] != 0 || octets[2] != 0 || octets[1] == 0 {
		return octets
	}
	out := make([]byte, len(octets)/2)
	for i := range out {
		out[i] = octets[2*i+1]
		if octets[2*i] != 0 {
			out[i] = '?'
		}
	}
	return out
}
