package coding

import (
	"errors"
	"strings"
	"testing"
)

func TestBorders(t *testing.T) {
	r := strings.Repeat
	tests := []struct {
		name  string
		enc   Encoding
		long  LongMessage
		text  string
		parts int
		units int
	}{
		{"empty", GSM7, UDH, "", 1, 0},
		{"gsm 160", GSM7, UDH, r("a", 160), 1, 160},
		{"gsm 161", GSM7, UDH, r("a", 161), 2, 161},
		{"gsm 306", GSM7, UDH, r("a", 306), 2, 306},
		{"gsm 307", GSM7, UDH, r("a", 307), 3, 307},
		{"gsm 304, 16-bit reference", GSM7, UDH16, r("a", 304), 2, 304},
		{"gsm 305, 16-bit reference", GSM7, UDH16, r("a", 305), 3, 305},
		{"gsm, sar", GSM7, SAR, r("a", 307), 3, 307},
		{"gsm 80 of two septets", GSM7, UDH, r("€", 80), 1, 160},
		{"gsm 81 of two septets: 76 fit a part", GSM7, UDH, r("€", 81), 2, 162},
		{"gsm 153 of two septets: 76, 76, 1", GSM7, UDH, r("€", 153), 3, 306},
		{"packed 160", GSM7Packed, UDH, r("a", 160), 1, 160},
		{"packed 307", GSM7Packed, UDH, r("a", 307), 3, 307},
		{"ucs2 70", UCS2, UDH, r("ж", 70), 1, 70},
		{"ucs2 71", UCS2, UDH, r("ж", 71), 2, 71},
		{"ucs2 134", UCS2, UDH, r("ж", 134), 2, 134},
		{"ucs2 135", UCS2, UDH, r("ж", 135), 3, 135},
		{"ucs2 133, 16-bit reference", UCS2, UDH16, r("ж", 133), 3, 133},
		{"ucs2 67 pairs: 33 fit a part", UCS2, UDH, r("😀", 67), 3, 134},
		{"latin1 140", Latin1, UDH, r("é", 140), 1, 140},
		{"latin1 141", Latin1, UDH, r("é", 141), 2, 141},
		{"latin1 268", Latin1, UDH, r("é", 268), 2, 268},
		{"latin1 269", Latin1, UDH, r("é", 269), 3, 269},
		{"latin1 267, 16-bit reference", Latin1, UDH16, r("é", 267), 3, 267},
		{"cyrillic", Cyrillic, UDH, r("ж", 140), 1, 140},
		{"hebrew", Hebrew, UDH, r("ש", 140), 1, 140},
		{"ascii", ASCII, UDH, r("a", 141), 2, 141},
		{"euc-kr 70", EUCKR, UDH, r("가", 70), 1, 140},
		{"euc-kr 134: 67 fit a part", EUCKR, UDH, r("가", 134), 2, 268},
		{"euc-kr 133, 16-bit reference: 66 fit", EUCKR, UDH16, r("가", 133), 3, 266},
		{"payload, short", GSM7, Payload, r("a", 160), 1, 160},
		{"payload, long", GSM7, Payload, r("a", 161), 1, 161},
		{"payload, two octets of UTF-8 a septet", GSM7, Payload, r("é", 300), 1, 300},
		{"255 parts", GSM7, UDH, r("a", 255*153), 255, 255 * 153},
	}
	for _, tt := range tests {
		p := Profile{Encodings: []Encoding{tt.enc}, Long: tt.long}
		plan, err := p.Plan(tt.text, Auto)
		if err != nil || plan.Parts != tt.parts || plan.Units != tt.units || plan.Encoding != tt.enc {
			t.Errorf("%s: %+v, %v, want %d parts of %d units", tt.name, plan, err, tt.parts, tt.units)
		}
		if long := tt.long == Payload && tt.units > 160; plan.Payload != long {
			t.Errorf("%s: payload %v", tt.name, plan.Payload)
		}
	}
}

func TestChoice(t *testing.T) {
	korea := []Encoding{GSM7, EUCKR, UCS2}
	tests := []struct {
		text   string
		encs   []Encoding
		forced Encoding
		want   Encoding
	}{
		{"hi", nil, Auto, GSM7},
		{"ж", nil, Auto, UCS2},
		{"가", korea, Auto, EUCKR},
		{"가😀", korea, Auto, UCS2},
		{"뷁", korea, Auto, UCS2}, // in CP949 only
		{"hi", korea, UCS2, UCS2},
		{"hi", []Encoding{GSM7Packed, UCS2}, GSM7, GSM7Packed},
		{"hi", []Encoding{GSM7}, GSM7Packed, GSM7},
		{"ж", []Encoding{ASCII, Latin1, Cyrillic}, Auto, Cyrillic},
		{"\x00\xff", nil, Binary, Binary},
	}
	for _, tt := range tests {
		p := Profile{Encodings: tt.encs}
		if plan, err := p.Plan(tt.text, tt.forced); err != nil || plan.Encoding != tt.want {
			t.Errorf("%q in %v: %s, %v, want %s", tt.text, tt.encs, plan.Encoding, err, tt.want)
		}
	}
}

func TestRefused(t *testing.T) {
	long := strings.Repeat("a", 255*153+1)
	tests := []struct {
		name   string
		p      Profile
		text   string
		forced Encoding
		want   string
	}{
		{"named character", Profile{Encodings: []Encoding{GSM7}}, "né ж", Auto,
			`character 4, 'ж' (U+0436), cannot be written in gsm7`},
		{"the furthest", Profile{Encodings: []Encoding{Cyrillic, GSM7}}, "ж€ж", Auto,
			`character 2, '€' (U+20AC), cannot be written in cyrillic, gsm7`},
		{"in a later part", Profile{Encodings: []Encoding{GSM7}}, strings.Repeat("a", 400) + "ж", Auto,
			`character 401, 'ж' (U+0436), cannot be written in gsm7`},
		{"in a payload", Profile{Encodings: []Encoding{GSM7}, Long: Payload}, strings.Repeat("a", 400) + "ж", Auto,
			`character 401, 'ж' (U+0436), cannot be written in gsm7`},
		{"forced", Profile{}, "ж", GSM7, `character 1, 'ж' (U+0436), cannot be written in gsm7`},
		{"not offered", Profile{}, "a", Latin1, `encoding latin1 is not among the carrier's`},
		{"parts", Profile{}, long, Auto, `text needs 256 parts, at most 255 are possible`},
		{"payload", Profile{Long: Payload}, strings.Repeat("ж", 32768), Auto,
			`text needs 65536 octets, message_payload holds 65535`},
		{"lone surrogate", Profile{}, "ab\xed\xa0\xbd", Auto, `text is not valid Unicode at octet 2`},
		{"broken UTF-8 behind what GSM lacks", Profile{Encodings: []Encoding{GSM7}}, "ж\xc3", Auto,
			`text is not valid Unicode at octet 2`},
		{"over-long UTF-8", Profile{Encodings: []Encoding{Latin1}}, "\xc0\x80", Auto, `text is not valid Unicode at octet 0`},
	}
	for _, tt := range tests {
		if plan, err := tt.p.Plan(tt.text, tt.forced); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %+v, %v, want %q", tt.name, plan, err, tt.want)
		}
	}
	var p Profile
	if _, err := p.Plan("\xff", Auto); !errors.Is(err, ErrInvalidText) {
		t.Errorf("%v is no ErrInvalidText", err)
	}
	if _, err := p.Plan("\uFFFD", Auto); err != nil {
		t.Errorf("U+FFFD itself is a character: %v", err)
	}
}

func TestAppendPartRefuses(t *testing.T) {
	var p Profile
	text := strings.Repeat("a", 200)
	plan, err := p.Plan(text, Auto)
	if err != nil {
		t.Fatal(err)
	}
	dst := []byte("kept")
	for _, tt := range []struct {
		text string
		part int
	}{{text, -1}, {text, 2}, {"short", 0}, {text + text, 1}, {"ж" + text, 0}, {"\xff" + text, 0}} {
		got, err := plan.AppendPart(dst, tt.text, tt.part, 1)
		if err == nil || string(got) != "kept" {
			t.Errorf("part %d of %.10q: %q, %v", tt.part, tt.text, got, err)
		}
	}
	if _, err := (Plan{}).AppendPart(nil, "", 0, 0); err == nil {
		t.Error("a plan that was never made has a part")
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"gsm7", "gsm7-packed", "ascii", "latin1", "cyrillic", "hebrew", "ucs2", "euc-kr", "auto"} {
		if e, err := ParseEncoding(name); err != nil || e.String() != name {
			t.Errorf("%s: %s, %v", name, e, err)
		}
	}
	for _, name := range []string{"binary", "GSM7", "utf-8"} {
		if e, err := ParseEncoding(name); err == nil {
			t.Errorf("%s is taken as %s", name, e)
		}
	}
	for _, name := range []string{"udh", "udh16", "sar", "payload"} {
		if l, err := ParseLongMessage(name); err != nil || l.String() != name {
			t.Errorf("%s: %s, %v", name, l, err)
		}
	}
	if _, err := ParseLongMessage(""); err == nil {
		t.Error("an empty long_message is taken")
	}
}

func TestValidate(t *testing.T) {
	for _, p := range []Profile{{}, {Encodings: []Encoding{EUCKR, UCS2}, Long: Payload}} {
		if err := p.Validate(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, p := range []Profile{
		{Encodings: []Encoding{Auto}}, {Encodings: []Encoding{GSM7, Binary}}, {Encodings: []Encoding{99}},
		{Encodings: []Encoding{GSM7, GSM7}}, {Long: 4},
	} {
		if err := p.Validate(); err == nil {
			t.Errorf("%+v is taken", p)
		}
	}
	auto := Profile{Encodings: []Encoding{Auto}}
	if _, err := auto.Plan("a", Auto); err == nil {
		t.Error("a text was planned in no encoding")
	}
}

func TestNumbers(t *testing.T) {
	p := Profile{Encodings: []Encoding{EUCKR, UCS2}, DataCoding: map[Encoding]uint8{EUCKR: 0}}
	plan, err := p.Plan("가", Auto)
	if err != nil || plan.DataCoding != 0 || plan.Encoding != EUCKR {
		t.Errorf("%+v, %v", plan, err)
	}
	if text, err := p.Decode([]byte{0xB0, 0xA1}, 0); err != nil || text != "가" {
		t.Errorf("data_coding 0 of that carrier: %q, %v", text, err)
	}
	want := map[uint8]Encoding{
		0: EUCKR, 1: ASCII, 2: Binary, 3: Latin1, 4: Binary, 6: Cyrillic, 7: Hebrew, 8: UCS2, 14: EUCKR,
		0x10: GSM7, 0x14: Binary, 0x18: UCS2, 0xC0: GSM7, 0xD0: GSM7, 0xE0: UCS2, 0xF0: GSM7, 0xF1: GSM7, 0xF5: Binary,
	}
	for n, e := range want {
		if got, ok := p.EncodingOf(n); !ok || got != e {
			t.Errorf("data_coding 0x%02X: %s, %v, want %s", n, got, ok, e)
		}
	}
	for _, n := range []uint8{5, 9, 10, 13, 0x1C, 0x20, 0x80} {
		if got, ok := p.EncodingOf(n); ok {
			t.Errorf("data_coding 0x%02X is taken for %s", n, got)
		}
	}
	packed := Profile{Encodings: []Encoding{GSM7Packed}}
	for _, n := range []uint8{0, 0x10, 0xF0} {
		if got, _ := packed.EncodingOf(n); got != GSM7Packed {
			t.Errorf("data_coding 0x%02X of a packing carrier: %s", n, got)
		}
	}
}
