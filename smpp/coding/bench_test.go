package coding

import (
	"strings"
	"testing"
)

var benchTexts = []struct {
	name string
	p    Profile
	text string
}{
	{"gsm160", Profile{}, strings.Repeat("Your code is 4711. ", 9)[:160]},
	{"ucs2-70", Profile{}, strings.Repeat("Ваш код 4711. ", 5)},
	{"ucs2-160", Profile{}, strings.Repeat("Ваш код 4711. ", 12)},
	{"euckr", Profile{Encodings: []Encoding{GSM7, EUCKR}}, strings.Repeat("인증번호 4711 ", 8)},
	{"packed160", Profile{Encodings: []Encoding{GSM7Packed}}, strings.Repeat("Your code is 4711. ", 9)[:160]},
	{"gsm-10-parts", Profile{}, strings.Repeat("a", 1530)},
}

func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	buf := make([]byte, 0, 160)
	for _, tt := range benchTexts {
		plan, err := tt.p.Plan(tt.text, Auto)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = tt.p.Plan(tt.text, Auto) }); n > 0 {
			t.Errorf("%s: Plan allocates %v times", tt.name, n)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = plan.AppendPart(buf, tt.text, plan.Parts-1, 1) }); n > 0 {
			t.Errorf("%s: AppendPart allocates %v times", tt.name, n)
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	for _, tt := range benchTexts {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tt.p.Plan(tt.text, Auto); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendPart(b *testing.B) {
	buf := make([]byte, 0, 160)
	for _, tt := range benchTexts {
		plan, err := tt.p.Plan(tt.text, Auto)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := plan.AppendPart(buf, tt.text, plan.Parts-1, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
