package coding

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// fieldCase is one line of testdata/texts.jsonl.
type fieldCase struct {
	ID    string `json:"id"`
	Input struct {
		Op       string         `json:"op"`
		Text     string         `json:"text"`
		Texts    []string       `json:"texts"`
		Hex      string         `json:"hex"`
		Short    string         `json:"short_message"`
		Coding   uint8          `json:"data_coding"`
		Messages []fieldMessage `json:"messages"`
		Profile  *fieldProfile  `json:"profile"`
		Profiles []fieldProfile `json:"profiles"`
	} `json:"input"`
	Expect fieldExpect `json:"expect"`
}

type fieldMessage struct {
	Short  string `json:"short_message"`
	Coding uint8  `json:"data_coding"`
	ESM    uint8  `json:"esm_class"`
}

type fieldProfile struct {
	Alphabet string `json:"default_alphabet"`
	Charset  string `json:"charset"`
	Long     string `json:"long"`
	SMS      int    `json:"sms_max_octets"`
	LMS      int    `json:"lms_max_octets"`
}

type fieldExpect struct {
	Each       []fieldExpect `json:"each"`
	DataCoding *uint8        `json:"data_coding"`
	Coding     string        `json:"coding"`
	Parts      *int          `json:"parts"`
	PartUnits  []int         `json:"part_units"`
	PartOctets []int         `json:"part_octets"`
	ESM        *uint8        `json:"esm_class"`
	Short      *string       `json:"short_message"`
	SMLength   *int          `json:"sm_length"`
	Octets     *int          `json:"octets"`
	TLV        string        `json:"tlv"`
	Class      string        `json:"class"`
	Text       *string       `json:"text"`
}

func (f fieldProfile) profile(t *testing.T) *Profile {
	p := &Profile{}
	switch f.Alphabet + f.Charset {
	case "gsm", "":
	case "gsm-packed":
		p.Encodings = []Encoding{GSM7Packed, UCS2}
	case "latin1":
		p.Encodings, p.DataCoding = []Encoding{Latin1, UCS2}, map[Encoding]uint8{Latin1: 0}
	case "euc-kr":
		p.Encodings = []Encoding{EUCKR, UCS2}
	case "ucs2":
		p.Encodings = []Encoding{UCS2}
	default:
		t.Fatalf("profile %+v is not known", f)
	}
	if f.Long != "" {
		long, err := ParseLongMessage(strings.TrimSuffix(f.Long, "8"))
		if err != nil {
			t.Fatal(err)
		}
		p.Long = long
	}
	return p
}

func TestFieldCases(t *testing.T) {
	data, err := os.ReadFile("testdata/texts.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(data)) {
		var c fieldCase
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		seen++
		t.Run(c.ID, func(t *testing.T) { runCase(t, c) })
	}
	if seen != 16 {
		t.Errorf("%d cases, want 16", seen)
	}
}

func runCase(t *testing.T, c fieldCase) {
	profiles, expects := c.Input.Profiles, c.Expect.Each
	if c.Input.Profile != nil {
		profiles = []fieldProfile{*c.Input.Profile}
	}
	if len(profiles) == 0 {
		profiles = []fieldProfile{{}}
	}
	if expects == nil {
		expects = []fieldExpect{c.Expect}
	}
	switch c.Input.Op {
	case "encode", "encode-binary":
		text, forced := c.Input.Text, Auto
		if c.Input.Op == "encode-binary" {
			text, forced = string(unhex(t, c.Input.Hex)), Binary
		}
		for i, want := range expects {
			checkEncode(t, profiles[i].profile(t), text, forced, want)
		}
	case "decode":
		got, err := profiles[0].profile(t).Decode(unhex(t, c.Input.Short), c.Input.Coding)
		if err != nil || got != *c.Expect.Text {
			t.Errorf("got %q, %v, want %q", got, err, *c.Expect.Text)
		}
	case "join":
		var parts []Fragment
		for _, m := range c.Input.Messages {
			f, err := ParseFragment(unhex(t, m.Short), m.Coding, m.ESM)
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, f)
		}
		got, err := profiles[0].profile(t).Join(parts)
		if err != nil || got != *c.Expect.Text {
			t.Errorf("got %q, %v, want %q", got, err, *c.Expect.Text)
		}
	case "classify":
		for i, want := range expects {
			class, octets, err := ClassifyKorean(c.Input.Texts[i], profiles[0].SMS, profiles[0].LMS)
			if err != nil || class.String() != want.Class || octets != *want.Octets {
				t.Errorf("%d: got %s, %d, %v, want %s, %d", i, class, octets, err, want.Class, *want.Octets)
			}
		}
	default:
		t.Fatalf("op %q is not known", c.Input.Op)
	}
}

func checkEncode(t *testing.T, p *Profile, text string, forced Encoding, want fieldExpect) {
	t.Helper()
	plan, err := p.Plan(text, forced)
	if err != nil {
		t.Fatal(err)
	}
	var bodies [][]byte
	var octets, units []int
	for i := range plan.Parts {
		b, err := plan.AppendPart(nil, text, i, 0x0102)
		if err != nil {
			t.Fatal(err)
		}
		bodies, octets = append(bodies, b), append(octets, len(b))
		f, err := ParseFragment(b, plan.DataCoding, plan.ESMClass())
		if err != nil {
			t.Fatal(err)
		}
		units = append(units, len(f.Body)*8/codecs[plan.Encoding].bits)
		if plan.Encoding == GSM7 {
			units[i] = len(f.Body)
		}
	}
	check(t, "data_coding", plan.DataCoding, want.DataCoding)
	check(t, "parts", plan.Parts, want.Parts)
	check(t, "esm_class", plan.ESMClass(), want.ESM)
	check(t, "octets", octets[0], want.Octets)
	if want.Short != nil {
		check(t, "short_message", hex.EncodeToString(bodies[0]), want.Short)
	}
	if want.PartUnits != nil && !slices.Equal(units, want.PartUnits) {
		t.Errorf("part_units %v, want %v", units, want.PartUnits)
	}
	if want.PartOctets != nil && !slices.Equal(octets, want.PartOctets) {
		t.Errorf("part_octets %v, want %v", octets, want.PartOctets)
	}
	if want.Coding != "" && strings.TrimSuffix(want.Coding, "-unpacked") != plan.Encoding.String() {
		t.Errorf("coding %s, want %s", plan.Encoding, want.Coding)
	}
	if want.TLV != "" {
		got := fmt.Sprintf("0424%04x%x", len(bodies[0]), bodies[0])
		if !plan.Payload || got != want.TLV {
			t.Errorf("payload %v, message_payload %s, want %s", plan.Payload, got, want.TLV)
		}
		octets[0] = 0 // nothing is left for short_message
	}
	check(t, "sm_length", octets[0], want.SMLength)
}

func check[T comparable](t *testing.T, what string, got T, want *T) {
	t.Helper()
	if want != nil && got != *want {
		t.Errorf("%s %v, want %v", what, got, *want)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
