package coding

import (
	"errors"
	"fmt"
)

// Octets of a concatenation header, its length octet included.
const (
	udh8Len  = 6
	udh16Len = 7
)

// Information elements of a concatenation (3GPP 23.040 §9.2.3.24.1 and .8).
const (
	ieConcat8  = 0x00
	ieConcat16 = 0x08
)

// ErrBadUDH is wrapped by the errors of a user data header that does not add up.
var ErrBadUDH = errors.New("bad user data header")

// Concat says which part of which message a short message is. Reference 0 is a
// reference like any other.
type Concat struct {
	Ref   uint16
	Total uint8 // 1..255
	Seq   uint8 // 1..Total
	Wide  bool  // of 16 bits; the same number of 8 bits is another reference
}

// AppendConcatUDH appends the header of one part; without Wide it holds the
// low octet of the reference.
func AppendConcatUDH(dst []byte, c Concat) []byte {
	if c.Wide {
		return append(dst, udh16Len-1, ieConcat16, 4, byte(c.Ref>>8), byte(c.Ref), c.Total, c.Seq)
	}
	return append(dst, udh8Len-1, ieConcat8, 3, byte(c.Ref), c.Total, c.Seq)
}

// SplitUDH parts user data whose esm_class says UDHI into header, its length
// octet included, and what follows. Both alias octets.
func SplitUDH(octets []byte) (udh, body []byte, err error) {
	if len(octets) == 0 {
		return nil, nil, fmt.Errorf("%w: no user data", ErrBadUDH)
	}
	end := 1 + int(octets[0])
	if end > len(octets) {
		return nil, nil, fmt.Errorf("%w: length %d in %d octets", ErrBadUDH, octets[0], len(octets))
	}
	return octets[:end], octets[end:], nil
}

// FindConcat looks for a concatenation in a header that SplitUDH found. The
// last one counts, and one that numbers its part 0 or past its total is
// passed over (3GPP 23.040 §9.2.3.24 and .24.1). An error is an element that
// runs over the header's end.
func FindConcat(udh []byte) (c Concat, ok bool, err error) {
	if len(udh) == 0 {
		return c, false, nil
	}
	for at := 1; at < len(udh); {
		if at+2 > len(udh) || at+2+int(udh[at+1]) > len(udh) {
			return c, ok, fmt.Errorf("%w: element at octet %d runs over its end", ErrBadUDH, at)
		}
		data := udh[at+2 : at+2+int(udh[at+1])]
		if found, is := parseConcat(udh[at], data); is {
			c, ok = found, true
		}
		at += 2 + len(data)
	}
	return c, ok, nil
}

func parseConcat(id byte, data []byte) (c Concat, ok bool) {
	switch {
	case id == ieConcat8 && len(data) == 3:
		c = Concat{Ref: uint16(data[0]), Total: data[1], Seq: data[2]}
	case id == ieConcat16 && len(data) == 4:
		c = Concat{Ref: uint16(data[0])<<8 | uint16(data[1]), Total: data[2], Seq: data[3], Wide: true}
	default:
		return c, false
	}
	return c, c.Seq >= 1 && c.Seq <= c.Total
}
