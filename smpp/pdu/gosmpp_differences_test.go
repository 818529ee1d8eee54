package pdu_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"

	"bindery/smpp/pdu"
)

// difference is one in which go-smpp (at the version in go.mod) and this
// package do not agree, for a reason.
type difference struct {
	name   string
	reason string
	kinds  []string // of complaint that it explains
	when   func(c *complaint) bool
	// example is a PDU that shows it; empty where big makes one.
	example string
	big     func() []byte
}

func (d *difference) covers(c complaint) bool {
	return slices.Contains(d.kinds, c.kind) && d.when(&c)
}

// is tells whether the PDU is of a struct.
func is[T pdu.PDU](c *complaint) bool {
	_, ok := c.p.(T)
	return ok
}

// refusal is a response with an error status.
func refusal(c *complaint) bool {
	h := c.p.Head()
	return h.ID.IsResponse() && h.Status != pdu.StatusOK
}

func noBody(c *complaint) bool {
	switch p := c.p.(type) {
	case *pdu.SubmitSMResp:
		return p.MessageID == nil
	case *pdu.BindResp:
		return p.SystemID == nil
	case *pdu.QuerySMResp:
		return p.MessageID == nil
	case *pdu.SubmitMultiResp:
		return p.MessageID == nil
	}
	return false
}

func headerOnly(c *complaint) bool {
	return is[*pdu.Unbind](c) || is[*pdu.UnbindResp](c) || is[*pdu.EnquireLink](c) || is[*pdu.EnquireLinkResp](c) || is[*pdu.GenericNack](c)
}

func repeatedTag(c *complaint) bool {
	seen := map[pdu.Tag]bool{}
	for _, t := range tlvsOf(c.p) {
		if seen[t.Tag] {
			return true
		}
		seen[t.Tag] = true
	}
	return false
}

// differences is the one list. Where nothing else is said the fault is theirs,
// and this package does as the spec has it.
var differences = []difference{
	{
		name:   "operations that it does not have",
		reason: "its Decode knows data_sm, cancel_sm, replace_sm, outbind and alert_notification by name only",
		kinds:  []string{weTake},
		when: func(c *complaint) bool {
			return is[*pdu.DataSM](c) || is[*pdu.DataSMResp](c) || is[*pdu.CancelSM](c) || is[*pdu.CancelSMResp](c) ||
				is[*pdu.ReplaceSM](c) || is[*pdu.ReplaceSMResp](c) || is[*pdu.Outbind](c) || is[*pdu.AlertNotification](c) || is[*pdu.Unknown](c)
		},
		example: "00000010 80000008 00000000 00000001",
	},
	{
		name:    "what is cut short is taken",
		reason:  "its field reader stops at the end of the octets without an error: what is missing is nil or zero",
		kinds:   []string{theyTake},
		when:    cutShort,
		example: "00000012 00000004 00000000 00000001 0000",
	},
	{
		name:   "4,096 octets",
		reason: "it refuses a larger command_length; a message_payload may have 64 KiB (§5.3.2.32)",
		kinds:  []string{weTake},
		when:   func(c *complaint) bool { return len(c.frame) > 4096 },
		big: func() []byte {
			b, _ := (&pdu.SubmitSM{TLVs: pdu.TLVs{{Tag: pdu.TagMessagePayload, Value: make([]byte, 4096)}}}).AppendTo(nil)
			return b
		},
	},
	{
		name:    "a body where there should be none",
		reason:  "it reads it as TLVs, keeps or refuses them; here the frame is enough (some peers put a NUL)",
		kinds:   []string{weTake, tlvKind, againKind},
		when:    func(c *complaint) bool { return headerOnly(c) && len(c.frame) > pdu.HeaderLen },
		example: "00000015 00000015 00000000 00000001 1400 0001 41",
	},
	{
		name:    "a refusal with a broken body",
		reason:  "here the status is the answer, and what of the body can be read is there; there the PDU is lost, or its fields are",
		kinds:   []string{weTake, fieldKind, tlvKind, againKind},
		when:    brokenRefusal,
		example: "00000015 80000004 00000058 00000001 00 0427 0004",
	},
	{
		name:    "a refusal without a body",
		reason:  "it writes the body's first fields all the same, which a refusal does not have (§4.1.2, §4.4.2)",
		kinds:   []string{againKind, writeKind},
		when:    func(c *complaint) bool { return refusal(c) && noBody(c) },
		example: "00000010 80000004 00000058 00000001",
	},
	{
		name:    "a tag twice",
		reason:  "it keeps TLVs in a map: of several with a tag (§5.3.2.36 allows callback_num more than once) the last stays",
		kinds:   []string{tlvKind, againKind, writeKind},
		when:    repeatedTag,
		example: "0000001b 80000004 00000000 00000001 00 1400 0001 41 1400 0001 42",
	},
	{
		name:    "the order of TLVs",
		reason:  "it writes the map in any order",
		kinds:   []string{againKind, writeKind},
		when:    func(c *complaint) bool { return len(tlvsOf(c.p)) > 1 && len(c.theirs) == len(c.ours) },
		example: "00000025 80000004 00000000 00000001 00 1400 0001 41 1401 0001 42 1402 0001 43 1403 0001 44",
	},
	{
		name:    "deliver_sm is written with an octet too many",
		reason:  "it has the length of a user data header as a field of its own, and writes it, 0, where there is none: no peer can read it",
		kinds:   []string{againKind, writeKind},
		when:    octetTooMany,
		example: "00000023 00000005 00000000 00000001 00 0000 00 0000 00 000000 00 00 00000000 02 4142",
	},
	{
		name:    "deliver_sm with a user data header",
		reason:  "it takes the header out of short_message, changes sm_length, and refuses what is no header; here the octets stay together",
		kinds:   []string{weTake, theyTake, fieldKind, tlvKind},
		when:    func(c *complaint) bool { return udhi(c) && c.in(pdufield.SMLength, pdufield.ShortMessage) },
		example: "00000028 00000005 00000000 00000001 00 0000 00 0000 00 400000 00 00 00000000 07 050003070201 41",
	},
	{
		name:   "query_sm_resp: message_state and error_code",
		reason: "it reads these octets as strings with a NUL, and what follows with them",
		kinds:  []string{weTake, theyTake, fieldKind, tlvKind, againKind},
		when: func(c *complaint) bool {
			return is[*pdu.QuerySMResp](c) && c.in(pdufield.MessageState, pdufield.ErrorCode)
		},
		example: "00000018 80000003 00000000 00000004 6161303100 00 02 1b",
	},
	{
		name:   "submit_multi: distribution lists",
		reason: "it reads TON and NPI from the name of a list, which has none (§4.5.1.3), and takes any dest_flag",
		kinds:  []string{weTake, theyTake, fieldKind, tlvKind, againKind, writeKind},
		when:   func(c *complaint) bool { return hasList(c) || faultOf(c).Field == "dest_flag" },
		example: `00000029 00000021 00000000 00000001 00 0000 00
			02 01 0101 3100 02 76697000
			000000 00 00 00000000 00`,
	},
	{
		name:   "submit_multi_resp: error_status_code",
		reason: "it writes a NUL behind it unless it ends with one",
		kinds:  []string{fieldKind, againKind, writeKind},
		when: func(c *complaint) bool {
			p, ok := c.p.(*pdu.SubmitMultiResp)
			return ok && len(p.Unsuccess) > 0 && c.in(pdufield.UnsuccessSme)
		},
		example: "00000019 80000021 00000000 00000001 00 01 0000 00 0000000b",
	},
	{
		name:    "submit_multi_resp: a cut error_status_code",
		reason:  "its String takes four octets for granted, and panics",
		kinds:   []string{panicKind},
		when:    func(c *complaint) bool { return is[*pdu.SubmitMultiResp](c) && (cutShort(c) || brokenRefusal(c)) },
		example: "00000017 80000021 00000000 00000001 00 01 0000 00 0000",
	},
}

// in tells whether the complaint is of no field, or of one of these.
func (c *complaint) in(fields ...pdufield.Name) bool {
	return c.field == "" || slices.Contains(fields, c.field)
}

func udhi(c *complaint) bool {
	p, ok := c.p.(*pdu.DeliverSM)
	return ok && p.ESMClass&pdu.ESMClassUDHI != 0
}

// octetTooMany: theirs is ours with a 0 behind sm_length, or, where what they
// read is in pieces or TLVs have no order, just another.
func octetTooMany(c *complaint) bool {
	p, ok := c.p.(*pdu.DeliverSM)
	if !ok || udhi(c) || len(p.TLVs) > 1 {
		return ok
	}
	at := len(c.ours) - len(p.ShortMessage)
	for _, t := range p.TLVs {
		at -= 4 + len(t.Value)
	}
	want := slices.Insert(slices.Clone(c.ours), at, 0)
	setLength(want, len(want))
	return slices.Equal(want, c.theirs)
}

// faultOf is the fault that we found.
func faultOf(c *complaint) *pdu.Error {
	var e *pdu.Error
	if errors.As(c.err, &e) {
		return e
	}
	return &pdu.Error{}
}

// cutShort: the PDU ends within its mandatory part.
func cutShort(c *complaint) bool {
	e := faultOf(c)
	return strings.HasPrefix(e.Reason, "the PDU ends before") || e.Field == "error_status_code"
}

// brokenRefusal: it would be a fault without the error status.
func brokenRefusal(c *complaint) bool {
	if !refusal(c) {
		return false
	}
	accepted := bytes.Clone(c.frame)
	clear(accepted[8:12])
	return pdu.New(c.p.Head().ID).Decode(accepted) != nil
}

func hasList(c *complaint) bool {
	p, ok := c.p.(*pdu.SubmitMulti)
	return ok && slices.ContainsFunc(p.Destinations, func(d pdu.Destination) bool { return d.Flag != pdu.DestFlagSME })
}

// Every difference still is one, and its row covers it: a row that is no longer
// needed goes.
func TestDifferencesFromGoSMPP(t *testing.T) {
	for _, d := range differences {
		t.Run(d.name, func(t *testing.T) {
			frame := octets(t, d.example)
			if d.big != nil {
				frame = d.big()
			}
			occurs := false
			for range 100 { // the order of a map is right by chance at times
				list := compare(frame)
				if s := unexplained(list); s != "" {
					t.Fatal(s)
				}
				if occurs = slices.ContainsFunc(list, d.covers); occurs {
					break
				}
			}
			if !occurs {
				t.Errorf("there is no such difference any more: %v", compare(frame))
			}
		})
	}
}
