package coding

import (
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding/korean"
)

// ksx1001 maps characters of the BMP to their two octets, 0 where KS X 1001
// has none. The EUC-KR of golang.org/x/text is CP949, whose 8,822 further
// syllables a handset or SMSC with KS C 5601 shows as something else: they are
// not taken here, so a text with one of them goes to the next encoding or is
// refused by name. Built at first use (128 KiB, 8,836 decodings).
var ksx1001 = sync.OnceValue(func() *[0x10000]uint16 {
	var table [0x10000]uint16
	dec := korean.EUCKR.NewDecoder()
	var out [8]byte
	for hi := 0xA1; hi <= 0xFE; hi++ {
		for lo := 0xA1; lo <= 0xFE; lo++ {
			n, _, err := dec.Transform(out[:], []byte{byte(hi), byte(lo)}, true)
			r, size := utf8.DecodeRune(out[:n])
			if err == nil && size == n && r >= utf8.RuneSelf && r != utf8.RuneError && r <= 0xFFFF && table[r] == 0 {
				table[r] = uint16(hi)<<8 | uint16(lo)
			}
		}
	}
	return &table
})

// fitEUCKR counts octets; the two of a character stay together.
func fitEUCKR(text string, limit int) (n, units int, p problem) {
	table := ksx1001()
	for n < len(text) {
		cost, size := 1, 1
		if text[n] >= utf8.RuneSelf {
			var r rune
			r, size = utf8.DecodeRuneInString(text[n:])
			if r == utf8.RuneError && size <= 1 {
				return n, units, invalid
			}
			if r > 0xFFFF || table[r] == 0 {
				return n, units, lacking
			}
			cost = 2
		}
		if units+cost > limit {
			return n, units, fine
		}
		units += cost
		n += size
	}
	return n, units, fine
}

func putEUCKR(dst []byte, text string) []byte {
	table := ksx1001()
	for _, r := range text {
		if r < utf8.RuneSelf {
			dst = append(dst, byte(r))
			continue
		}
		dst = append(dst, byte(table[r]>>8), byte(table[r]))
	}
	return dst
}

// decodeEUCKR takes CP949 too, since phones send it. bad is the first octet
// of what is neither, -1 if there is none; U+FFFD stands for it.
func decodeEUCKR(dst, octets []byte) (_ []byte, bad int) {
	bad = -1
	dec := korean.EUCKR.NewDecoder()
	var out [8]byte
	for i := 0; i < len(octets); {
		if octets[i] < utf8.RuneSelf {
			dst = append(dst, octets[i])
			i++
			continue
		}
		n, used, err := dec.Transform(out[:], octets[i:min(i+2, len(octets))], true)
		r, size := utf8.DecodeRune(out[:n])
		if err != nil || used == 0 || r == utf8.RuneError {
			r, used = utf8.RuneError, 1
			if bad < 0 {
				bad = i
			}
		} else if used == 2 && size < n { // one octet and the next
			used = 1
		}
		dst = utf8.AppendRune(dst, r)
		i += used
	}
	return dst, bad
}
