package pdu_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"bindery/smpp/pdu"
)

// Every limit, one octet over it: the error names the field, dst stays, and
// the value at the limit passes.
func TestAppendToLimits(t *testing.T) {
	text := func(n int) []byte { return bytes.Repeat([]byte("x"), n) }
	submit := func(set func(p *pdu.SubmitSM, b []byte)) func([]byte) pdu.PDU {
		return func(b []byte) pdu.PDU {
			p := &pdu.SubmitSM{}
			set(p, b)
			return p
		}
	}
	bind := func(set func(p *pdu.Bind, b []byte)) func([]byte) pdu.PDU {
		return func(b []byte) pdu.PDU {
			p := &pdu.Bind{Header: header(pdu.BindTransceiver, 0, 1)}
			set(p, b)
			return p
		}
	}
	list := func(d ...pdu.Destination) pdu.PDU { return &pdu.SubmitMulti{Destinations: d} }
	good := pdu.Destination{Flag: pdu.DestFlagSME}
	tests := []struct {
		field  string
		limit  int
		status pdu.CommandStatus
		octets bool // any octet may stand in it
		make   func([]byte) pdu.PDU
	}{
		{"service_type", 5, pdu.StatusInvSerTyp, false, submit(func(p *pdu.SubmitSM, b []byte) { p.ServiceType = b })},
		{"source_addr", 20, pdu.StatusInvSrcAdr, false, submit(func(p *pdu.SubmitSM, b []byte) { p.Source.Addr = b })},
		{"destination_addr", 20, pdu.StatusInvDstAdr, false, submit(func(p *pdu.SubmitSM, b []byte) { p.Destination.Addr = b })},
		{"schedule_delivery_time", 16, pdu.StatusInvSched, false, submit(func(p *pdu.SubmitSM, b []byte) { p.ScheduleDeliveryTime = b })},
		{"validity_period", 16, pdu.StatusInvExpiry, false, submit(func(p *pdu.SubmitSM, b []byte) { p.ValidityPeriod = b })},
		{"short_message", 254, pdu.StatusInvMsgLen, true, submit(func(p *pdu.SubmitSM, b []byte) { p.ShortMessage = b })},
		{"message_payload", 65535, pdu.StatusInvParLen, true, submit(func(p *pdu.SubmitSM, b []byte) {
			p.TLVs = pdu.TLVs{{Tag: pdu.TagMessagePayload, Value: b}}
		})},
		{"message_id", 64, pdu.StatusInvMsgID, false, func(b []byte) pdu.PDU { return &pdu.SubmitSMResp{MessageID: b} }},
		{"message_id", 64, pdu.StatusInvMsgID, false, func(b []byte) pdu.PDU { return &pdu.DeliverSMResp{MessageID: b} }},
		{"message_id", 64, pdu.StatusInvMsgID, false, func(b []byte) pdu.PDU { return &pdu.DataSMResp{MessageID: b} }},
		{"source_addr", 64, pdu.StatusInvSrcAdr, false, func(b []byte) pdu.PDU { return &pdu.DataSM{Source: pdu.Address{Addr: b}} }},
		{"destination_addr", 64, pdu.StatusInvDstAdr, false, func(b []byte) pdu.PDU { return &pdu.DataSM{Destination: pdu.Address{Addr: b}} }},
		{"service_type", 5, pdu.StatusInvSerTyp, false, func(b []byte) pdu.PDU { return &pdu.DataSM{ServiceType: b} }},
		{"short_message", 254, pdu.StatusInvMsgLen, true, func(b []byte) pdu.PDU { return &pdu.DeliverSM{ShortMessage: b} }},
		{"system_id", 15, pdu.StatusInvSysID, false, bind(func(p *pdu.Bind, b []byte) { p.SystemID = b })},
		{"password", 8, pdu.StatusInvPaswd, false, bind(func(p *pdu.Bind, b []byte) { p.Password = b })},
		{"system_type", 12, pdu.StatusInvSysTyp, false, bind(func(p *pdu.Bind, b []byte) { p.SystemType = b })},
		{"address_range", 40, pdu.StatusBindFail, false, bind(func(p *pdu.Bind, b []byte) { p.AddressRange.Addr = b })},
		{"system_id", 15, pdu.StatusInvSysID, false, func(b []byte) pdu.PDU {
			return &pdu.BindResp{Header: header(pdu.CommandBindReceiverResp, 0, 1), SystemID: b}
		}},
		{"system_id", 15, pdu.StatusInvSysID, false, func(b []byte) pdu.PDU { return &pdu.Outbind{SystemID: b} }},
		{"password", 8, pdu.StatusInvPaswd, false, func(b []byte) pdu.PDU { return &pdu.Outbind{Password: b} }},
		{"source_addr", 64, pdu.StatusInvSrcAdr, false, func(b []byte) pdu.PDU { return &pdu.AlertNotification{Source: pdu.Address{Addr: b}} }},
		{"esme_addr", 64, pdu.StatusInvDstAdr, false, func(b []byte) pdu.PDU { return &pdu.AlertNotification{ESME: pdu.Address{Addr: b}} }},
		{"message_id", 64, pdu.StatusInvMsgID, false, func(b []byte) pdu.PDU { return &pdu.QuerySM{MessageID: b} }},
		{"source_addr", 20, pdu.StatusInvSrcAdr, false, func(b []byte) pdu.PDU { return &pdu.QuerySM{Source: pdu.Address{Addr: b}} }},
		{"message_id", 64, pdu.StatusInvMsgID, false, func(b []byte) pdu.PDU { return &pdu.QuerySMResp{MessageID: b} }},
		{"final_date", 16, pdu.StatusQueryFail, false, func(b []byte) pdu.PDU { return &pdu.QuerySMResp{FinalDate: b} }},
		{"service_type", 5, pdu.StatusInvSerTyp, false, func(b []byte) pdu.PDU { return &pdu.CancelSM{ServiceType: b} }},
		{"message_id", 64, pdu.StatusInvMsgID, false, func(b []byte) pdu.PDU { return &pdu.CancelSM{MessageID: b} }},
		{"source_addr", 20, pdu.StatusInvSrcAdr, false, func(b []byte) pdu.PDU { return &pdu.CancelSM{Source: pdu.Address{Addr: b}} }},
		{"destination_addr", 20, pdu.StatusInvDstAdr, false, func(b []byte) pdu.PDU { return &pdu.CancelSM{Destination: pdu.Address{Addr: b}} }},
		{"message_id", 64, pdu.StatusInvMsgID, false, func(b []byte) pdu.PDU { return &pdu.ReplaceSM{MessageID: b} }},
		{"source_addr", 20, pdu.StatusInvSrcAdr, false, func(b []byte) pdu.PDU { return &pdu.ReplaceSM{Source: pdu.Address{Addr: b}} }},
		{"schedule_delivery_time", 16, pdu.StatusInvSched, false, func(b []byte) pdu.PDU { return &pdu.ReplaceSM{ScheduleDeliveryTime: b} }},
		{"validity_period", 16, pdu.StatusInvExpiry, false, func(b []byte) pdu.PDU { return &pdu.ReplaceSM{ValidityPeriod: b} }},
		{"short_message", 254, pdu.StatusInvMsgLen, true, func(b []byte) pdu.PDU { return &pdu.ReplaceSM{ShortMessage: b} }},
		{"destination_addr", 20, pdu.StatusInvDstAdr, false, func(b []byte) pdu.PDU {
			return list(good, pdu.Destination{Flag: pdu.DestFlagSME, Address: pdu.Address{Addr: b}})
		}},
		{"dl_name", 20, pdu.StatusInvDLName, false, func(b []byte) pdu.PDU {
			return list(good, pdu.Destination{Flag: pdu.DestFlagList, Address: pdu.Address{Addr: b}})
		}},
		{"number_of_dests", 254, pdu.StatusInvNumDests, true, func(b []byte) pdu.PDU {
			return &pdu.SubmitMulti{Destinations: slices.Repeat([]pdu.Destination{good}, len(b))}
		}},
		{"no_unsuccess", 255, pdu.StatusInvNumDests, true, func(b []byte) pdu.PDU { return &pdu.SubmitMultiResp{Unsuccess: make([]pdu.UnsuccessSME, len(b))} }},
		{"destination_addr", 20, pdu.StatusInvDstAdr, false, func(b []byte) pdu.PDU {
			return &pdu.SubmitMultiResp{Unsuccess: []pdu.UnsuccessSME{{}, {Address: pdu.Address{Addr: b}}}}
		}},
		{"message_id", 64, pdu.StatusInvMsgID, false, func(b []byte) pdu.PDU { return &pdu.SubmitMultiResp{MessageID: b} }},
		{"service_type", 5, pdu.StatusInvSerTyp, false, func(b []byte) pdu.PDU { return &pdu.SubmitMulti{Destinations: []pdu.Destination{good}, ServiceType: b} }},
		{"source_addr", 20, pdu.StatusInvSrcAdr, false, func(b []byte) pdu.PDU {
			return &pdu.SubmitMulti{Destinations: []pdu.Destination{good}, Source: pdu.Address{Addr: b}}
		}},
		{"schedule_delivery_time", 16, pdu.StatusInvSched, false, func(b []byte) pdu.PDU {
			return &pdu.SubmitMulti{Destinations: []pdu.Destination{good}, ScheduleDeliveryTime: b}
		}},
		{"validity_period", 16, pdu.StatusInvExpiry, false, func(b []byte) pdu.PDU {
			return &pdu.SubmitMulti{Destinations: []pdu.Destination{good}, ValidityPeriod: b}
		}},
		{"short_message", 254, pdu.StatusInvMsgLen, true, func(b []byte) pdu.PDU {
			return &pdu.SubmitMulti{Destinations: []pdu.Destination{good}, ShortMessage: b}
		}},
	}
	for _, tt := range tests {
		good := tt.make(text(tt.limit))
		if b, err := good.AppendTo(nil); err != nil {
			t.Errorf("%T.%s of %d octets: %v", good, tt.field, tt.limit, err)
		} else if _, err := new(pdu.Decoder).Decode(b); err != nil {
			t.Errorf("%T.%s of %d octets: %v", good, tt.field, tt.limit, err)
		}
		wrong := [][]byte{text(tt.limit + 1)}
		if !tt.octets {
			nul := text(tt.limit)
			nul[tt.limit/2] = 0
			wrong = append(wrong, nul)
		}
		for _, value := range wrong {
			b, err := tt.make(value).AppendTo([]byte("before"))
			var e *pdu.Error
			if !errors.As(err, &e) || e.Field != tt.field || e.Status != tt.status || e.Offset != -1 {
				t.Errorf("%T.%s of %d octets: %#v", good, tt.field, len(value), err)
			}
			if string(b) != "before" {
				t.Errorf("%T.%s: dst is %q", good, tt.field, b)
			}
			if err != nil && strings.Contains(err.Error(), "xx") {
				t.Errorf("the error quotes the value: %v", err)
			}
		}
	}
}

func TestAppendToRefuses(t *testing.T) {
	both := &pdu.SubmitSM{ShortMessage: []byte("a"), TLVs: pdu.TLVs{{Tag: pdu.TagMessagePayload, Value: []byte("b")}}}
	tests := []struct {
		name, want string
		pdu        pdu.PDU
	}{
		{"short_message and message_payload", "encode submit_sm: short_message: message_payload is there too, one of both is allowed", both},
		{"a time of 15 octets", "encode submit_sm: validity_period: 15 octets, a time has none or 16", &pdu.SubmitSM{ValidityPeriod: make([]byte, 15)}},
		{"no destination", "encode submit_multi: number_of_dests: 0 destinations, 1 to 254 are allowed", &pdu.SubmitMulti{}},
		{
			"a destination of no kind", "encode submit_multi: dest_flag: destination 2: it is 0, neither 1 (SME) nor 2 (list)",
			&pdu.SubmitMulti{Destinations: []pdu.Destination{{Flag: 1}, {}}},
		},
		{
			"a list with a TON", "encode submit_multi: dl_name: destination 1: a distribution list has neither TON nor NPI",
			&pdu.SubmitMulti{Destinations: []pdu.Destination{{Flag: 2, Address: pdu.Address{TON: 1}}}},
		},
		{
			"the third that was refused", "encode submit_multi_resp: destination_addr: unsuccess_sme 3: 21 octets, at most 20 are allowed",
			&pdu.SubmitMultiResp{Unsuccess: []pdu.UnsuccessSME{{}, {}, {Address: pdu.Address{Addr: make([]byte, 21)}}}},
		},
		{
			"a replacement in two places", "encode replace_sm: short_message: message_payload is there too, one of both is allowed",
			&pdu.ReplaceSM{ShortMessage: both.ShortMessage, TLVs: both.TLVs},
		},
		{"half a final_date", "encode query_sm_resp: final_date: 8 octets, a time has none or 16", &pdu.QuerySMResp{FinalDate: make([]byte, 8)}},
		{"a bind without a mode", "encode command 0x00000000: command_id: it is the id of no bind", &pdu.Bind{}},
		{"a bind with a response's id", "encode bind_receiver_resp: command_id: it is the id of no bind", &pdu.Bind{Header: header(pdu.CommandBindReceiverResp, 0, 1)}},
		{"a bind response with a request's id", "encode bind_receiver: command_id: it is the id of no bind response", &pdu.BindResp{Header: header(pdu.BindReceiver, 0, 1)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if b, err := tt.pdu.AppendTo(nil); len(b) != 0 || err == nil || err.Error() != tt.want {
				t.Errorf("%x, %v", b, err)
			}
		})
	}
}

// A PDU cut anywhere is an error or, behind its mandatory part, the same PDU
// without what was cut; never a PDU with zeros for what is missing.
func TestTruncation(t *testing.T) {
	for _, sample := range samples() {
		whole := encode(t, sample)
		// After an error status a broken body is left out on purpose.
		if len(whole) > 1000 || sample.Head().Status != pdu.StatusOK {
			continue
		}
		for n := range len(whole) {
			cut := bytes.Clone(whole[:n])
			if n >= 4 {
				setLength(cut, n)
			}
			var d pdu.Decoder
			p, err := d.Decode(cut)
			if err != nil {
				checkError(t, err, cut)
				continue
			}
			again, err := p.AppendTo(nil)
			if err != nil {
				t.Errorf("%s cut to %d: %v", sample.Head().ID, n, err)
			}
			// What may be dropped is less than a TLV's header; what may come
			// on top is the NUL of a response that had no body.
			more := 0
			if n == pdu.HeaderLen {
				more = 1
			}
			if !bytes.HasPrefix(again[16:], cut[16:min(len(cut), len(again))]) || len(cut)-len(again) > 3 || len(again)-len(cut) > more {
				t.Errorf("%s cut to %d decodes to\n%x from\n%x", sample.Head().ID, n, again, cut)
			}
		}
	}
}

func setLength(frame []byte, n int) {
	frame[0], frame[1], frame[2], frame[3] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
}

func checkError(t testing.TB, err error, frame []byte) {
	t.Helper()
	var e *pdu.Error
	if !errors.As(err, &e) {
		t.Errorf("%T: %v", err, err)
		return
	}
	if e.Field == "" || e.Reason == "" || e.Status == pdu.StatusOK || e.Status.Name() == "" || e.Offset < 0 || e.Offset > len(frame) {
		t.Errorf("%#v for %d octets", e, len(frame))
	}
}

func TestDecodeErrors(t *testing.T) {
	const body = "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 " // submit_sm up to sm_length
	tests := []struct {
		name, hex string
		into      pdu.PDU
		want      string
		status    pdu.CommandStatus
	}{
		{
			"a TLV longer than the rest", "00000027 00000004 00000000 00000001" + body + "00 0427 00ff 0200", &pdu.SubmitSM{},
			"decode submit_sm: message_state at octet 33: its length is 255, 2 octets are left", pdu.StatusInvOptParStream,
		},
		{
			"a vendor's TLV without its value", "00000025 00000004 00000000 00000001" + body + "00 1400 0001", &pdu.SubmitSM{},
			"decode submit_sm: tag 0x1400 at octet 33: its length is 1, 0 octets are left", pdu.StatusInvOptParStream,
		},
		{
			"sm_length over the rest", "00000023 00000005 00000000 00000001" + body + "ff 4142", &pdu.DeliverSM{},
			"decode deliver_sm: short_message at octet 33: sm_length is 255, 2 octets are left", pdu.StatusInvMsgLen,
		},
		{
			"no sm_length", "00000020 00000004 00000000 00000001" + body, &pdu.SubmitSM{},
			"decode submit_sm: sm_length at octet 32: the PDU ends before it", pdu.StatusInvCmdLen,
		},
		{
			"no NUL", "00000013 80000004 00000000 00000001 616263", &pdu.SubmitSMResp{},
			"decode submit_sm_resp: message_id at octet 16: the PDU ends before its NUL", pdu.StatusInvCmdLen,
		},
		{
			"no body", "00000010 00000103 00000000 00000001", &pdu.DataSM{},
			"decode data_sm: service_type at octet 16: the PDU ends before its NUL", pdu.StatusInvCmdLen,
		},
		{
			"another length", "00000014 00000015 00000000 00000001", &pdu.EnquireLink{},
			"decode enquire_link: command_length at octet 0: it is 20, the PDU has 16 octets", pdu.StatusInvCmdLen,
		},
		{
			"another id", "00000010 00000006 00000000 00000001", &pdu.EnquireLink{},
			"decode enquire_link: command_id at octet 4: it is unbind", pdu.StatusInvCmdID,
		},
		{
			"no bind", "00000010 00000006 00000000 00000001", &pdu.Bind{},
			"decode unbind: command_id at octet 4: unbind is no bind", pdu.StatusInvCmdID,
		},
		{
			"no bind response", "00000010 80000006 00000000 00000001", &pdu.BindResp{},
			"decode unbind_resp: command_id at octet 4: unbind_resp is no bind response", pdu.StatusInvCmdID,
		},
		{
			"more destinations than there are", "0000001a 00000021 00000000 00000001 00 0000 00 ff 01 0000 00 02", &pdu.SubmitMulti{},
			"decode submit_multi: dl_name at octet 26: the PDU ends before its NUL", pdu.StatusInvCmdLen,
		},
		{
			"destinations that end where one would begin", "00000019 00000021 00000000 00000001 00 0000 00 ff 01 0000 00", &pdu.SubmitMulti{},
			"decode submit_multi: dest_flag at octet 25: the PDU ends before it", pdu.StatusInvCmdLen,
		},
		{
			"a destination of no kind", "00000018 00000021 00000000 00000001 00 0000 00 01 03 0000", &pdu.SubmitMulti{},
			"decode submit_multi: dest_flag at octet 21: it is 3, neither 1 (SME) nor 2 (list)", pdu.StatusInvDestFlag,
		},
		{
			"more refused than there are", "00000017 80000021 00000000 00000001 00 ff 0000 00 0000", &pdu.SubmitMultiResp{},
			"decode submit_multi_resp: error_status_code at octet 21: 2 octets of 4 are left", pdu.StatusInvCmdLen,
		},
		{
			"nobody says whether any was refused", "00000015 80000021 00000000 00000001 6161303100", &pdu.SubmitMultiResp{},
			"decode submit_multi_resp: no_unsuccess at octet 21: the PDU ends before it", pdu.StatusInvCmdLen,
		},
		{
			"no message_state", "00000016 80000003 00000000 00000001 6161303100 00", &pdu.QuerySMResp{},
			"decode query_sm_resp: message_state at octet 22: the PDU ends before it", pdu.StatusInvCmdLen,
		},
		{
			"a query_sm_resp without a body", "00000010 80000003 00000000 00000001", &pdu.QuerySMResp{},
			"decode query_sm_resp: message_id at octet 16: the PDU ends before its NUL", pdu.StatusInvCmdLen,
		},
		{
			"a final_date without its NUL", "00000016 80000003 00000000 00000001 00 3236303732", &pdu.QuerySMResp{},
			"decode query_sm_resp: final_date at octet 17: the PDU ends before its NUL", pdu.StatusInvCmdLen,
		},
		{
			"sm_length over the rest of a replacement", "0000001a 00000007 00000000 00000001 00 0000 00 00 00 00 00 03 41", &pdu.ReplaceSM{},
			"decode replace_sm: short_message at octet 25: sm_length is 3, 1 octets are left", pdu.StatusInvMsgLen,
		},
		{
			"an alert to nobody", "00000014 00000102 00000000 00000001 0101 3100", &pdu.AlertNotification{},
			"decode alert_notification: esme_addr_ton at octet 20: the PDU ends before it", pdu.StatusInvCmdLen,
		},
		{
			"an outbind without a password", "00000011 0000000b 00000000 00000001 00", &pdu.Outbind{},
			"decode outbind: password at octet 17: the PDU ends before its NUL", pdu.StatusInvCmdLen,
		},
		{
			"a cancel_sm without a destination", "00000015 00000008 00000000 00000001 00 00 0000 00", &pdu.CancelSM{},
			"decode cancel_sm: dest_addr_ton at octet 21: the PDU ends before it", pdu.StatusInvCmdLen,
		},
		{
			"half a header", "00000010 8000", &pdu.Unbind{},
			"decode unbind: header at octet 0: 6 octets of 16", pdu.StatusInvCmdLen,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.into.Decode(octets(t, tt.hex))
			var e *pdu.Error
			if !errors.As(err, &e) || e.Error() != tt.want || e.Status != tt.status {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

// What comes before the field in error is there, so that a request can be
// answered and a response be matched.
func TestDecodeErrorKeepsWhatWasRead(t *testing.T) {
	p := &pdu.SubmitSMResp{}
	err := p.Decode(octets(t, "00000019 80000004 00000000 00000009 6161303100 0427 0009"))
	if err == nil || string(p.MessageID) != "aa01" || p.Sequence != 9 {
		t.Errorf("%v, %+v", err, p)
	}
	// After an error status the status is the answer, whatever the body is.
	for _, hex := range []string{"00000013 80000004 00000058 00000009 616263", "00000015 80000009 0000000d 00000009 00 0210 0004"} {
		var d pdu.Decoder
		if p, err := d.Decode(octets(t, hex)); err != nil || p.Head().Status == pdu.StatusOK || p.Head().Sequence != 9 {
			t.Errorf("%v, %+v", err, p)
		}
	}
}

// A count that lies costs what its frame holds, and what was read before the
// lie is kept.
func TestLyingCounts(t *testing.T) {
	multi := &pdu.SubmitMulti{}
	if err := multi.Decode(octets(t, "00000019 00000021 00000000 00000001 00 0000 00 ff 01 0000 00")); err == nil || len(multi.Destinations) != 1 || cap(multi.Destinations) > 4 {
		t.Errorf("%v, %d destinations in room for %d", err, len(multi.Destinations), cap(multi.Destinations))
	}
	if len(multi.ShortMessage) != 0 || multi.Sequence != 1 {
		t.Errorf("%+v", multi)
	}
	resp := &pdu.SubmitMultiResp{}
	if err := resp.Decode(octets(t, "00000019 80000021 00000000 00000002 00 ff 0000 00 0000000b")); err == nil || len(resp.Unsuccess) != 1 || cap(resp.Unsuccess) > 4 {
		t.Errorf("%v, %d refused in room for %d", err, len(resp.Unsuccess), cap(resp.Unsuccess))
	}
	// With an error status it is a refusal all the same.
	if err := resp.Decode(octets(t, "00000019 80000021 00000045 00000002 00 ff 0000 00 0000000b")); err != nil || resp.Status != pdu.StatusSubmitFail {
		t.Errorf("%v, %+v", err, resp)
	}
}

// No destination, and 255, are taken; neither is sent.
func TestCountsThatAreTaken(t *testing.T) {
	for _, n := range []int{0, 255} {
		body := append(octets(t, "00 0000 00"), byte(n))
		body = append(body, bytes.Repeat([]byte{pdu.DestFlagList, 'a', 0}, n)...)
		body = append(body, make([]byte, 10)...)
		frame := append(encode(t, &pdu.Unknown{Header: header(pdu.CommandSubmitMulti, 0, 1)}), body...)
		setLength(frame, len(frame))
		p := &pdu.SubmitMulti{}
		if err := p.Decode(frame); err != nil || len(p.Destinations) != n {
			t.Errorf("%d destinations: %v", n, err)
		}
		if _, err := p.AppendTo(nil); err == nil {
			t.Errorf("%d destinations are sent", n)
		}
	}
}

// Decode resets what the new PDU does not hold.
func TestDecodeResets(t *testing.T) {
	p := &pdu.SubmitSM{}
	if err := p.Decode(encode(t, submit160())); err != nil {
		t.Fatal(err)
	}
	if err := p.Decode(octets(t, "00000012 00000004 00000000 00000005 0000")); err == nil {
		t.Fatal("half a submit_sm was taken")
	}
	if p.Sequence != 5 || len(p.ShortMessage)+len(p.Destination.Addr)+len(p.TLVs) != 0 || p.RegisteredDelivery != 0 {
		t.Errorf("left from the PDU before: %+v", p)
	}
}

// Nothing behind the field in error is read: it would be made of its octets.
func TestDecodeErrorReadsNoFurther(t *testing.T) {
	p := &pdu.DeliverSM{}
	err := p.Decode(octets(t, "00000028 00000005 00000000 00000001 00 0000 00 0000 00 000000 00 00 00000000 ff 1400 0002 4142 00"))
	if err == nil || len(p.TLVs) != 0 || p.ShortMessage != nil {
		t.Errorf("%v, %+v", err, p)
	}
}

// Decoded octets alias src, and to append to them changes a copy.
func TestDecodedOctetsAreBounded(t *testing.T) {
	want := samples()[3].(*pdu.SubmitSM)
	frame := encode(t, want)
	before := bytes.Clone(frame)
	p := &pdu.SubmitSM{}
	if err := p.Decode(frame); err != nil {
		t.Fatal(err)
	}
	fields := [][]byte{p.ServiceType, p.Source.Addr, p.Destination.Addr, p.ScheduleDeliveryTime, p.ValidityPeriod, p.ShortMessage}
	for _, tlv := range p.TLVs {
		fields = append(fields, tlv.Value)
	}
	for i, f := range fields {
		if _ = append(f, "overwritten"...); !bytes.Equal(frame, before) {
			t.Fatalf("field %d: src is %x", i, frame)
		}
	}
	frame[len(frame)-1] = 9
	if v, _ := p.TLVs.Uint8(pdu.TagMessageState); v != 9 {
		t.Error("the value was copied")
	}
}

func TestPayload(t *testing.T) {
	tlvs := pdu.TLVs{{Tag: pdu.TagMessagePayload, Value: []byte("long")}}
	tests := []struct{ got, want []byte }{
		{(&pdu.SubmitSM{ShortMessage: []byte("short"), TLVs: tlvs}).Payload(), []byte("short")},
		{(&pdu.SubmitSM{TLVs: tlvs}).Payload(), []byte("long")},
		{(&pdu.DeliverSM{TLVs: tlvs}).Payload(), []byte("long")},
		{(&pdu.SubmitMulti{TLVs: tlvs}).Payload(), []byte("long")},
		{(&pdu.ReplaceSM{TLVs: tlvs}).Payload(), []byte("long")},
		{(&pdu.DataSM{TLVs: tlvs}).Payload(), []byte("long")},
		{(&pdu.DataSM{}).Payload(), nil},
	}
	for i, tt := range tests {
		if !bytes.Equal(tt.got, tt.want) {
			t.Errorf("%d: %q, want %q", i, tt.got, tt.want)
		}
	}
}

func TestTLVs(t *testing.T) {
	l := pdu.TLVs{
		{Tag: pdu.TagMessageState, Value: []byte{2}}, {Tag: pdu.TagMessageState, Value: []byte{5}},
		{Tag: pdu.TagUserMessageReference, Value: []byte{1, 2}},
		{Tag: pdu.TagReceiptedMessageID, Value: []byte("aa01\x00")}, {Tag: 0x1400, Value: []byte("aa02")},
		{Tag: 0x1401},
	}
	if v, ok := l.Uint8(pdu.TagMessageState); v != 2 || !ok {
		t.Errorf("the first message_state: %d, %v", v, ok)
	}
	if _, ok := l.Uint8(pdu.TagUserMessageReference); ok {
		t.Error("two octets are no uint8")
	}
	if v, ok := l.Uint16(pdu.TagUserMessageReference); v != 0x0102 || !ok {
		t.Errorf("user_message_reference: %x, %v", v, ok)
	}
	if _, ok := l.Uint16(pdu.TagMessageState); ok {
		t.Error("one octet is no uint16")
	}
	for tag, want := range map[pdu.Tag]string{pdu.TagReceiptedMessageID: "aa01", 0x1400: "aa02", 0x1401: ""} {
		if v, ok := l.CString(tag); string(v) != want || !ok {
			t.Errorf("%s: %q, %v", tag, v, ok)
		}
	}
	if v, ok := l.Get(0x1402); v != nil || ok {
		t.Errorf("an absent tag: %x, %v", v, ok)
	}
}
