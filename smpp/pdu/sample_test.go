package pdu_test

import (
	"bytes"
	"encoding/hex"
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
		&pdu.Unknown{Header: header(pdu.CommandQuerySM, 0, 13), Body: []byte{}},
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
