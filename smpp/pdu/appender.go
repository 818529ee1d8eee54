package pdu

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// appender writes one PDU behind what dst holds. The first fault is kept and
// spoils the PDU; finish then gives dst back as it was.
type appender struct {
	dst     []byte
	start   int
	command CommandID
	err     *Error
}

// begin appends a header whose command_length finish fills in.
func begin(dst []byte, id CommandID, h *Header) appender {
	a := appender{dst: dst, start: len(dst), command: id}
	var b [HeaderLen]byte
	binary.BigEndian.PutUint32(b[4:], uint32(id))
	binary.BigEndian.PutUint32(b[8:], uint32(h.Status))
	binary.BigEndian.PutUint32(b[12:], h.Sequence)
	a.dst = append(a.dst, b[:]...)
	return a
}

func (a *appender) finish() ([]byte, error) {
	if a.err != nil {
		return a.dst[:a.start], a.err
	}
	binary.BigEndian.PutUint32(a.dst[a.start:], uint32(len(a.dst)-a.start))
	return a.dst, nil
}

func (a *appender) fail(field string, status CommandStatus, reason string) {
	if a.err == nil {
		a.err = &Error{Command: a.command, Field: field, Offset: -1, Status: status, Reason: reason}
	}
}

// cstring appends s and its NUL; limit is in octets, without the NUL.
func (a *appender) cstring(field string, s []byte, limit int, status CommandStatus) {
	if len(s) == 0 {
		a.dst = append(a.dst, 0)
		return
	}
	a.text(field, s, limit, status)
}

// text is cstring for what is not empty, apart so that cstring is inlined:
// most strings of a PDU are empty.
func (a *appender) text(field string, s []byte, limit int, status CommandStatus) {
	if len(s) > limit || bytes.IndexByte(s, 0) >= 0 {
		a.failString(field, s, limit, status)
		return
	}
	a.dst = append(append(a.dst, s...), 0)
}

// failString says what is wrong with s without quoting it: it may be a
// password or somebody's number.
func (a *appender) failString(field string, s []byte, limit int, status CommandStatus) {
	if len(s) > limit {
		a.fail(field, status, fmt.Sprintf("%d octets, at most %d are allowed", len(s), limit))
		return
	}
	a.fail(field, status, "it contains a NUL")
}

// address appends TON, NPI and the address of the named field.
func (a *appender) address(field string, v *Address, limit int, status CommandStatus) {
	a.dst = append(a.dst, v.TON, v.NPI)
	a.cstring(field, v.Addr, limit, status)
}

// number says in the error, of the i-th of a list, which it is, counted from 1.
func (a *appender) number(what string, i int) {
	a.err.Reason = fmt.Sprintf("%s %d: %s", what, i+1, a.err.Reason)
}

// time appends an SMPP time (§7.1.1), which is empty or 16 octets.
func (a *appender) time(field string, s []byte, status CommandStatus) {
	if len(s) != 0 && len(s) != timeLen {
		a.fail(field, status, fmt.Sprintf("%d octets, a time has none or %d", len(s), timeLen))
		return
	}
	a.cstring(field, s, timeLen, status)
}

// shortMessage appends sm_length and short_message.
func (a *appender) shortMessage(s []byte, tlvs TLVs) {
	if len(s) > maxShortMessage {
		a.fail("short_message", StatusInvMsgLen, fmt.Sprintf("%d octets, at most %d are allowed", len(s), maxShortMessage))
		return
	}
	if len(s) > 0 && len(tlvs) > 0 {
		if _, both := tlvs.Get(TagMessagePayload); both {
			a.fail("short_message", StatusInvMsgLen, "message_payload is there too, one of both is allowed")
			return
		}
	}
	a.dst = append(append(a.dst, byte(len(s))), s...)
}

func (a *appender) tlvs(list TLVs) {
	for i := range list {
		t := &list[i]
		if len(t.Value) > maxTLVValue {
			a.fail(t.Tag.String(), StatusInvParLen, fmt.Sprintf("%d octets, at most %d are allowed", len(t.Value), maxTLVValue))
			return
		}
		n := len(t.Value)
		a.dst = append(a.dst, byte(t.Tag>>8), byte(t.Tag), byte(n>>8), byte(n))
		a.dst = append(a.dst, t.Value...)
	}
}
