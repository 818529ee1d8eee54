package smsctest

import (
	"encoding/hex"
	"math/rand/v2"
	"strconv"
)

// IDForm is how a message's number is written as message_id.
type IDForm int

const (
	Hex         IDForm = iota // lower case, no padding
	HexUpper                  // upper case, no padding
	HexPadded                 // lower case, with leading zeros up to IDs.Width (default 16)
	HexUpperPad               // upper case, with leading zeros up to IDs.Width (default 16)
	Decimal                   // no padding
	Padded                    // decimal with leading zeros up to IDs.Width (default 20)
	UUID                      // 36 characters, made from the number
)

// IDSource is where the numbers come from.
type IDSource int

const (
	Random64 IDSource = iota // random, 64 bits
	Counter                  // IDs.First and on
	Reused                   // Counter modulo IDs.Modulus: ids come again
)

// IDs says which ids submit_sm_resp gives, and how receipts write the same
// number: a carrier that answers in hex and reports in decimal is
// IDs{Response: Hex, Receipt: Decimal}.
type IDs struct {
	Source   IDSource
	First    uint64 // of Counter and Reused; default 1
	Modulus  uint64 // of Reused; default 1000
	Width    int    // of the padded forms, digits; 0: the form's default
	Response IDForm
	Receipt  IDForm
}

func (f IDForm) append(dst []byte, n uint64, width int) []byte {
	switch f {
	case HexUpper:
		return upper(dst, strconv.AppendUint(dst, n, 16))
	case HexPadded:
		return pad(dst, n, 16, orDefault(width, 16))
	case HexUpperPad:
		return upper(dst, pad(dst, n, 16, orDefault(width, 16)))
	case Decimal:
		return strconv.AppendUint(dst, n, 10)
	case Padded:
		return pad(dst, n, 10, orDefault(width, 20))
	case UUID:
		return appendUUID(dst, n)
	default:
		return strconv.AppendUint(dst, n, 16)
	}
}

// upper turns what whole holds beyond head into upper case.
func upper(head, whole []byte) []byte {
	for i := len(head); i < len(whole); i++ {
		if c := whole[i]; c >= 'a' && c <= 'f' {
			whole[i] = c - 'a' + 'A'
		}
	}
	return whole
}

func pad(dst []byte, n uint64, base, width int) []byte {
	var digits [20]byte
	d := strconv.AppendUint(digits[:0], n, base)
	for i := len(d); i < width; i++ {
		dst = append(dst, '0')
	}
	return append(dst, d...)
}

// appendUUID spreads n over 122 bits, the same for the same n.
func appendUUID(dst []byte, n uint64) []byte {
	hi, lo := mix(n), mix(^n)
	var b [16]byte
	for i := range 8 {
		b[i], b[8+i] = byte(hi>>(56-8*i)), byte(lo>>(56-8*i))
	}
	b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80 // version 4, variant 1 (RFC 9562)
	for i, cut := range []int{0, 4, 6, 8, 10} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, b[cut:[]int{4, 6, 8, 10, 16}[i]])
	}
	return dst
}

// mix is a bijection of 64 bits, so that different numbers stay different.
func mix(x uint64) uint64 {
	x ^= x >> 32
	x *= 0xD6E8FEB86659FD93
	x ^= x >> 32
	x *= 0xD6E8FEB86659FD93
	return x ^ x>>32
}

func (ids *IDs) next(r *rand.Rand, counted uint64) uint64 {
	switch ids.Source {
	case Counter:
		return orDefault(ids.First, 1) + counted
	case Reused:
		return orDefault(ids.First, 1) + counted%orDefault(ids.Modulus, 1000)
	default:
		return r.Uint64()
	}
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
