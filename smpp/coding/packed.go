package coding

// putPacked appends text as septets in octets, the first on the septet border
// after a header of so many octets (3GPP 23.040 §9.2.3.24).
//
// sm_length counts octets, so seven spare bits at the end would read as one
// more septet, an @: they are filled with CR, which unpack takes off again
// (23.038 §6.1.2.3.1, made for USSD, does the same). A CR that is the text's
// own and lies there cannot be told from the filling.
func putPacked(dst []byte, text string, header int) []byte {
	b := bitWriter{dst: dst, used: fillBits(header)}
	for _, r := range text {
		s := septetOf(r)
		if s&extended != 0 {
			b.put(escape)
		}
		b.put(s &^ extended)
	}
	return b.end()
}

// fillBits lie between a header and the first septet.
func fillBits(header int) uint { return uint(7-header*8%7) % 7 }

// bitWriter packs septets, the lowest bit first.
type bitWriter struct {
	dst  []byte
	acc  uint16
	used uint // bits in acc, below 8
}

func (b *bitWriter) put(septet byte) {
	b.acc |= uint16(septet) << b.used
	b.used += 7
	if b.used >= 8 {
		b.dst = append(b.dst, byte(b.acc))
		b.acc >>= 8
		b.used -= 8
	}
}

func (b *bitWriter) end() []byte {
	if b.used == 1 { // seven are spare
		b.put(fillSpare)
	}
	if b.used > 0 {
		b.dst = append(b.dst, byte(b.acc))
	}
	return b.dst
}

// unpack appends the septets, one an octet, of what follows a header of so
// many octets.
func unpack(dst, octets []byte, header int) []byte {
	fill := fillBits(header)
	total := uint(len(octets)) * 8
	if total < fill {
		return dst
	}
	n := (total - fill) / 7
	for i := range n {
		at := fill + i*7
		v := uint16(octets[at/8])
		if at/8+1 < uint(len(octets)) {
			v |= uint16(octets[at/8+1]) << 8
		}
		dst = append(dst, byte(v>>(at%8))&0x7F)
	}
	// Septets up to the very last bit: the last one may be the filling.
	if n > 0 && fill+n*7 == total && dst[len(dst)-1] == fillSpare {
		dst = dst[:len(dst)-1]
	}
	return dst
}
