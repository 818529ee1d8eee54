package pdu_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"bindery/smpp/pdu"
)

// sameHere treats nil and empty alike; TestResponseBodies tells them apart
// where the difference has a meaning.
var sameHere = cmpopts.EquateEmpty()

func cString(limit int) *rapid.Generator[[]byte] {
	return rapid.SliceOfN(rapid.ByteRange(1, 255), 0, limit)
}

func smppTime() *rapid.Generator[[]byte] {
	return rapid.OneOf(rapid.Just([]byte{}), rapid.SliceOfN(rapid.ByteRange(1, 255), 16, 16))
}

func addresses(limit int) *rapid.Generator[pdu.Address] {
	return rapid.Custom(func(t *rapid.T) pdu.Address {
		return pdu.Address{TON: rapid.Byte().Draw(t, "ton"), NPI: rapid.Byte().Draw(t, "npi"), Addr: cString(limit).Draw(t, "addr")}
	})
}

// tlvLists leaves message_payload out, which may not stand beside a text.
func tlvLists() *rapid.Generator[pdu.TLVs] {
	one := rapid.Custom(func(t *rapid.T) pdu.TLV {
		tag := rapid.Uint16().Filter(func(v uint16) bool { return pdu.Tag(v) != pdu.TagMessagePayload }).Draw(t, "tag")
		return pdu.TLV{Tag: pdu.Tag(tag), Value: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "value")}
	})
	return rapid.Map(rapid.SliceOfN(one, 0, 5), func(l []pdu.TLV) pdu.TLVs { return l })
}

func drawSM(t *rapid.T, h pdu.Header) pdu.SubmitSM {
	octet := rapid.Byte()
	p := pdu.SubmitSM{
		Header: h, ServiceType: cString(5).Draw(t, "service_type"),
		Source: addresses(20).Draw(t, "source"), Destination: addresses(20).Draw(t, "destination"),
		ESMClass: octet.Draw(t, "esm_class"), ProtocolID: octet.Draw(t, "protocol_id"), PriorityFlag: octet.Draw(t, "priority_flag"),
		ScheduleDeliveryTime: smppTime().Draw(t, "schedule"), ValidityPeriod: smppTime().Draw(t, "validity"),
		RegisteredDelivery: octet.Draw(t, "registered"), ReplaceIfPresentFlag: octet.Draw(t, "replace"),
		DataCoding: octet.Draw(t, "data_coding"), SMDefaultMsgID: octet.Draw(t, "default"), TLVs: tlvLists().Draw(t, "tlvs"),
	}
	if rapid.Bool().Draw(t, "payload") {
		p.TLVs = append(p.TLVs, pdu.TLV{Tag: pdu.TagMessagePayload, Value: rapid.SliceOfN(rapid.Byte(), 0, 1000).Draw(t, "message_payload")})
	} else {
		p.ShortMessage = rapid.SliceOfN(rapid.Byte(), 0, 254).Draw(t, "short_message")
	}
	return p
}

func drawResp(t *rapid.T, h pdu.Header) pdu.SubmitSMResp {
	return pdu.SubmitSMResp{Header: h, MessageID: cString(64).Draw(t, "message_id"), TLVs: tlvLists().Draw(t, "tlvs")}
}

func destinations() *rapid.Generator[pdu.Destination] {
	return rapid.Custom(func(t *rapid.T) pdu.Destination {
		if rapid.Bool().Draw(t, "list") {
			return pdu.Destination{Flag: pdu.DestFlagList, Address: pdu.Address{Addr: cString(20).Draw(t, "dl_name")}}
		}
		return pdu.Destination{Flag: pdu.DestFlagSME, Address: addresses(20).Draw(t, "address")}
	})
}

func refused() *rapid.Generator[pdu.UnsuccessSME] {
	return rapid.Custom(func(t *rapid.T) pdu.UnsuccessSME {
		return pdu.UnsuccessSME{Address: addresses(20).Draw(t, "address"), Status: pdu.CommandStatus(rapid.Uint32().Draw(t, "error_status_code"))}
	})
}

func drawMulti(t *rapid.T, h pdu.Header) pdu.SubmitMulti {
	sm := drawSM(t, h)
	return pdu.SubmitMulti{
		Header: h, ServiceType: sm.ServiceType, Source: sm.Source, Destinations: rapid.SliceOfN(destinations(), 1, 254).Draw(t, "destinations"),
		ESMClass: sm.ESMClass, ProtocolID: sm.ProtocolID, PriorityFlag: sm.PriorityFlag,
		ScheduleDeliveryTime: sm.ScheduleDeliveryTime, ValidityPeriod: sm.ValidityPeriod,
		RegisteredDelivery: sm.RegisteredDelivery, ReplaceIfPresentFlag: sm.ReplaceIfPresentFlag, DataCoding: sm.DataCoding,
		SMDefaultMsgID: sm.SMDefaultMsgID, ShortMessage: sm.ShortMessage, TLVs: sm.TLVs,
	}
}

// drawPDU fills a PDU of any struct with anything that AppendTo takes.
func drawPDU(t *rapid.T) pdu.PDU {
	p := rapid.SampledFrom(samples()).Draw(t, "kind")
	h := pdu.Header{
		ID:       p.Head().ID,
		Status:   pdu.CommandStatus(rapid.Uint32().Draw(t, "status")),
		Sequence: rapid.Uint32().Draw(t, "sequence"),
	}
	switch p := p.(type) {
	case *pdu.SubmitSM:
		*p = drawSM(t, h)
	case *pdu.DeliverSM:
		*p = pdu.DeliverSM(drawSM(t, h))
	case *pdu.DataSM:
		*p = pdu.DataSM{
			Header: h, ServiceType: cString(5).Draw(t, "service_type"),
			Source: addresses(64).Draw(t, "source"), Destination: addresses(64).Draw(t, "destination"),
			ESMClass: rapid.Byte().Draw(t, "esm_class"), TLVs: tlvLists().Draw(t, "tlvs"),
		}
	case *pdu.SubmitSMResp:
		*p = drawResp(t, h)
	case *pdu.DeliverSMResp:
		*p = pdu.DeliverSMResp(drawResp(t, h))
	case *pdu.DataSMResp:
		*p = pdu.DataSMResp(drawResp(t, h))
	case *pdu.Bind:
		*p = pdu.Bind{
			Header: h, SystemID: cString(15).Draw(t, "system_id"), Password: cString(8).Draw(t, "password"),
			SystemType: cString(12).Draw(t, "system_type"), InterfaceVersion: rapid.Byte().Draw(t, "version"),
			AddressRange: addresses(40).Draw(t, "range"), TLVs: tlvLists().Draw(t, "tlvs"),
		}
	case *pdu.BindResp:
		*p = pdu.BindResp{Header: h, SystemID: cString(15).Draw(t, "system_id"), TLVs: tlvLists().Draw(t, "tlvs")}
	case *pdu.Outbind:
		*p = pdu.Outbind{Header: h, SystemID: cString(15).Draw(t, "system_id"), Password: cString(8).Draw(t, "password"), TLVs: tlvLists().Draw(t, "tlvs")}
	case *pdu.AlertNotification:
		*p = pdu.AlertNotification{Header: h, Source: addresses(64).Draw(t, "source"), ESME: addresses(64).Draw(t, "esme"), TLVs: tlvLists().Draw(t, "tlvs")}
	case *pdu.QuerySM:
		*p = pdu.QuerySM{Header: h, MessageID: cString(64).Draw(t, "message_id"), Source: addresses(20).Draw(t, "source"), TLVs: tlvLists().Draw(t, "tlvs")}
	case *pdu.QuerySMResp:
		*p = pdu.QuerySMResp{
			Header: h, MessageID: cString(64).Draw(t, "message_id"), FinalDate: smppTime().Draw(t, "final_date"),
			MessageState: rapid.Byte().Draw(t, "state"), ErrorCode: rapid.Byte().Draw(t, "error_code"), TLVs: tlvLists().Draw(t, "tlvs"),
		}
	case *pdu.CancelSM:
		*p = pdu.CancelSM{
			Header: h, ServiceType: cString(5).Draw(t, "service_type"), MessageID: cString(64).Draw(t, "message_id"),
			Source: addresses(20).Draw(t, "source"), Destination: addresses(20).Draw(t, "destination"), TLVs: tlvLists().Draw(t, "tlvs"),
		}
	case *pdu.ReplaceSM:
		*p = pdu.ReplaceSM{
			Header: h, MessageID: cString(64).Draw(t, "message_id"), Source: addresses(20).Draw(t, "source"),
			ScheduleDeliveryTime: smppTime().Draw(t, "schedule"), ValidityPeriod: smppTime().Draw(t, "validity"),
			RegisteredDelivery: rapid.Byte().Draw(t, "registered"), SMDefaultMsgID: rapid.Byte().Draw(t, "default"),
			ShortMessage: rapid.SliceOfN(rapid.Byte(), 0, 254).Draw(t, "short_message"), TLVs: tlvLists().Draw(t, "tlvs"),
		}
	case *pdu.SubmitMulti:
		*p = drawMulti(t, h)
	case *pdu.SubmitMultiResp:
		*p = pdu.SubmitMultiResp{
			Header: h, MessageID: cString(64).Draw(t, "message_id"), Unsuccess: rapid.SliceOfN(refused(), 0, 255).Draw(t, "unsuccess"),
			TLVs: tlvLists().Draw(t, "tlvs"),
		}
	case *pdu.Unknown:
		*p = pdu.Unknown{Header: h, Body: rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "body")}
	default:
		*p.Head() = h
	}
	return p
}

// Decode(AppendTo(x)) == x, into structs that are full of another PDU.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d pdu.Decoder
		for range rapid.IntRange(1, 4).Draw(t, "n") {
			want := drawPDU(t)
			src, err := want.AppendTo(nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.Decode(src)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, sameHere); diff != "" {
				t.Fatalf("-want +got\n%s", diff)
			}
			again, err := got.AppendTo(nil)
			if err != nil || !bytes.Equal(again, src) {
				t.Fatalf("encoded again: %v\n%x, want\n%x", err, again, src)
			}
		}
	})
}

func TestSamplesRoundTrip(t *testing.T) {
	var d pdu.Decoder
	for _, want := range samples() {
		got, err := d.Decode(encode(t, want))
		if err != nil {
			t.Errorf("%s: %v", want.Head().ID, err)
			continue
		}
		if diff := cmp.Diff(want, got, sameHere); diff != "" {
			t.Errorf("%s: -want +got\n%s", want.Head().ID, diff)
		}
	}
}

// command_length decides whether a response has a body; nil says that it has
// none.
func TestResponseBodies(t *testing.T) {
	tests := []struct {
		name, hex string
		absent    bool
		again     string // what it is encoded to; hex when empty
	}{
		{name: "submit_sm_resp, error without body", hex: "00000010 80000004 00000058 00000001", absent: true},
		{name: "submit_sm_resp, error with body", hex: "00000011 80000004 00000058 00000001 00"},
		{name: "submit_sm_resp, ok without body", hex: "00000010 80000004 00000000 00000001", absent: true, again: "00000011 80000004 00000000 00000001 00"},
		{name: "bind resp, error without body", hex: "00000010 80000009 0000000d 00000001", absent: true},
		{name: "bind resp, error with body", hex: "00000011 80000009 00000053 00000001 00"},
		{name: "query_sm_resp, error without body", hex: "00000010 80000003 00000067 00000001", absent: true},
		{name: "query_sm_resp, error with body", hex: "00000014 80000003 00000067 00000001 00 00 00 00"},
		{name: "submit_multi_resp, error without body", hex: "00000010 80000021 00000045 00000001", absent: true},
		{name: "submit_multi_resp, error with body", hex: "00000012 80000021 00000045 00000001 00 00"},
		{name: "submit_multi_resp, error with half a body", hex: "00000011 80000021 00000045 00000001 00", again: "00000012 80000021 00000045 00000001 00 00"},
		{name: "deliver_sm_resp, ok without body", hex: "00000010 80000005 00000000 00000001", absent: true, again: "00000011 80000005 00000000 00000001 00"},
		{name: "data_sm_resp, error without body", hex: "00000010 80000103 000000fe 00000001", absent: true, again: "00000011 80000103 000000fe 00000001 00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d pdu.Decoder
			p, err := d.Decode(octets(t, tt.hex))
			if err != nil {
				t.Fatal(err)
			}
			if text := responseText(t, p); (text == nil) != tt.absent || len(text) != 0 {
				t.Errorf("text is %#v, absent should be %v", text, tt.absent)
			}
			if tt.again == "" {
				tt.again = tt.hex
			}
			if got := encode(t, p); !bytes.Equal(got, octets(t, tt.again)) {
				t.Errorf("encoded again: %x", got)
			}
		})
	}
}

func responseText(t *testing.T, p pdu.PDU) []byte {
	t.Helper()
	switch p := p.(type) {
	case *pdu.SubmitSMResp:
		return p.MessageID
	case *pdu.DeliverSMResp:
		return p.MessageID
	case *pdu.DataSMResp:
		return p.MessageID
	case *pdu.BindResp:
		return p.SystemID
	case *pdu.QuerySMResp:
		return p.MessageID
	case *pdu.SubmitMultiResp:
		return p.MessageID
	}
	t.Fatalf("%T has no body", p)
	return nil
}
