package pdu_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bindery/smpp/pdu"
)

// capture writes frames as a packet capture: one TCP stream to port 2775, a
// packet a frame, or more where it is large.
func capture(frames [][]byte) []byte {
	var b bytes.Buffer
	put := func(order binary.ByteOrder, fields ...any) {
		for _, f := range fields {
			b.Write(must(binary.Append(nil, order, f)))
		}
	}
	const rawIP = 101 // link type: packets begin with their IP header
	put(binary.LittleEndian, uint32(0xA1B2C3D4), uint16(2), uint16(4), uint32(0), uint32(0), uint32(1<<18), uint32(rawIP))
	sequence, n := uint32(1), uint32(0)
	for _, rest := range frames {
		for len(rest) > 0 {
			segment := rest[:min(len(rest), 1400)]
			rest = rest[len(segment):]
			size := uint32(20 + 20 + len(segment))
			n++
			put(binary.LittleEndian, n, uint32(0), size, size) // seconds, microseconds, lengths
			put(binary.BigEndian,                              // IPv4 (RFC 791), no checksum
				uint8(0x45), uint8(0), uint16(size), uint16(n), uint16(0), uint8(64), uint8(6), uint16(0), uint32(0x0A000001), uint32(0x0A000002))
			put(binary.BigEndian, // TCP (RFC 9293): ports, PSH and ACK, window
				uint16(40000), uint16(2775), sequence, uint32(1), uint8(5<<4), uint8(0x18), uint16(65535), uint16(0), uint16(0))
			b.Write(segment)
			sequence += uint32(len(segment))
		}
	}
	return b.Bytes()
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Another project's dissector names every PDU of the spec, reads the same in
// it, and finds nothing wrong with one of ours.
func TestTshark(t *testing.T) {
	// It takes no PDU above 64 KiB for one; this one comes in 44 segments.
	list := []pdu.PDU{&pdu.SubmitSM{TLVs: pdu.TLVs{{Tag: pdu.TagMessagePayload, Value: make([]byte, 60000)}}}}
	list[0].Head().ID = pdu.CommandSubmitSM
	for _, p := range samples() {
		if _, unknown := p.(*pdu.Unknown); !unknown && len(encode(t, p)) <= 64<<10 {
			list = append(list, p)
		}
	}
	file := captureOf(t, list...)
	lines := tshark(t, file, "smpp", "smpp.command_id", "smpp.command_status", "smpp.sequence_number", "_ws.col.Info")
	if len(lines) != len(list) {
		t.Fatalf("it sees %d PDUs of %d: %q", len(lines), len(list), lines)
	}
	for i, p := range list {
		h := p.Head()
		status := ""
		if h.ID.IsResponse() {
			status = fmt.Sprintf("0x%08x", uint32(h.Status))
		}
		want := fmt.Sprintf("0x%08x\t%s\t%d\t%s", uint32(h.ID), status, h.Sequence, h.ID)
		if asSpec(lines[i]) != want {
			t.Errorf("it sees %q, want %q", asSpec(lines[i]), want)
		}
	}
	if bad := tshark(t, file, faulty, "smpp.command_id", "smpp.sequence_number"); len(bad) != 0 {
		t.Errorf("it calls malformed: %q", bad)
	}
}

const faulty = "_ws.malformed || _ws.expert.severity >= warning"

// asSpec turns "Submit_sm - resp: "Ok"" into "submit_sm_resp".
func asSpec(line string) string {
	line, _, _ = strings.Cut(line, " (")
	line, _, _ = strings.Cut(line, ": ")
	return strings.ReplaceAll(strings.ToLower(line), " - ", "_")
}

func TestTsharkReadsTheFields(t *testing.T) {
	to := pdu.Address{TON: 1, NPI: 1, Addr: []byte("82")}
	tests := []struct {
		pdu    pdu.PDU
		fields string
		want   string
	}{
		{&pdu.Outbind{SystemID: []byte("SMSC"), Password: []byte("secret")}, "system_id password", "SMSC secret"},
		{
			&pdu.SubmitMulti{Destinations: []pdu.Destination{
				{Flag: pdu.DestFlagSME, Address: to}, {Flag: pdu.DestFlagList, Address: pdu.Address{Addr: []byte("vip")}}, {Flag: pdu.DestFlagSME, Address: to},
			}, ShortMessage: []byte("hello")}, "destination_addr dl_name sm_length", "82,82 vip 5",
		},
		{
			&pdu.SubmitMultiResp{MessageID: []byte("m1"), Unsuccess: []pdu.UnsuccessSME{{Address: to, Status: 0x0B}, {Address: to, Status: 0x45}}},
			"message_id destination_addr error_status_code", "m1 82,82 0x0000000b,0x00000045",
		},
		{&pdu.QuerySM{MessageID: []byte("m1"), Source: to}, "message_id source_addr_ton source_addr", "m1 0x01 82"},
		{
			&pdu.QuerySMResp{MessageID: []byte("m1"), FinalDate: []byte("000001000000000R"), MessageState: 5, ErrorCode: 27},
			"message_id message_state error_code", "m1 5 27",
		},
		{
			&pdu.CancelSM{ServiceType: []byte("CMT"), MessageID: []byte("m1"), Source: pdu.Address{Addr: []byte("1588")}, Destination: to},
			"service_type message_id source_addr destination_addr", "CMT m1 1588 82",
		},
		{
			&pdu.ReplaceSM{MessageID: []byte("m1"), Source: to, RegisteredDelivery: 1, SMDefaultMsgID: 9, ShortMessage: []byte("new")},
			"message_id source_addr regdel.receipt sm_default_msg_id sm_length", "m1 82 0x01 9 3",
		},
		{
			&pdu.AlertNotification{Source: to, ESME: pdu.Address{TON: 3, Addr: []byte("1588")}, TLVs: pdu.TLVs{{Tag: pdu.TagMSAvailabilityStatus, Value: []byte{2}}}},
			"source_addr esme_addr_ton esme_addr ms_availability_status", "82 0x03 1588 2",
		},
	}
	var list []pdu.PDU
	seen := map[string]bool{}
	var fields []string
	for _, tt := range tests {
		list = append(list, tt.pdu)
		for name := range strings.FieldsSeq(tt.fields) {
			if !seen[name] {
				seen[name], fields = true, append(fields, "smpp."+name)
			}
		}
	}
	lines := tshark(t, captureOf(t, list...), "smpp", fields...)
	if len(lines) != len(tests) {
		t.Fatalf("it sees %d PDUs: %q", len(lines), lines)
	}
	for i, tt := range tests {
		got := map[string]string{}
		for j, v := range strings.Split(lines[i], "\t") {
			got[strings.TrimPrefix(fields[j], "smpp.")] = v
		}
		var have []string
		for name := range strings.FieldsSeq(tt.fields) {
			have = append(have, got[name])
		}
		if s := strings.Join(have, " "); s != tt.want {
			t.Errorf("of a %T it reads %s as %q, want %q", tt.pdu, tt.fields, s, tt.want)
		}
	}
}

// The judge can say no: what is cut within its fields is malformed to it.
func TestTsharkFindsFaults(t *testing.T) {
	whole := encode(t, &pdu.ReplaceSM{MessageID: []byte("m1"), ShortMessage: []byte("new")})
	cut := whole[:len(whole)-5]
	setLength(cut, len(cut))
	if bad := tshark(t, captureOf(t, &pdu.Unknown{Header: header(pdu.CommandReplaceSM, 0, 1), Body: cut[pdu.HeaderLen:]}), faulty, "smpp.command_id"); len(bad) != 1 {
		t.Errorf("a replace_sm without its text: it calls malformed %q", bad)
	}
}

// captureOf is a file with PDUs of ours.
func captureOf(t *testing.T, list ...pdu.PDU) string {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		if os.Getenv("BINDERY_REQUIRE") == "1" {
			t.Fatal("tshark is missing: ./scripts/test installs what the suite needs")
		}
		t.Skip("without tshark")
	}
	var frames [][]byte
	for _, p := range list {
		frames = append(frames, encode(t, p))
	}
	file := filepath.Join(t.TempDir(), "run.pcap")
	if err := os.WriteFile(file, capture(frames), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func tshark(t *testing.T, file, filter string, fields ...string) []string {
	t.Helper()
	args := []string{"-r", file, "-d", "tcp.port==2775,smpp", "-Y", filter, "-T", "fields"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	out, err := exec.Command("tshark", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}
