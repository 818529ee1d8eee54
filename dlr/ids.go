package dlr

import (
	"math/big"
	"strconv"
	"strings"
)

// An id is opaque text (SMPP 3.4 §5.2.23): the rules below change only ids
// that are wholly digits or hex digits, so a UUID or a base-36 id is left as
// it is but for its case. They work on both sides alike, which is why a zero
// that is stripped can never keep an id from matching.

// Normal is the form under which a carrier whose submit_sm_resp has ids of
// this form has them stored and looked up. As-is means the very octets: short
// ids in base 62 differ by case alone.
func (f IDForm) Normal(id string) string {
	if f == AsIs {
		return id
	}
	return Normal(id)
}

// Normal is the normal form of an id for every IDForm but AsIs: lower case,
// and without leading zeros when all of it is hex digits. An id that is normal
// already is answered as it is, without an allocation.
func Normal(id string) string {
	upper, hex := false, len(id) > 0
	for i := 0; i < len(id); i++ {
		c := id[i]
		upper = upper || 'A' <= c && c <= 'Z'
		hex = hex && isHex(c)
	}
	if hex {
		id = stripZeros(id)
	}
	if upper {
		id = lowerASCII(id)
	}
	return id
}

// Rule is how a reading comes from the id of a receipt.
type Rule uint8

const (
	Same         Rule = iota // the same text but for case and padding
	DecimalToHex             // the receipt is decimal, submit_sm_resp hex
	HexToDecimal             // the receipt is hex, submit_sm_resp decimal
)

// Reading is one id of submit_sm_resp, in the normal form of its IDForm, that
// an id of a receipt may stand for.
type Reading struct {
	ID   string
	Rule Rule
}

// AppendReadings appends what id, out of a receipt, may be called in a
// submit_sm_resp of a carrier with these forms, the surer first and none
// twice: at least one, at most three. More than one means that the id alone
// does not tell: when two of them name different parts, the receipt is
// ambiguous and its caller waits instead of choosing; when just one does, its
// Rule is what the carrier's habit is learned from.
//
// Two named forms leave one reading, by value. An id that cannot be read in
// the form that is named for it is taken as it stands.
func AppendReadings(dst []Reading, id string, submit, receipt IDForm) []Reading {
	n := submit.Normal(id)
	dec, hex := digits(n)
	toHex := dec && mayBe(receipt, Decimal) && mayBe(submit, Hex)
	toDec := hex && mayBe(receipt, Hex) && mayBe(submit, Decimal)
	named := submit != Auto && receipt != Auto
	if !(named && (toHex || toDec)) {
		dst = append(dst, Reading{n, Same})
	}
	if toHex {
		dst = appendRebased(dst, n, 10, 16, named, DecimalToHex)
	}
	if toDec {
		dst = appendRebased(dst, n, 16, 10, named, HexToDecimal)
	}
	return dst
}

// Variants are the ids of AppendReadings alone.
func Variants(id string, submit, receipt IDForm) []string {
	var room [3]Reading
	rs := AppendReadings(room[:0], id, submit, receipt)
	out := make([]string, len(rs))
	for i, r := range rs {
		out[i] = r.ID
	}
	return out
}

// mayBe tells whether ids of form f can be written in the numeric form want.
func mayBe(f, want IDForm) bool { return f == Auto || f == want }

// appendRebased appends id in another base. Under auto only numbers of 64 bits
// are converted: longer ids are hashes and UUIDs, which nobody writes in
// decimal. An id below ten reads the same in both bases and is not repeated,
// unless it is the only reading there is.
func appendRebased(dst []Reading, id string, from, to int, named bool, rule Rule) []Reading {
	v, err := strconv.ParseUint(id, from, 64)
	if err == nil {
		if v < 10 && !named {
			return dst
		}
		return append(dst, Reading{strconv.FormatUint(v, to), rule})
	}
	if !named {
		return dst
	}
	n, _ := new(big.Int).SetString(id, from) // all digits of the base: it reads
	return append(dst, Reading{n.Text(to), rule})
}

// digits tells whether all of id is decimal digits, and whether all of it is
// hex digits.
func digits(id string) (dec, hex bool) {
	dec, hex = len(id) > 0, len(id) > 0
	for i := 0; i < len(id); i++ {
		dec = dec && '0' <= id[i] && id[i] <= '9'
		hex = hex && isHex(id[i])
	}
	return dec, hex
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func stripZeros(id string) string {
	if s := strings.TrimLeft(id, "0"); s != "" {
		return s
	}
	return "0"
}

// lowerASCII leaves octets above 0x7F alone, whatever they were meant to be.
func lowerASCII(id string) string {
	b := []byte(id)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}
