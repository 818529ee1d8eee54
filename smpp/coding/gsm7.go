package coding

import "unicode/utf8"

const (
	escape    = 0x1B
	extended  = 0x80 // flag in the tables: the septet follows an escape
	noSeptet  = 0xFF
	fillSpare = 0x0D // CR, 23.038 §6.1.2.3.1
)

// The default alphabet, 3GPP 23.038 §6.2.1, sixteen septets a line; the escape
// stands as a no-break space, which is not in it.
const gsmBasic = "@£$¥èéùìòÇ\nØø\rÅå" +
	"Δ_ΦΓΛΩΠΨΣΘΞ\u00a0ÆæßÉ" +
	" !\"#¤%&'()*+,-./" +
	"0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNO" +
	"PQRSTUVWXYZÄÖÑÜ§" +
	"¿abcdefghijklmno" +
	"pqrstuvwxyzäöñüà"

// The extension table, 3GPP 23.038 §6.2.1.1.
var gsmExtension = map[byte]rune{
	0x0A: '\f', 0x14: '^', 0x28: '{', 0x29: '}', 0x2F: '\\',
	0x3C: '[', 0x3D: '~', 0x3E: ']', 0x40: '|', 0x65: '€',
}

var (
	gsmRunes    [128]rune // septet -> character
	gsmExtRunes [128]rune // septet after an escape -> character, 0 where there is none
	gsmASCII    [256]byte // notPlain, plain: ASCII of one septet, sameOctet
	gsmLow      [256]byte // characters below U+0100 -> septet, extended, or noSeptet
	gsmGreek    [32]byte  // U+0390..U+03AF, likewise
)

const greekBase = 0x390

// What gsmASCII says of an octet of UTF-8.
const (
	notPlain  = iota // no ASCII, or not one septet
	plain            // one septet
	sameOctet        // which is the same number
)

func init() {
	for i := range gsmLow {
		gsmLow[i] = noSeptet
	}
	for i := range gsmGreek {
		gsmGreek[i] = noSeptet
	}
	septet := byte(0)
	for _, r := range gsmBasic {
		gsmRunes[septet] = r
		if septet != escape {
			setSeptet(r, septet)
		}
		septet++
	}
	for s, r := range gsmExtension {
		gsmExtRunes[s] = r
		setSeptet(r, s|extended)
	}
	for c := range byte(utf8.RuneSelf) {
		switch s := gsmLow[c]; {
		case s == c:
			gsmASCII[c] = sameOctet
		case s < extended:
			gsmASCII[c] = plain
		}
	}
}

func setSeptet(r rune, s byte) {
	switch {
	case r < 0x100:
		gsmLow[r] = s
	case inGreek(r):
		gsmGreek[r-greekBase] = s
	}
}

func inGreek(r rune) bool { return r >= greekBase && r < greekBase+int32(len(gsmGreek)) }

// septetOf answers the septet of r, with extended if an escape goes before it,
// or noSeptet.
func septetOf(r rune) byte {
	switch {
	case r < 0x100:
		return gsmLow[r]
	case inGreek(r):
		return gsmGreek[r-greekBase]
	case r == '€':
		return 0x65 | extended
	default:
		return noSeptet
	}
}

// fitGSM never cuts between an escape and its septet: a character is taken
// whole or not at all.
func fitGSM(text string, limit int) (n, units int, p problem) {
	for {
		// Most texts are characters of one octet and one septet.
		some := plainGSM(text[n : n+min(len(text)-n, max(0, limit-units))])
		n, units = n+some, units+some
		if n == len(text) {
			return n, units, fine
		}
		r, size := rune(text[n]), 1
		if r >= utf8.RuneSelf {
			if r, size = utf8.DecodeRuneInString(text[n:]); r == utf8.RuneError && size <= 1 {
				return n, units, invalid
			}
		}
		s := septetOf(r)
		if s == noSeptet {
			return n, units, lacking
		}
		cost := 1 + int(s>>7)
		if units+cost > limit {
			return n, units, fine
		}
		n, units = n+size, units+cost
	}
}

// plainGSM counts the ASCII characters of one septet at the start of text.
func plainGSM(text string) int {
	for i := range len(text) {
		if gsmASCII[text[i]] == notPlain {
			return i
		}
	}
	return len(text)
}

// sameGSM counts the characters at the start of text whose septet is their octet.
func sameGSM(text string) int {
	for i := range len(text) {
		if gsmASCII[text[i]] != sameOctet {
			return i
		}
	}
	return len(text)
}

func putGSM(dst []byte, text string) []byte {
	for len(text) > 0 {
		same := sameGSM(text)
		dst = append(dst, text[:same]...)
		text = text[same:]
		r, size := utf8.DecodeRuneInString(text)
		if size == 0 {
			break
		}
		s := septetOf(r)
		if s&extended != 0 {
			dst = append(dst, escape)
		}
		dst = append(dst, s&^extended)
		text = text[size:]
	}
	return dst
}

// decodeGSM reads septets, one an octet. What stands after an escape and is in
// no table is shown as the default alphabet has it, an escape after an escape
// as a space (23.038 §6.2.1.1). bad is the first octet above 0x7F or escape at
// the end, -1 if there is none; U+FFFD stands for it.
func decodeGSM(dst []byte, octets []byte) (_ []byte, bad int) {
	bad = -1
	for i := 0; i < len(octets); i++ {
		r := rune(utf8.RuneError)
		switch c := octets[i]; {
		case c == escape && i+1 < len(octets):
			i++
			r = afterEscape(octets[i])
		case c < 0x80 && c != escape:
			r = gsmRunes[c]
		}
		if r == utf8.RuneError && bad < 0 {
			bad = i
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, bad
}

func afterEscape(c byte) rune {
	switch {
	case c >= 0x80:
		return utf8.RuneError
	case c == escape:
		return ' '
	case gsmExtRunes[c] != 0:
		return gsmExtRunes[c]
	default:
		return gsmRunes[c]
	}
}
