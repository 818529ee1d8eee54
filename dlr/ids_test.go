package dlr

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNormal(t *testing.T) {
	for in, want := range map[string]string{
		"":                                     "",
		"0":                                    "0",
		"0000":                                 "0",
		"0221068034":                           "221068034",
		"0D2D3B02":                             "d2d3b02",
		"2E179B310EDE971B2760C72B7F026F2C":     "2e179b310ede971b2760c72b7f026f2c",
		"0E999F21-81EF-4974-A414-3DE98174E4D8": "0e999f21-81ef-4974-a414-3de98174e4d8", // R17: not wholly hex
		"S21311242091636504458661822":          "s21311242091636504458661822",
		"00part-0001":                          "00part-0001",
		"0x1F":                                 "0x1f",
		"0É":                                   "0É",
	} {
		if got := Normal(in); got != want {
			t.Errorf("Normal(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestVariants(t *testing.T) {
	tests := []struct {
		name, id        string
		submit, receipt IDForm
		want            []string
	}{
		{"R14 tlv", "38602a7", Auto, Auto, []string{"38602a7", "59114151"}},
		{"R14 text", "0059114151", Auto, Auto, []string{"59114151", "38602a7", "1494303057"}},
		{"R15 named", "0221068034", Hex, Decimal, []string{"d2d3b02"}},
		{"R15 auto", "0221068034", Auto, Auto, []string{"221068034", "d2d3b02", "9144008756"}},
		{"R17", "0e999f21-81ef-4974-a414-3de98174e4d8", Auto, Auto, []string{"0e999f21-81ef-4974-a414-3de98174e4d8"}},
		{"R17 upper case", "0E999F21-81EF-4974-A414-3DE98174E4D8", Hex, Decimal, []string{"0e999f21-81ef-4974-a414-3de98174e4d8"}},
		{"as-is", "00aB", AsIs, AsIs, []string{"00aB"}},
		{"as-is in submit_sm_resp alone", "00aB", AsIs, Hex, []string{"00aB"}},
		{"as-is in receipts alone", "0012", Auto, AsIs, []string{"12"}},
		{"hex on both", "00AB", Hex, Hex, []string{"ab"}},
		{"decimal on both", "0099", Decimal, Decimal, []string{"99"}},
		{"decimal against hex", "FF", Decimal, Hex, []string{"255"}},
		{"decimal against hex, all digits", "0010", Decimal, Hex, []string{"16"}},
		{"decimal named, hex stands there", "ff", Hex, Decimal, []string{"ff"}},
		{"receipt decimal, submit unknown", "16", Auto, Decimal, []string{"16", "10"}},
		{"receipt hex, submit unknown", "10", Auto, Hex, []string{"10", "16"}},
		{"submit hex, receipt unknown", "16", Hex, Auto, []string{"16", "10"}},
		{"submit decimal, receipt unknown", "10", Decimal, Auto, []string{"10", "16"}},
		{"one digit reads alike", "7", Auto, Auto, []string{"7"}},
		{"one digit, named", "007", Hex, Decimal, []string{"7"}},
		{"past 64 bits, auto", "2E179B310EDE971B2760C72B7F026F2C", Auto, Auto, []string{"2e179b310ede971b2760c72b7f026f2c"}},
		{"past 64 bits, named", "340282366920938463463374607431768211455", Hex, Decimal, []string{strings.Repeat("f", 32)}},
		{"empty", "", Auto, Auto, []string{""}},
	}
	for _, tt := range tests {
		if got := Variants(tt.id, tt.submit, tt.receipt); !slices.Equal(got, tt.want) {
			t.Errorf("%s: Variants(%q) = %q, want %q", tt.name, tt.id, got, tt.want)
		}
	}
}

func TestReadingsNameTheirRule(t *testing.T) {
	got := AppendReadings(nil, "0012", Auto, Auto)
	want := []Reading{{"12", Same}, {"c", DecimalToHex}, {"18", HexToDecimal}}
	if !slices.Equal(got, want) {
		t.Errorf("readings of 0012: %v, want %v", got, want)
	}
}

// Whatever a carrier writes a number as, on either side, the number's submit
// form is among the variants of its receipt form.
func TestVariantsHoldTheSubmitForm(t *testing.T) {
	write := map[IDForm]func(uint64) string{
		Hex:     func(v uint64) string { return strconv.FormatUint(v, 16) },
		Decimal: func(v uint64) string { return strconv.FormatUint(v, 10) },
	}
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Uint64().Draw(t, "value")
		submit := rapid.SampledFrom([]IDForm{Hex, Decimal}).Draw(t, "submit")
		receipt := rapid.SampledFrom([]IDForm{Hex, Decimal}).Draw(t, "receipt")
		dress := func(name, s string) string {
			if rapid.Bool().Draw(t, name+" upper") {
				s = strings.ToUpper(s)
			}
			return strings.Repeat("0", rapid.IntRange(0, 12).Draw(t, name+" zeros")) + s
		}
		stored := Normal(dress("submit", write[submit](v)))
		came := dress("receipt", write[receipt](v))
		for _, forms := range [][2]IDForm{{submit, receipt}, {Auto, receipt}, {submit, Auto}, {Auto, Auto}} {
			if vs := Variants(came, forms[0], forms[1]); !slices.Contains(vs, stored) {
				t.Fatalf("%q under %v: %q lacks %q", came, forms, vs, stored)
			}
		}
		if vs := Variants(came, submit, receipt); len(vs) != 1 {
			t.Fatalf("two named forms leave one reading: %q", vs)
		}
	})
}

func TestVariantsAreNormalAndDistinct(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[0-9A-Fa-fz-]{0,40}`).Draw(t, "id")
		forms := rapid.SampledFrom([]IDForm{Auto, AsIs, Hex, Decimal})
		submit := forms.Draw(t, "submit")
		vs := Variants(id, submit, forms.Draw(t, "receipt"))
		if len(vs) < 1 || len(vs) > 3 {
			t.Fatalf("%d variants of %q", len(vs), id)
		}
		for i, v := range vs {
			if submit.Normal(v) != v || slices.Contains(vs[:i], v) {
				t.Fatalf("variants of %q: %q", id, vs)
			}
		}
	})
}
