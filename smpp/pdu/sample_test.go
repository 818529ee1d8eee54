package pdu_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"bindery/smpp/pdu"
)

// octets turns hex into octets; spaces part the fields for the reader.
func octets(t testing.TB, hexText string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(hexText), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func encode(t testing.TB, p pdu.PDU) []byte {
	t.Helper()
	b, err := p.AppendTo(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func header(id pdu.CommandID, status pdu.CommandStatus, sequence uint32) pdu.Header {
	return pdu.Header{ID: id, Status: status, Sequence: sequence}
}

// submit160 is a submit_sm with a text of 160 characters, the one measured.
func submit160() *pdu.SubmitSM {
	return &pdu.SubmitSM{
		Header:             header(pdu.CommandSubmitSM, 0, 77),
		Source:             pdu.Address{TON: pdu.TONAlphanumeric, Addr: []byte("Bindery")},
		Destination:        pdu.Address{TON: pdu.TONInternational, NPI: pdu.NPIISDN, Addr: []byte("821012345678")},
		RegisteredDelivery: pdu.RegisteredDeliveryFinal,
		ShortMessage:       bytes.Repeat([]byte("0123456789"), 16),
	}
}

const receiptText = "id:34f60ac1 sub:001 dlvrd:001 submit date:2607281200 done date:2607281201 stat:DELIVRD err:000 text:0123456789"

func receipt() *pdu.DeliverSM {
	return &pdu.DeliverSM{
		Header:       header(pdu.CommandDeliverSM, 0, 78),
		Source:       pdu.Address{TON: pdu.TONInternational, NPI: pdu.NPIISDN, Addr: []byte("821012345678")},
		Destination:  pdu.Address{TON: pdu.TONAlphanumeric, Addr: []byte("Bindery")},
		ESMClass:     pdu.ESMClassReceipt,
		ShortMessage: []byte(receiptText),
		TLVs: pdu.TLVs{
			{Tag: pdu.TagReceiptedMessageID, Value: []byte("34f60ac1\x00")},
			{Tag: pdu.TagMessageState, Value: []byte{pdu.MessageStateDelivered}},
		},
	}
}

// multi is a submit_multi with n destinations, every third one a list.
func multi(n int, tlvs pdu.TLVs) *pdu.SubmitMulti {
	p := &pdu.SubmitMulti{
		Header: header(pdu.CommandSubmitMulti, 0, 19), ServiceType: []byte("CMT"), Source: pdu.Address{TON: 5, Addr: []byte("Bindery")},
		ESMClass: 3, ProtocolID: 1, PriorityFlag: 2, ScheduleDeliveryTime: []byte("000001000000000R"), ValidityPeriod: []byte("260728120000000+"),
		RegisteredDelivery: 1, DataCoding: 8, SMDefaultMsgID: 9, ShortMessage: []byte("\xac\x00"), TLVs: tlvs,
	}
	for i := range n {
		to := pdu.Destination{Flag: pdu.DestFlagSME, Address: pdu.Address{TON: 1, NPI: 1, Addr: fmt.Appendf(nil, "8210%d", i)}}
		if i%3 == 1 {
			to = pdu.Destination{Flag: pdu.DestFlagList, Address: pdu.Address{Addr: fmt.Appendf(nil, "list %d", i)}}
		}
		p.Destinations = append(p.Destinations, to)
	}
	return p
}

// The samples leave no command of the spec out, so the tests over all of them
// don't either.
func TestSamplesOfEveryCommand(t *testing.T) {
	have := map[pdu.CommandID]bool{}
	for _, p := range samples() {
		have[p.Head().ID] = true
	}
	known := 0
	for n := range pdu.CommandID(0x400) {
		for _, id := range []pdu.CommandID{n, n.Response()} {
			if _, unknown := pdu.New(id).(*pdu.Unknown); unknown {
				continue
			}
			if known++; !have[id] {
				t.Errorf("no sample of %v", id)
			}
		}
	}
	if known != 27 { // §5.1.2.1
		t.Errorf("%d commands", known)
	}
}

// samples has at least one PDU of every struct, each one canonical: it encodes
// to the octets that it was decoded from.
func samples() []pdu.PDU {
	address := pdu.Address{TON: 1, NPI: 1, Addr: []byte("821012345678")}
	tlvs := pdu.TLVs{{Tag: 0x1400, Value: []byte{1, 2, 3}}, {Tag: 0x1400, Value: []byte{}}, {Tag: pdu.TagMessageState, Value: []byte{2}}}
	list := []pdu.PDU{
		submit160(), receipt(),
		&pdu.SubmitSM{Header: header(pdu.CommandSubmitSM, 0, 1)},
		&pdu.SubmitSM{
			Header: header(pdu.CommandSubmitSM, 0, 2), ServiceType: []byte("CMT"), Source: address, Destination: address,
			ESMClass: pdu.ESMClassUDHI, ProtocolID: 1, PriorityFlag: 3,
			ScheduleDeliveryTime: []byte("000001000000000R"), ValidityPeriod: []byte("260728120000000+"),
			ReplaceIfPresentFlag: 1, DataCoding: 8, SMDefaultMsgID: 9, ShortMessage: []byte("\x05\x00\x03\x07\x02\x01\xac\x00"), TLVs: tlvs,
		},
		&pdu.SubmitSM{Header: header(pdu.CommandSubmitSM, 0, 3), TLVs: pdu.TLVs{{Tag: pdu.TagMessagePayload, Value: bytes.Repeat([]byte("x"), 65535)}}},
		&pdu.SubmitSMResp{Header: header(pdu.CommandSubmitSMResp, 0, 4), MessageID: []byte("34f60ac1")},
		&pdu.SubmitSMResp{Header: header(pdu.CommandSubmitSMResp, pdu.StatusThrottled, 5)},
		&pdu.SubmitSMResp{Header: header(pdu.CommandSubmitSMResp, pdu.StatusSysErr, 5), MessageID: []byte{}, TLVs: tlvs},
		&pdu.DeliverSMResp{Header: header(pdu.CommandDeliverSMResp, 0, 6), MessageID: []byte{}},
		&pdu.DeliverSMResp{Header: header(pdu.CommandDeliverSMResp, pdu.StatusXTAppn, 6), MessageID: []byte{}},
		&pdu.DataSM{Header: header(pdu.CommandDataSM, 0, 7), Source: address, Destination: address, ESMClass: 4, TLVs: tlvs},
		&pdu.DataSMResp{Header: header(pdu.CommandDataSMResp, 0, 8), MessageID: []byte("c04f11"), TLVs: tlvs},
		&pdu.Unbind{Header: header(pdu.CommandUnbind, 0, 9)},
		&pdu.UnbindResp{Header: header(pdu.CommandUnbindResp, 0, 9)},
		&pdu.EnquireLink{Header: header(pdu.CommandEnquireLink, 0, 10)},
		&pdu.EnquireLinkResp{Header: header(pdu.CommandEnquireLinkResp, 0, 10)},
		&pdu.GenericNack{Header: header(pdu.CommandGenericNack, pdu.StatusInvCmdID, 11)},
		&pdu.Unknown{Header: header(0x00010203, 0, 12), Body: []byte("abcd")},
		&pdu.Unknown{Header: header(0x80010203, 0, 13), Body: []byte{}},
		&pdu.Outbind{Header: header(pdu.CommandOutbind, 0, 14), SystemID: []byte("SMSC01"), Password: []byte("secret08"), TLVs: tlvs},
		&pdu.AlertNotification{
			Header: header(pdu.CommandAlertNotification, 0, 15), Source: address, ESME: pdu.Address{TON: 3, Addr: []byte("1588")},
			TLVs: pdu.TLVs{{Tag: pdu.TagMSAvailabilityStatus, Value: []byte{0}}},
		},
		&pdu.QuerySM{Header: header(pdu.CommandQuerySM, 0, 16), MessageID: []byte("34f60ac1"), Source: address, TLVs: tlvs},
		&pdu.QuerySMResp{
			Header: header(pdu.CommandQuerySMResp, 0, 16), MessageID: []byte("34f60ac1"), FinalDate: []byte("260728120000000+"),
			MessageState: pdu.MessageStateUndeliverable, ErrorCode: 27, TLVs: tlvs,
		},
		&pdu.QuerySMResp{Header: header(pdu.CommandQuerySMResp, pdu.StatusQueryFail, 16)},
		&pdu.QuerySMResp{Header: header(pdu.CommandQuerySMResp, pdu.StatusQueryFail, 16), MessageID: []byte{}},
		&pdu.CancelSM{
			Header: header(pdu.CommandCancelSM, 0, 17), ServiceType: []byte("CMT"), MessageID: []byte("34f60ac1"),
			Source: address, Destination: address, TLVs: tlvs,
		},
		&pdu.CancelSMResp{Header: header(pdu.CommandCancelSMResp, pdu.StatusCancelFail, 17)},
		&pdu.ReplaceSM{
			Header: header(pdu.CommandReplaceSM, 0, 18), MessageID: []byte("34f60ac1"), Source: address,
			ScheduleDeliveryTime: []byte("000001000000000R"), ValidityPeriod: []byte("260728120000000+"),
			RegisteredDelivery: 1, SMDefaultMsgID: 9, ShortMessage: []byte("the other text"), TLVs: tlvs,
		},
		&pdu.ReplaceSMResp{Header: header(pdu.CommandReplaceSMResp, 0, 18)},
		multi(3, tlvs),
		multi(254, nil),
		&pdu.SubmitMultiResp{Header: header(pdu.CommandSubmitMultiResp, 0, 19), MessageID: []byte("34f60ac1")},
		&pdu.SubmitMultiResp{
			Header: header(pdu.CommandSubmitMultiResp, 0, 19), MessageID: []byte("34f60ac1"),
			Unsuccess: []pdu.UnsuccessSME{{Address: address, Status: pdu.StatusInvDstAdr}, {Status: 0x410}}, TLVs: tlvs,
		},
		&pdu.SubmitMultiResp{Header: header(pdu.CommandSubmitMultiResp, pdu.StatusSubmitFail, 19)},
	}
	for _, mode := range []pdu.CommandID{pdu.BindReceiver, pdu.BindTransmitter, pdu.BindTransceiver} {
		list = append(list, &pdu.Bind{
			Header: header(mode, 0, 1), SystemID: []byte("bindery"), Password: []byte("secret08"), SystemType: []byte("VMA"),
			InterfaceVersion: pdu.Version34, AddressRange: pdu.Address{TON: 1, NPI: 1, Addr: []byte("^8210")},
		}, &pdu.BindResp{
			Header: header(mode.Response(), 0, 1), SystemID: []byte("SMSC01"), TLVs: pdu.TLVs{{Tag: pdu.TagSCInterfaceVersion, Value: []byte{0x34}}},
		}, &pdu.BindResp{Header: header(mode.Response(), pdu.StatusBindFail, 1)})
	}
	return list
}
