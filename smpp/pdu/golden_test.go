package pdu_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"bindery/smpp/pdu"
)

// Encodings laid out by hand from the tables of SMPP 3.4 §4, a field a group.
func TestGolden(t *testing.T) {
	tests := []struct {
		name string
		hex  string
		pdu  pdu.PDU
	}{
		{
			"submit_sm, every field", // §4.4.1
			`00000059 00000004 00000000 0000002a
			 434d5400
			 05 00 42696e6465727900
			 01 01 38323130313233343536373800
			 40 01 02
			 00
			 30303030303130303030303030303052 00
			 01 00 08 00
			 08 050003070201 ac00
			 0204 0002 002a
			 1400 0000`,
			&pdu.SubmitSM{
				Header: header(pdu.CommandSubmitSM, 0, 42), ServiceType: []byte("CMT"),
				Source:      pdu.Address{TON: 5, NPI: 0, Addr: []byte("Bindery")},
				Destination: pdu.Address{TON: 1, NPI: 1, Addr: []byte("821012345678")},
				ESMClass:    0x40, ProtocolID: 1, PriorityFlag: 2, ValidityPeriod: []byte("000001000000000R"),
				RegisteredDelivery: 1, DataCoding: 8, ShortMessage: []byte("\x05\x00\x03\x07\x02\x01\xac\x00"),
				TLVs: pdu.TLVs{{Tag: pdu.TagUserMessageReference, Value: []byte{0, 42}}, {Tag: 0x1400}},
			},
		},
		{
			"submit_sm, nothing set", // 17 fields, an octet each
			`00000021 00000004 00000000 00000001
			 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
			&pdu.SubmitSM{Header: header(pdu.CommandSubmitSM, 0, 1)},
		},
		{
			"submit_sm_resp", // §4.4.2
			`00000015 80000004 00000000 0000002a 6161303100`,
			&pdu.SubmitSMResp{Header: header(pdu.CommandSubmitSMResp, 0, 42), MessageID: []byte("aa01")},
		},
		{
			"submit_sm_resp, throttled: no body",
			`00000010 80000004 00000058 0000002a`,
			&pdu.SubmitSMResp{Header: header(pdu.CommandSubmitSMResp, pdu.StatusThrottled, 42)},
		},
		{
			"deliver_sm, a receipt", // §4.6.1
			`00000043 00000005 00000000 7fffffff
			 00
			 01 01 3832313000
			 00 00 3135383800
			 04 00 00
			 00 00
			 00 00 00 00
			 05 69643a6161
			 001e 0005 6161303100
			 0427 0001 02
			 0423 0003 03001b`,
			&pdu.DeliverSM{
				Header:      header(pdu.CommandDeliverSM, 0, 0x7FFFFFFF),
				Source:      pdu.Address{TON: 1, NPI: 1, Addr: []byte("8210")},
				Destination: pdu.Address{Addr: []byte("1588")},
				ESMClass:    pdu.ESMClassReceipt, ShortMessage: []byte("id:aa"),
				TLVs: pdu.TLVs{
					{Tag: pdu.TagReceiptedMessageID, Value: []byte("aa01\x00")},
					{Tag: pdu.TagMessageState, Value: []byte{2}},
					{Tag: pdu.TagNetworkErrorCode, Value: []byte{3, 0, 0x1b}},
				},
			},
		},
		{
			"deliver_sm_resp", // §4.6.2
			`00000011 80000005 00000000 00000007 00`,
			&pdu.DeliverSMResp{Header: header(pdu.CommandDeliverSMResp, 0, 7)},
		},
		{
			"deliver_sm_resp, refused: the body stays",
			`00000011 80000005 00000064 00000007 00`,
			&pdu.DeliverSMResp{Header: header(pdu.CommandDeliverSMResp, pdu.StatusXTAppn, 7)},
		},
		{
			"data_sm", // §4.7.1
			`00000024 00000103 00000000 00000003
			 00
			 01 01 3100
			 01 01 3200
			 00 01 08
			 0424 0004 ac00ac01`,
			&pdu.DataSM{
				Header: header(pdu.CommandDataSM, 0, 3),
				Source: pdu.Address{TON: 1, NPI: 1, Addr: []byte("1")}, Destination: pdu.Address{TON: 1, NPI: 1, Addr: []byte("2")},
				RegisteredDelivery: 1, DataCoding: 8,
				TLVs: pdu.TLVs{{Tag: pdu.TagMessagePayload, Value: []byte("\xac\x00\xac\x01")}},
			},
		},
		{
			"bind_transceiver", // §4.1.5
			`0000002a 00000009 00000000 00000001
			 62696e6465727900
			 73656372657400
			 564d4100
			 34 01 00
			 5e383200`,
			&pdu.Bind{
				Header: header(pdu.BindTransceiver, 0, 1), SystemID: []byte("bindery"), Password: []byte("secret"),
				SystemType: []byte("VMA"), InterfaceVersion: 0x34, AddressRange: pdu.Address{TON: 1, Addr: []byte("^82")},
			},
		},
		{
			"bind_transmitter_resp", // §4.1.2
			`0000001a 80000002 00000000 00000001 534d534300 0210 0001 34`,
			&pdu.BindResp{
				Header: header(pdu.CommandBindTransmitterResp, 0, 1), SystemID: []byte("SMSC"),
				TLVs: pdu.TLVs{{Tag: pdu.TagSCInterfaceVersion, Value: []byte{0x34}}},
			},
		},
		{
			"outbind", // §4.1.7
			`0000001c 0000000b 00000000 00000001 534d534300 73656372657400`,
			&pdu.Outbind{Header: header(pdu.CommandOutbind, 0, 1), SystemID: []byte("SMSC"), Password: []byte("secret")},
		},
		{
			"submit_multi, an SME and a list", // §4.5.1
			`00000055 00000021 00000000 0000002b
			 00
			 05 00 42696e6465727900
			 02
			 01 01 01 38323130313233343536373800
			 02 76697000
			 00 00 01
			 00
			 30303030303130303030303030303052 00
			 01 00 08 00
			 04 ac00ac01
			 0204 0002 002a`,
			&pdu.SubmitMulti{
				Header: header(pdu.CommandSubmitMulti, 0, 43), Source: pdu.Address{TON: 5, Addr: []byte("Bindery")},
				Destinations: []pdu.Destination{
					{Flag: 1, Address: pdu.Address{TON: 1, NPI: 1, Addr: []byte("821012345678")}},
					{Flag: 2, Address: pdu.Address{Addr: []byte("vip")}},
				},
				PriorityFlag: 1, ValidityPeriod: []byte("000001000000000R"), RegisteredDelivery: 1, DataCoding: 8,
				ShortMessage: []byte("\xac\x00\xac\x01"), TLVs: pdu.TLVs{{Tag: pdu.TagUserMessageReference, Value: []byte{0, 42}}},
			},
		},
		{
			"submit_multi_resp, two refused", // §4.5.2
			`00000026 80000021 00000000 0000002b
			 6161303100
			 02
			 01 01 383200 0000000b
			 00 00 00 00000045`,
			&pdu.SubmitMultiResp{
				Header: header(pdu.CommandSubmitMultiResp, 0, 43), MessageID: []byte("aa01"),
				Unsuccess: []pdu.UnsuccessSME{
					{Address: pdu.Address{TON: 1, NPI: 1, Addr: []byte("82")}, Status: pdu.StatusInvDstAdr},
					{Status: pdu.StatusSubmitFail},
				},
			},
		},
		{
			"submit_multi_resp, none refused",
			`00000016 80000021 00000000 0000002b 6161303100 00`,
			&pdu.SubmitMultiResp{Header: header(pdu.CommandSubmitMultiResp, 0, 43), MessageID: []byte("aa01")},
		},
		{
			"submit_multi_resp, refused whole: no body",
			`00000010 80000021 00000033 0000002b`,
			&pdu.SubmitMultiResp{Header: header(pdu.CommandSubmitMultiResp, pdu.StatusInvNumDests, 43)},
		},
		{
			"query_sm", // §4.8.1
			`0000001b 00000003 00000000 00000004 6161303100 05 00 42696e00`,
			&pdu.QuerySM{Header: header(pdu.CommandQuerySM, 0, 4), MessageID: []byte("aa01"), Source: pdu.Address{TON: 5, Addr: []byte("Bin")}},
		},
		{
			"query_sm_resp, delivered", // §4.8.2
			`00000028 80000003 00000000 00000004 6161303100 3236303732383132303030303030302b 00 02 00`,
			&pdu.QuerySMResp{
				Header: header(pdu.CommandQuerySMResp, 0, 4), MessageID: []byte("aa01"), FinalDate: []byte("260728120000000+"),
				MessageState: pdu.MessageStateDelivered,
			},
		},
		{
			"query_sm_resp, under way",
			`00000018 80000003 00000000 00000004 6161303100 00 01 00`,
			&pdu.QuerySMResp{Header: header(pdu.CommandQuerySMResp, 0, 4), MessageID: []byte("aa01"), MessageState: pdu.MessageStateEnroute},
		},
		{
			"query_sm_resp, failed: no body",
			`00000010 80000003 00000067 00000004`,
			&pdu.QuerySMResp{Header: header(pdu.CommandQuerySMResp, pdu.StatusQueryFail, 4)},
		},
		{
			"cancel_sm", // §4.9.1
			`00000024 00000008 00000000 00000005 434d5400 6161303100 05 00 42696e00 01 01 383200`,
			&pdu.CancelSM{
				Header: header(pdu.CommandCancelSM, 0, 5), ServiceType: []byte("CMT"), MessageID: []byte("aa01"),
				Source: pdu.Address{TON: 5, Addr: []byte("Bin")}, Destination: pdu.Address{TON: 1, NPI: 1, Addr: []byte("82")},
			},
		},
		{"cancel_sm_resp", `00000010 80000008 00000011 00000005`, &pdu.CancelSMResp{Header: header(pdu.CommandCancelSMResp, pdu.StatusCancelFail, 5)}},
		{
			"replace_sm", // §4.10.1
			`00000033 00000007 00000000 00000006
			 6161303100
			 05 00 42696e00
			 00
			 30303030303130303030303030303052 00
			 01 00
			 03 6e6577`,
			&pdu.ReplaceSM{
				Header: header(pdu.CommandReplaceSM, 0, 6), MessageID: []byte("aa01"), Source: pdu.Address{TON: 5, Addr: []byte("Bin")},
				ValidityPeriod: []byte("000001000000000R"), RegisteredDelivery: 1, ShortMessage: []byte("new"),
			},
		},
		{"replace_sm_resp", `00000010 80000007 00000013 00000006`, &pdu.ReplaceSMResp{Header: header(pdu.CommandReplaceSMResp, pdu.StatusReplaceFail, 6)}},
		{
			"alert_notification", // §4.12.1
			`00000021 00000102 00000000 00000008 01 01 383200 03 00 3135383800 0422 0001 00`,
			&pdu.AlertNotification{
				Header: header(pdu.CommandAlertNotification, 0, 8), Source: pdu.Address{TON: 1, NPI: 1, Addr: []byte("82")},
				ESME: pdu.Address{TON: 3, Addr: []byte("1588")}, TLVs: pdu.TLVs{{Tag: pdu.TagMSAvailabilityStatus, Value: []byte{0}}},
			},
		},
		{"enquire_link", `00000010 00000015 00000000 0000000a`, &pdu.EnquireLink{Header: header(pdu.CommandEnquireLink, 0, 10)}},
		{"enquire_link_resp", `00000010 80000015 00000000 0000000a`, &pdu.EnquireLinkResp{Header: header(pdu.CommandEnquireLinkResp, 0, 10)}},
		{"unbind", `00000010 00000006 00000000 0000000b`, &pdu.Unbind{Header: header(pdu.CommandUnbind, 0, 11)}},
		{"unbind_resp", `00000010 80000006 00000000 0000000b`, &pdu.UnbindResp{Header: header(pdu.CommandUnbindResp, 0, 11)}},
		{"generic_nack", `00000010 80000000 00000003 00000028`, &pdu.GenericNack{Header: header(pdu.CommandGenericNack, pdu.StatusInvCmdID, 40)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := octets(t, tt.hex)
			if got := encode(t, tt.pdu); !bytes.Equal(got, want) {
				t.Errorf("encoded\n%x, want\n%x", got, want)
			}
			p := pdu.New(tt.pdu.Head().ID)
			if err := p.Decode(want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.pdu, p, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("decoded (-want +got)\n%s", diff)
			}
		})
	}
}

// AppendTo writes the id of the struct whatever the header says, and leaves
// what dst held.
func TestAppendToWritesItsID(t *testing.T) {
	p := submit160()
	p.ID = pdu.CommandQuerySM
	b, err := p.AppendTo([]byte("before"))
	if err != nil || string(b[:6]) != "before" {
		t.Fatalf("%q, %v", b[:6], err)
	}
	if h, n, err := pdu.ReadHeader(b[6:], pdu.DefaultMaxPDU); err != nil || n != len(b)-6 || h != header(pdu.CommandSubmitSM, 0, 77) {
		t.Errorf("%+v, length %d of %d, %v", h, n, len(b)-6, err)
	}
}
