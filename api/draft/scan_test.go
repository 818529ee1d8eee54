package draft

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"bindery/gateway/ingress"
)

// holdAgainstStdlib reads a body by both, and wants the same: what one refuses
// the other does too, and texts are equal. The scanner is stricter in three
// ways, which are looked at apart: octets that are no UTF-8, depth, halves of
// surrogate pairs.
func holdAgainstStdlib(t interface{ Fatalf(string, ...any) }, body string) {
	d, p := strictMessage(body)
	holdFast(t, body, &d, p)
	valid := json.Valid([]byte(body))
	trimmed := strings.TrimLeft(body, " \t\r\n")
	isObject := valid && trimmed[0] == '{'
	switch {
	case p == nil && !isObject:
		t.Fatalf("%q is taken and is no JSON object", body)
	case p != nil && p.Status == 422 && (!valid || isObject):
		t.Fatalf("%q: %s", body, p.Detail)
	case p != nil && p.Status == 400 && isObject && utf8.ValidString(body) && !strings.Contains(p.Detail, "nested deeper"):
		t.Fatalf("%q is JSON, and refused: %s", body, p.Detail)
	}
	if p != nil || len(d.Faults) > 0 {
		return
	}
	var want map[string]string
	if err := json.Unmarshal([]byte(body), &want); err != nil {
		t.Fatalf("%q passes, but: %v", body, err)
	}
	for name, value := range want {
		to, bit := field(&d, name)
		if to == nil || *to != value || bit != 0 && d.Set&bit == 0 {
			t.Fatalf("%q: %s", body, name)
		}
	}
}

// holdFast: what the fast way takes is what the strict one reads.
func holdFast(t interface{ Fatalf(string, ...any) }, body string, strict *ingress.Draft, p *Error) {
	var d ingress.Draft
	if !fastMessage(body, &d) {
		return
	}
	if p != nil || len(strict.Faults) > 0 || !reflect.DeepEqual(&d, strict) {
		t.Fatalf("%q: fast %+v, strict %+v %+v", body, d, strict, p)
	}
}

// TestFastWay takes what is mostly sent, and leaves what is doubtful.
func TestFastWay(t *testing.T) {
	for body, taken := range map[string]bool{
		good: true, " " + good + "\r\n": true, `{"text":"\u00e9\n"}`: true, `{"text":"é"}`: true, `{"reference":""}`: true,
		"{}": false, `{"text":1}`: false, `{"text":"a","text":"b"}`: false, `{"txt":"a"}`: false, `{"text":"\ud800"}`: false, `{"te\u0078t":"a"}`: true,
		`{"text":"a",}`: false, `{"text":"a"} x`: false, "{\"text\":\"\xff\"}": false, "": false, "[]": false,
	} {
		if got := fastMessage(body, &ingress.Draft{}); got != taken {
			t.Errorf("%q: %v", body, got)
		}
	}
}

var seeds = []string{
	good, "", "{}", "[]", "nul", "null", `"a"`, "1", `{"a":"\ud83d\ude00"}`, `{"text":"\\u"}`, `{"x":{"y":[1,"]"]},"to":"1"}`, `{"to":"\u00`, " { } ",
	`{"text":"\ud83d\ude00\"\\\/\b\f\n\r\t\u00e9"}`, `{"x":-0.5e+10,"y":[true,false,null,{}]}`, `{"x":01}`, `{"x":1.}`, `{"x":.5}`, `{"x":1e}`, `{"x":-}`, `{"x":tru}`,
	`{"text":"\u12G4"}`, `{"text":"\u00E9\u00c9"}`, `{"x":[1,]}`, `{"x":[}`, `{"text" : "a" , "to" : "b"}`, `{"text":"\uD83D\u0041"}`, "{\"text\":\"\xed\xa0\x80\"}", `{"a":1}{`,
	`{"to":"a","to":"b"}`, `{,}`, `{"a"}`, `{"a":}`, "{\x00}", "\x00", `{"text":"` + "\x7f" + `"}`, `{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}",
}

func TestScannerAgainstStdlib(t *testing.T) {
	for _, seed := range seeds {
		holdAgainstStdlib(t, seed)
	}
}

func FuzzMessage(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) { holdAgainstStdlib(t, body) })
}

// TestTextsRoundTrip: whatever text is written as JSON is read back, with every
// way to escape it.
func TestTextsRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.String().Draw(rt, "text")
		plain, err := json.Marshal(map[string]string{"text": text})
		if err != nil {
			rt.Fatal(err)
		}
		escaped := `{"text":"` + escapeAll(text) + `"}`
		for _, body := range []string{string(plain), escaped} {
			d, p := strictMessage(body)
			if p != nil || len(d.Faults) > 0 || d.Text != text {
				rt.Fatalf("%s: %+v, %+v", body, d, p)
			}
		}
	})
}

// escapeAll writes every UTF-16 unit of a text as \uXXXX.
func escapeAll(s string) string {
	var b strings.Builder
	const hex = "0123456789abcdefABCDEF"
	unit := func(u rune) {
		b.WriteString(`\u`)
		for shift := 12; shift >= 0; shift -= 4 {
			b.WriteByte(hex[u>>shift&15])
		}
	}
	for _, r := range s {
		if r < 0x10000 {
			unit(r)
			continue
		}
		unit(0xD800 + (r-0x10000)>>10)
		unit(0xDC00 + (r-0x10000)&0x3FF)
	}
	return b.String()
}

// TestFastAgainstStrict on messages put together of pieces that are right and
// wrong.
func TestFastAgainstStrict(t *testing.T) {
	pieces := []string{
		`{`, `}`, `,`, `:`, ` `, `"to"`, `"from"`, `"text"`, `"priority"`, `"reference"`, `"x"`, `"a"`, `""`, `"\n"`, `"\ud83d\ude00"`, `"\ud83d"`, `"é"`, "\"\xff\"",
		"\"\n\"", `1`, `null`, `"to":"1"`, `"text":"a"`, `,"from":"b"`, `{"to":"1","from":"2","text":"3"`,
	}
	rapid.Check(t, func(rt *rapid.T) {
		body := "{" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 12).Draw(rt, "pieces"), "")
		holdAgainstStdlib(rt, body)
	})
}

const typical = `{"to":"+821012345678","from":"15441234","text":"Hello, your code is 123456","priority":"urgent","reference":"order-123456"}`

func BenchmarkParse(b *testing.B) {
	for name, body := range map[string]string{"plain": typical, "escaped": strings.Replace(typical, "Hello", `\uc548\ub155\n`, 1)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, p := Message(body); p != nil {
					b.Fatal(p)
				}
			}
		})
		b.Run("strict "+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, p := strictMessage(body); p != nil {
					b.Fatal(p)
				}
			}
		})
	}
}

const good = `{"to":"+821012345678","from":"1544","text":"hi"}`
