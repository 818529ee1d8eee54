package coding

import (
	"bytes"
	"testing"

	gosmpp "github.com/fiorix/go-smpp/smpp/encoding"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

// Other people's encoders agree octet by octet.
func TestAgainstOtherEncoders(t *testing.T) {
	others := map[Encoding]encoding.Encoding{
		GSM7:     gosmpp.GSM7(false),
		Latin1:   charmap.ISO8859_1,
		Cyrillic: charmap.ISO8859_5,
		Hebrew:   charmap.ISO8859_8,
		EUCKR:    korean.EUCKR,
		UCS2:     unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	}
	for e, other := range others {
		t.Run(e.String(), rapid.MakeCheck(func(t *rapid.T) {
			text := rapid.StringOfN(rapid.SampledFrom(alphabetOf(e)), 1, 35, -1).Draw(t, "text")
			want, err := other.NewEncoder().Bytes([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			p := Profile{Encodings: []Encoding{e}}
			plan, err := p.Plan(text, Auto)
			if err != nil {
				t.Fatal(err)
			}
			got, err := plan.AppendPart(nil, text, 0, 0)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%q: %x, %v, want %x", text, got, err, want)
			}
		}))
	}
}

// Every character of KS X 1001 is written as golang.org/x/text writes it.
func TestEUCKRTable(t *testing.T) {
	enc := korean.EUCKR.NewEncoder()
	held := 0
	for r, octets := range ksx1001() {
		if octets == 0 {
			continue
		}
		held++
		want, err := enc.Bytes([]byte(string(rune(r))))
		if err != nil || len(want) != 2 || want[0] != byte(octets>>8) || want[1] != byte(octets) {
			t.Errorf("%c: %04x, golang.org/x/text has %x, %v", r, octets, want, err)
		}
	}
	if held < 8224 { // 2,350 syllables, 4,888 hanja (268 of them twice), 986 others and the euro
		t.Errorf("%d characters", held)
	}
}
