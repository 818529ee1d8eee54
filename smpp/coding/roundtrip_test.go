package coding

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// alphabetOf gives runes to draw texts of an encoding from, those that need
// two units among them. CR is left out of the packed one (see putPacked).
func alphabetOf(e Encoding) []rune {
	switch e {
	case GSM7:
		return []rune(strings.ReplaceAll(gsmBasic, "\u00a0", "") + "€[]{}\\^~|\f")
	case GSM7Packed:
		return []rune(strings.NewReplacer("\u00a0", "", "\r", "").Replace(gsmBasic) + "€[]{}\\^~|\f")
	case ASCII:
		return []rune("abc \n~\x00")
	case Latin1:
		return []rune("abcéÿ\u0080£")
	case Cyrillic:
		return []rune("abЖжё№")
	case Hebrew:
		return []rune("abשלום")
	case EUCKR:
		return []rune("ab 가힝㈜€漢")
	case UCS2:
		return []rune("a\x00ж가\uFFFD\uFEFF😀🐳\U0010FFFF")
	default:
		panic("no alphabet of " + e.String())
	}
}

func checkRoundTrip(t interface{ Fatalf(string, ...any) }, p *Profile, text string, forced Encoding, ref uint16) {
	plan, err := p.Plan(text, forced)
	if err != nil {
		t.Fatalf("plan of %q: %v", text, err)
	}
	var parts []Fragment
	for i := range plan.Parts {
		room := make([]byte, 0, 160)
		b, err := plan.AppendPart(room, text, i, ref)
		if err != nil {
			t.Fatalf("part %d of %q: %v", i, text, err)
		}
		if limit := partLimit(plan); len(b) > limit {
			t.Fatalf("part %d has %d octets, limit %d", i, len(b), limit)
		}
		if !plan.Payload && cap(b) != cap(room) {
			t.Fatalf("part %d outgrew 160 octets", i)
		}
		f, err := ParseFragment(b, plan.DataCoding, plan.ESMClass())
		if err != nil {
			t.Fatalf("part %d of %q: %v", i, text, err)
		}
		if plan.SAR() {
			f.Concat = Concat{Ref: ref, Total: uint8(plan.Parts), Seq: uint8(i + 1)}
		}
		if plan.Parts > 1 && (f.Concat.Seq != uint8(i+1) || f.Concat.Total != uint8(plan.Parts)) {
			t.Fatalf("part %d says %+v", i, f.Concat)
		}
		parts = append(parts, f)
	}
	rand.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	if got, err := p.Join(parts); err != nil || got != text {
		t.Fatalf("%+v: joined %q, %v, want %q", plan, got, err, text)
	}
}

// partLimit is the octets of one part; unpacked GSM takes an octet a septet,
// and a header of 6 or 7 octets costs 7 or 8 septets.
func partLimit(p Plan) int {
	switch {
	case p.Payload:
		return maxPayload
	case p.Encoding == GSM7 && p.Parts == 1:
		return 160
	case p.Encoding == GSM7:
		return 159
	default:
		return 140
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.SampledFrom([]Encoding{GSM7, GSM7Packed, ASCII, Latin1, Cyrillic, Hebrew, UCS2, EUCKR}).Draw(t, "encoding")
		unit := rapid.StringOfN(rapid.SampledFrom(alphabetOf(e)), 1, 40, -1).Draw(t, "text")
		text := strings.Repeat(unit, rapid.IntRange(0, 30).Draw(t, "times"))
		long := rapid.SampledFrom([]LongMessage{UDH, UDH16, SAR, Payload}).Draw(t, "long")
		p := Profile{Encodings: []Encoding{e}, Long: long}
		checkRoundTrip(t, &p, text, Auto, rapid.Uint16().Draw(t, "ref"))
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("Price €5 [ok]", uint8(0), uint16(0))
	f.Add(strings.Repeat("😀", 80), uint8(1), uint16(255))
	f.Add(strings.Repeat("가a", 100), uint8(2), uint16(256))
	f.Add("a\xed\xa0\xbd", uint8(3), uint16(1))
	f.Fuzz(func(t *testing.T, text string, long uint8, ref uint16) {
		p := Profile{Encodings: []Encoding{GSM7, EUCKR, Latin1, UCS2}, Long: LongMessage(long % 4)}
		plan, err := p.Plan(text, Auto)
		if (err == nil) != (utf8.ValidString(text) && plan.Parts > 0) {
			t.Fatalf("%+v, %v", plan, err)
		}
		if err == nil {
			checkRoundTrip(t, &p, text, Auto, ref)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x05\x00\x03\x00\x02\x02\xbe\xe4\x00\x21"), uint8(8), uint8(0x40))
	f.Add([]byte("\xd8\x3d\xde"), uint8(8), uint8(0))
	f.Add([]byte("\x31\xd9\x8c\x56\xb3\xdd\x1a"), uint8(0), uint8(0))
	f.Add([]byte("\xff"), uint8(0), uint8(0x40))
	f.Add([]byte("\x04\x00\x03\x01\x02"), uint8(14), uint8(0x40))
	f.Fuzz(func(t *testing.T, octets []byte, dataCoding, esm uint8) {
		for _, first := range []Encoding{GSM7, GSM7Packed, EUCKR} {
			p := Profile{Encodings: []Encoding{first, UCS2}}
			part, err := ParseFragment(octets, dataCoding, esm)
			if err != nil {
				continue
			}
			if c := part.Concat; c.Total != 0 && (c.Seq < 1 || c.Seq > c.Total) {
				t.Fatalf("%+v", c)
			}
			if text, _ := p.Join([]Fragment{part}); !utf8.ValidString(text) {
				t.Fatalf("%q is no UTF-8", text)
			}
			if text, _ := p.Decode(octets, dataCoding); !utf8.ValidString(text) {
				t.Fatalf("%q is no UTF-8", text)
			}
		}
	})
}
