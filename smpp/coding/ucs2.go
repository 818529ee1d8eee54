package coding

import (
	"unicode/utf16"
	"unicode/utf8"
)

// fitUCS2 counts UTF-16 units: a character above U+FFFF is a surrogate pair,
// taken whole or not at all.
func fitUCS2(text string, limit int) (n, units int, p problem) {
	for n < len(text) {
		cost, size := 1, 1
		if text[n] >= utf8.RuneSelf {
			var r rune
			r, size = utf8.DecodeRuneInString(text[n:])
			if r == utf8.RuneError && size <= 1 {
				return n, units, invalid
			}
			if r > 0xFFFF {
				cost = 2
			}
		}
		if units+cost > limit {
			return n, units, fine
		}
		units += cost
		n += size
	}
	return n, units, fine
}

func putUCS2(dst []byte, text string) []byte {
	for _, r := range text {
		if r > 0xFFFF {
			hi, lo := utf16.EncodeRune(r)
			dst = append(dst, byte(hi>>8), byte(hi))
			r = lo
		}
		dst = append(dst, byte(r>>8), byte(r))
	}
	return dst
}

// decodeUCS2 reads UTF-16; bad is the octet of the first lone surrogate or odd
// octet at the end, -1 if there is none; U+FFFD stands for it.
func decodeUCS2(dst, octets []byte) (_ []byte, bad int) {
	bad = -1
	for i := 0; i < len(octets); i += 2 {
		r := rune(utf8.RuneError)
		ok := false
		if i+1 < len(octets) {
			r = rune(octets[i])<<8 | rune(octets[i+1])
			ok = true
		}
		if utf16.IsSurrogate(r) {
			r = pairAt(octets, i)
			ok = r != utf8.RuneError
		}
		if !ok && bad < 0 {
			bad = i
		}
		if r > 0xFFFF {
			i += 2
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, bad
}

// pairAt reads the surrogate pair at octet i, U+FFFD if there is none.
func pairAt(octets []byte, i int) rune {
	if i+3 >= len(octets) {
		return utf8.RuneError
	}
	return utf16.DecodeRune(
		rune(octets[i])<<8|rune(octets[i+1]),
		rune(octets[i+2])<<8|rune(octets[i+3]))
}
