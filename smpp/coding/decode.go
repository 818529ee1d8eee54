package coding

import (
	"errors"
	"fmt"

	"golang.org/x/text/encoding/charmap"
)

// Errors of Decode that callers tell apart.
var (
	// ErrNotText is wrapped for a data_coding that says octets, or that
	// nobody knows.
	ErrNotText = errors.New("no text")
	// ErrBadText is wrapped for octets that the encoding does not explain.
	ErrBadText = errors.New("octets are not in the encoding that data_coding names")
)

// EncodingOf is the encoding that a data_coding of this carrier stands for:
// first what the profile says of its encodings, then SMPP 3.4 §5.2.19. Data
// coding 0 is the carrier's default alphabet: the profile's, or GSM.
func (p *Profile) EncodingOf(dataCoding uint8) (Encoding, bool) {
	for _, e := range p.encodings() {
		if p.NumberOf(e) == dataCoding {
			return e, true
		}
	}
	for e := GSM7; e <= Binary; e++ {
		if e != GSM7Packed && codecs[e].dataCoding == dataCoding {
			return e, true
		}
	}
	return p.gsmGroup(dataCoding)
}

// gsmGroup reads what is left as a GSM data coding scheme (3GPP 23.038 §4):
// classes in 0x10..0x1F and 0xF0..0xFF, waiting messages in 0xC0..0xEF.
func (p *Profile) gsmGroup(dataCoding uint8) (Encoding, bool) {
	gsm := GSM7
	if e, ok := p.encodingOfZero(); ok && isGSM(e) {
		gsm = e
	}
	switch dataCoding >> 4 {
	case 0x1:
		return [...]Encoding{gsm, Binary, UCS2, Auto}[dataCoding>>2&3], dataCoding>>2&3 != 3
	case 0xC, 0xD:
		return gsm, true
	case 0xE:
		return UCS2, true
	case 0xF:
		return [...]Encoding{gsm, Binary}[dataCoding>>2&1], true
	}
	if dataCoding == 2 {
		return Binary, true
	}
	return Auto, false
}

func (p *Profile) encodingOfZero() (Encoding, bool) {
	for _, e := range p.encodings() {
		if p.NumberOf(e) == 0 {
			return e, true
		}
	}
	return Auto, false
}

// Decode reads the text of user data without a header. With an error that
// wraps ErrBadText the text is there too, U+FFFD in the place of what could
// not be read; with one that wraps ErrNotText there is none.
func (p *Profile) Decode(octets []byte, dataCoding uint8) (string, error) {
	e, ok := p.EncodingOf(dataCoding)
	if !ok {
		return "", fmt.Errorf("%w: data_coding 0x%02X is not known", ErrNotText, dataCoding)
	}
	return decode(octets, e)
}

// decode reads octets that no header goes before.
func decode(octets []byte, e Encoding) (string, error) {
	if e == Binary {
		return "", fmt.Errorf("%w: data_coding says octets", ErrNotText)
	}
	if e == GSM7Packed {
		octets = unpack(make([]byte, 0, len(octets)*8/7), octets, 0)
	}
	dst := make([]byte, 0, len(octets)+8)
	var bad int
	switch e {
	case GSM7, GSM7Packed:
		dst, bad = decodeGSM(dst, octets)
	case ASCII:
		dst, bad = decodeASCII(dst, octets)
	case Latin1:
		dst, bad = decodeCharmap(dst, octets, charmap.ISO8859_1)
	case Cyrillic:
		dst, bad = decodeCharmap(dst, octets, charmap.ISO8859_5)
	case Hebrew:
		dst, bad = decodeCharmap(dst, octets, charmap.ISO8859_8)
	case UCS2:
		dst, bad = decodeUCS2(dst, octets)
	case EUCKR:
		dst, bad = decodeEUCKR(dst, octets)
	default:
		return "", fmt.Errorf("%w: encoding %s", ErrNotText, e)
	}
	if bad >= 0 {
		return string(dst), fmt.Errorf("%w: %s at octet %d", ErrBadText, e, bad)
	}
	return string(dst), nil
}
