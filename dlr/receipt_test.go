package dlr

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the table must not depend on the machine

	"bindery/queue"
)

func TestIsReceipt(t *testing.T) {
	tests := []struct {
		name string
		n    Notice
		want bool
	}{
		{"receipt", Notice{ESMClass: 0x04}, true},
		{"receipt with header", Notice{ESMClass: 0x44}, true},
		{"intermediate", Notice{ESMClass: 0x20}, true},
		{"both bits", Notice{ESMClass: 0x24}, true},
		{"from a handset", Notice{ESMClass: 0}, false},
		{"from a handset, with header", Notice{ESMClass: 0x40}, false},
		{"handset's acknowledgement", Notice{ESMClass: 0x08}, false},
		{"reserved type", Notice{ESMClass: 0x0C}, false},
		{"text that looks like one", Notice{Octets: []byte("id:1 stat:DELIVRD")}, false},
		{"by receipted_message_id", Notice{MessageID: []byte("1\x00")}, true},
		{"by an empty one", Notice{MessageID: []byte("\x00")}, false},
		{"message_state alone", Notice{HasState: true, State: 2}, false},
	}
	for _, tt := range tests {
		if got := tt.n.IsReceipt(); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestParseReceiptText(t *testing.T) {
	tests := []struct {
		name, in string
		id       string
		state    State
		err      string
		text     string // "-": none
	}{
		{"case", "ID:ab STAT:delivrd ERR:1 TEXT:x", "ab", Delivered, "1", "x"},
		{"empty err", "id:1 stat:UNDELIV err: text:x", "1", Undeliverable, "", "x"},
		{"space after the colon", "id: 12 stat: EXPIRED", "12", Expired, "", "-"},
		{"no blank but one kind", "id:1\tstat:DELETED\r\nerr:7", "1", Deleted, "7", "-"},
		{"NUL at the end", "id:1 stat:DELIVRD\x00", "1", Delivered, "", "-"},
		{"words before", "Receipt: id:1 stat:SKIPPED", "1", Skipped, "", "-"},
		{"first counts", "id:1 stat:UNDELIV id:2 stat:DELIVRD", "1", Undeliverable, "", "-"},
		{"stat behind text", "id:1 text:hello you stat:REJECTD", "1", Rejected, "", "hello you"},
		{"the last stat behind text", "id:1 text:stat:DELIVRD ok stat:UNDELIV err:9", "1", Undeliverable, "9", "-"},
		{"id behind text stays there", "id:1 text:id:2 stat:DELIVRD", "1", Delivered, "", "id:2"},
		{"id and stat behind text", "sub:001 text:hi id:5 stat:DELIVRD", "5", Delivered, "", "hi"},
		{"unknown word before text, one behind", "id:1 stat:FOO text: stat:DELIVRD", "1", Delivered, "", "-"},
		{"text: inside the text", "id:1 stat:DELIVRD text:a text:b", "1", Delivered, "", "a text:b"},
		{"field names inside words", "id:1 grid:9 estat:DELIVRD stat:UNKNOWN", "1", Unknown, "", "-"},
		{"ucs2", widen("id:7 stat:DELIVRD text:hi"), "7", Delivered, "", "hi"},
	}
	for _, tt := range tests {
		r, err := ParseReceipt(Notice{ESMClass: 0x04, Octets: []byte(tt.in)})
		text := "-"
		if r.Text != nil {
			text = string(r.Text)
		}
		if err != nil || string(r.TextID) != tt.id || r.State != tt.state || string(r.Err) != tt.err || text != tt.text {
			t.Errorf("%s: id %q, state %s, err %q, text %q, %v", tt.name, r.TextID, r.State, r.Err, text, err)
		}
	}
}

func widen(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteString("\x00" + s[i:i+1])
	}
	return b.String()
}

func TestUnparsedReceipts(t *testing.T) {
	for _, n := range []Notice{
		{},
		{Octets: []byte("stat:DELIVRD")},
		{Octets: []byte("id: stat:DELIVRD")},
		{Octets: []byte("id:1")},
		{Octets: []byte("id:1 stat:SOMETHING")},
		{Octets: []byte("id:1"), HasState: true, State: 10},
		{MessageID: []byte("1")},
		{Octets: []byte("id:" + strings.Repeat("1", 256) + " stat:DELIVRD")},
		{MessageID: []byte("\x00"), HasState: true, State: 2},
	} {
		n.ESMClass = 0x04
		if r, err := ParseReceipt(n); !errors.Is(err, ErrUnparsed) {
			t.Errorf("%q: %+v, %v, want ErrUnparsed", n.Octets, r, err)
		}
	}
}

func TestTLVsGoBeforeText(t *testing.T) {
	n := Notice{
		ESMClass: 0x04, Octets: []byte("id:22 sub:001 stat:DELIVRD err:000 text:id:3"),
		MessageID: []byte("0A\x00"), HasState: true, State: 5, NetworkError: []byte{3, 0, 0x1B},
	}
	r, err := ParseReceipt(n)
	if err != nil {
		t.Fatal(err)
	}
	got := r.Receipt(new(Copies), []byte("82100"), time.Unix(1, 0))
	if !slices.Equal(got.IDs, []string{"0A", "22"}) || got.Status != queue.StatusUndelivered || got.Code != "000" ||
		got.To != "82100" || !got.At.Equal(time.Unix(1, 0)) {
		t.Errorf("%+v", got)
	}
}

// The id that the sender of the message wrote is not looked up beside the TLV.
func TestIDBehindTextIsNotTakenWithTLV(t *testing.T) {
	r, err := ParseReceipt(Notice{ESMClass: 0x04, Octets: []byte("text:id:666 x stat:DELIVRD"), MessageID: []byte("1")})
	if err != nil || r.TextID != nil || r.State != Delivered {
		t.Errorf("%q, %s, %v", r.TextID, r.State, err)
	}
}

func TestIntermediateIsNeverFinal(t *testing.T) {
	r, err := ParseReceipt(Notice{ESMClass: 0x20, Octets: []byte("id:1 stat:UNDELIV err:27")})
	if err != nil || r.Final || r.State != Undeliverable {
		t.Fatalf("%+v, %v", r, err)
	}
	if rc := r.Receipt(new(Copies), nil, time.Time{}); rc.Status != queue.StatusEnroute {
		t.Errorf("status %d, want enroute", rc.Status)
	}
}

func TestReceiptCode(t *testing.T) {
	tests := []struct {
		r    Report
		want string
	}{
		{Report{State: Delivered, Err: []byte("000")}, ""},
		{Report{State: Delivered, Err: []byte("0")}, ""},
		{Report{State: Delivered, Err: []byte("001")}, "001"},
		{Report{State: Undeliverable, Err: []byte("000")}, "000"},
		{Report{State: Undeliverable, Err: []byte("21b"), NetworkError: []byte{3, 0, 1}}, "21b"},
		{Report{State: Undeliverable, NetworkError: []byte{3, 0, 0x1B}}, "03001b"},
		{Report{State: Undeliverable, NetworkError: []byte{3}}, ""},
		{Report{State: Expired}, ""},
	}
	for _, tt := range tests {
		if got := string(tt.r.code()); got != tt.want {
			t.Errorf("%s %q %x: code %q, want %q", tt.r.State, tt.r.Err, tt.r.NetworkError, got, tt.want)
		}
	}
}

func TestStates(t *testing.T) {
	tests := []struct {
		words  string
		wire   uint8
		state  State
		final  bool
		status queue.Status
	}{
		{"SCHEDULED scheduled SCHEDUL", 0, Scheduled, false, queue.StatusEnroute},
		{"ENROUTE EnRoute", 1, Enroute, false, queue.StatusEnroute},
		{"DELIVRD DELIVERED delivered", 2, Delivered, true, queue.StatusDelivered},
		{"EXPIRED", 3, Expired, true, queue.StatusExpired},
		{"DELETED", 4, Deleted, true, queue.StatusUndelivered},
		{"UNDELIV UNDELIVERABLE Undeliverable FAILED", 5, Undeliverable, true, queue.StatusUndelivered},
		{"ACCEPTD ACCEPTED", 6, Accepted, false, queue.StatusEnroute},
		{"UNKNOWN", 7, Unknown, true, queue.StatusUnknown},
		{"REJECTD REJECTED", 8, Rejected, true, queue.StatusRejected},
		{"SKIPPED", 9, Skipped, true, queue.StatusUndelivered},
		{"NONSENSE DELIVRDX 2", 10, NoState, false, queue.StatusEnroute},
		{strings.Repeat("A", 17), 255, NoState, false, queue.StatusEnroute},
	}
	for _, tt := range tests {
		for _, word := range strings.Fields(tt.words) {
			if got := ParseState([]byte(word)); got != tt.state {
				t.Errorf("%s: %s, want %s", word, got, tt.state)
			}
		}
		if got := StateOf(tt.wire); got != tt.state {
			t.Errorf("message_state %d: %s, want %s", tt.wire, got, tt.state)
		}
		if tt.state.Final() != tt.final || tt.state.Status() != tt.status {
			t.Errorf("%s: final %v, status %d", tt.state, tt.state.Final(), tt.state.Status())
		}
	}
}

// F12: no zone in the receipt, so the carrier's setting says which.
func TestParseDate(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		in   string
		zone *time.Location
		want string // RFC 3339, "" none
	}{
		{"2302101454", nil, "2023-02-10T14:54:00Z"},
		{"141023215253", nil, "2014-10-23T21:52:53Z"},
		{"20110314181534", nil, "2011-03-14T18:15:34Z"},
		{"202402101454", nil, "2024-02-10T14:54:00Z"}, // month 24: a century without seconds
		{"2302101454", time.FixedZone("", 14*3600), "2023-02-10T14:54:00+14:00"},
		{"2302101454", time.FixedZone("", -12*3600), "2023-02-10T14:54:00-12:00"},
		{"2407041200", newYork, "2024-07-04T12:00:00-04:00"},
		{"2401041200", newYork, "2024-01-04T12:00:00-05:00"},
		{"2402291200", nil, "2024-02-29T12:00:00Z"},
		{"2302291200", nil, ""},
		{"0000000000", nil, ""},
		{"000000000000", nil, ""},
		{"00000000000000", nil, ""},
		{"2313101454", nil, ""},
		{"2302102460", nil, ""},
		{"23021014", nil, ""},
		{"23021014xx", nil, ""},
		{"", nil, ""},
	}
	for _, tt := range tests {
		got, ok := ParseDate([]byte(tt.in), tt.zone)
		if ok != (tt.want != "") || ok && got.Format(time.RFC3339) != tt.want {
			t.Errorf("%q: %v, %v, want %q", tt.in, got, ok, tt.want)
		}
	}
}

func FuzzReceipt(f *testing.F) {
	f.Add([]byte("id:1 sub:001 dlvrd:001 submit date:2302101454 done date:2302101454 stat:DELIVRD err:000 text:x"), []byte(nil), uint8(0), false)
	f.Add([]byte("text: stat:DELIVRD id:"), []byte("ab\x00"), uint8(2), true)
	f.Add([]byte(widen("id:7 stat:X")), []byte{}, uint8(200), true)
	f.Fuzz(func(t *testing.T, octets, id []byte, state uint8, has bool) {
		before := bytes.Clone(octets)
		n := Notice{ESMClass: 0x04, Octets: octets, MessageID: id, State: state, HasState: has}
		r, err := ParseReceipt(n)
		if !bytes.Equal(before, octets) {
			t.Fatal("the PDU was written to")
		}
		rc := r.Receipt(new(Copies), []byte("1"), time.Time{})
		if (err == nil) != (len(rc.IDs) > 0 && r.State != NoState) {
			t.Fatalf("%v with ids %q and state %s", err, rc.IDs, r.State)
		}
		for _, s := range rc.IDs {
			if s == "" || strings.ContainsAny(s, "\x00") || !slices.Contains(Variants(s, Auto, Auto), Normal(s)) {
				t.Fatalf("id %q", s)
			}
		}
		ParseDate(r.SubmitDate, nil)
	})
}

func TestReceiptAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	n := Notice{ESMClass: 0x04, Octets: []byte("id:0221068034 submit date:2210101200 stat:DELIVRD err:000 text:x")}
	if got := testing.AllocsPerRun(100, func() { _, _ = ParseReceipt(n) }); got > 0 {
		t.Errorf("ParseReceipt: %v allocations", got)
	}
	r, err := ParseReceipt(n)
	if err != nil {
		t.Fatal(err)
	}
	// A new piece now and then.
	copies, to := new(Copies), []byte("1")
	if got := testing.AllocsPerRun(1000, func() { _ = r.Receipt(copies, to, time.Time{}) }); got > 0 {
		t.Errorf("Receipt: %v allocations", got)
	}
	if got := testing.AllocsPerRun(100, func() { _ = Normal("d2d3b02") }); got > 0 {
		t.Errorf("Normal: %v allocations", got)
	}
}

func BenchmarkParseReceipt(b *testing.B) {
	n := Notice{ESMClass: 0x04, Octets: []byte("id:0221068034 sub:001 dlvrd:001 submit date:2210101200 done date:2210101201 stat:DELIVRD err:000 text:Your code is 4711")}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseReceipt(n); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadings(b *testing.B) {
	var room [3]Reading
	b.ReportAllocs()
	for b.Loop() {
		AppendReadings(room[:0], "0221068034", Hex, Decimal)
	}
}

// TestCopiesStay: what was taken of one PDU is not touched by what is taken of
// the next, over many pieces.
func TestCopiesStay(t *testing.T) {
	var c Copies
	var made []Receipt
	octets := make([]byte, 0, 300)
	for i := range 2000 {
		octets = fmt.Appendf(octets[:0], "%0*d", 1+i%250, i) // one buffer for all, as a session's
		r := Report{TLVID: octets, TextID: octets[:len(octets)/2], State: Undeliverable, Err: octets[len(octets)/2:]}
		if len(r.TextID) == 0 {
			r.TextID = nil
		}
		made = append(made, r.Receipt(&c, octets, time.Time{}))
	}
	for i, got := range made {
		all := fmt.Sprintf("%0*d", 1+i%250, i)
		want := []string{all}
		if half := all[:len(all)/2]; half != "" {
			want = append(want, half)
		}
		if !slices.Equal(got.IDs, want) || got.To != all || got.Code != all[len(all)/2:] || cap(got.IDs) != len(got.IDs) {
			t.Fatalf("receipt %d: %+v", i, got)
		}
	}
}
