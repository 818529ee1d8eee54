package coding

import (
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// fitOctets is fit for a charset of one octet a character that begins with
// ASCII.
func fitOctets(text string, limit int, holds func(rune) bool) (n, units int, p problem) {
	for n < len(text) && units < limit {
		size := 1
		if text[n] >= utf8.RuneSelf {
			var r rune
			r, size = utf8.DecodeRuneInString(text[n:])
			if r == utf8.RuneError && size <= 1 {
				return n, units, invalid
			}
			if !holds(r) {
				return n, units, lacking
			}
		}
		units++
		n += size
	}
	return n, units, fine
}

func fitASCII(text string, limit int) (int, int, problem) {
	return fitOctets(text, limit, func(rune) bool { return false })
}

func fitLatin1(text string, limit int) (int, int, problem) {
	return fitOctets(text, limit, func(r rune) bool { return r < 0x100 })
}

func putLatin1(dst []byte, text string) []byte {
	for _, r := range text {
		dst = append(dst, byte(r))
	}
	return dst
}

func fitCyrillic(text string, limit int) (int, int, problem) {
	return fitOctets(text, limit, func(r rune) bool { _, ok := charmap.ISO8859_5.EncodeRune(r); return ok })
}

func putCyrillic(dst []byte, text string) []byte { return putCharmap(dst, text, charmap.ISO8859_5) }

func fitHebrew(text string, limit int) (int, int, problem) {
	return fitOctets(text, limit, func(r rune) bool { _, ok := charmap.ISO8859_8.EncodeRune(r); return ok })
}

func putHebrew(dst []byte, text string) []byte { return putCharmap(dst, text, charmap.ISO8859_8) }

func putCharmap(dst []byte, text string, m *charmap.Charmap) []byte {
	for _, r := range text {
		c, _ := m.EncodeRune(r)
		dst = append(dst, c)
	}
	return dst
}

// decodeCharmap: U+FFFD stands for octets that the charset leaves empty; bad
// is the first of them, -1 if there is none.
func decodeCharmap(dst, octets []byte, m *charmap.Charmap) (_ []byte, bad int) {
	bad = -1
	for i, c := range octets {
		r := m.DecodeByte(c)
		if r == utf8.RuneError && bad < 0 {
			bad = i
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, bad
}

func decodeASCII(dst, octets []byte) (_ []byte, bad int) {
	bad = -1
	for i, c := range octets {
		r := rune(c)
		if c >= utf8.RuneSelf {
			r = utf8.RuneError
			if bad < 0 {
				bad = i
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, bad
}

func fitNothing(text string, _ int) (int, int, problem) {
	if text == "" {
		return 0, 0, fine
	}
	return 0, 0, lacking
}

func fitBinary(text string, limit int) (int, int, problem) {
	n := min(len(text), limit)
	return n, n, fine
}

func putBinary(dst []byte, text string) []byte { return append(dst, text...) }
