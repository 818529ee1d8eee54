// Package coding turns text into the octets of a short message and back: the
// GSM 7-bit alphabet with its extension table, UCS-2, and the charsets that
// SMPP has numbers for; and it cuts what is too long into parts. Ingress plans
// every message to validate it and to count its parts, package smppcarrier
// plans it again for the carrier that takes it and appends one part at a time
// into the buffer of a PDU. The package holds no state but tables, which are
// written once, so all of it may be called from any goroutine.
package coding

import "fmt"

// Encoding is a way to write text as octets. The zero value lets the profile
// choose.
type Encoding uint8

const (
	Auto       Encoding = iota
	GSM7                // 3GPP 23.038 default alphabet and extension table, a septet an octet
	GSM7Packed          // the same, eight septets in seven octets
	ASCII
	Latin1   // ISO 8859-1
	Cyrillic // ISO 8859-5
	Hebrew   // ISO 8859-8
	UCS2     // UTF-16, big-endian
	EUCKR    // KS X 1001 alone: what only CP949 has is not taken
	// Binary takes each octet of the string as it is. It has no name in a
	// configuration: it is there for what an upstream hands over as octets.
	Binary
)

// codec is what the package knows of one encoding.
type codec struct {
	name       string
	dataCoding uint8 // SMPP 3.4 §5.2.19
	bits       int   // that one unit takes of the 140 octets
	// fit takes as many characters off the start of text as limit units hold:
	// their octets in text and their units. It stops early, with a problem,
	// at a character that the encoding lacks and at what is no UTF-8.
	fit func(text string, limit int) (n, units int, p problem)
	// put appends text, all of which fit has taken.
	put func(dst []byte, text string) []byte
}

// problem is why fit stopped before its limit.
type problem uint8

const (
	fine    problem = iota
	lacking         // the encoding has no such character
	invalid         // no UTF-8, or a lone surrogate
)

// The table is filled in init: the functions in it lead back to it.
var codecs [Binary + 1]codec

func init() {
	codecs = [...]codec{
		Auto:       {"auto", 0, 8, fitNothing, putBinary}, // no encoding: holds nothing
		GSM7:       {"gsm7", 0, 7, fitGSM, putGSM},
		GSM7Packed: {"gsm7-packed", 0, 7, fitGSM, putGSM}, // packed by AppendPart, which knows the header
		ASCII:      {"ascii", 1, 8, fitASCII, putBinary},
		Latin1:     {"latin1", 3, 8, fitLatin1, putLatin1},
		Cyrillic:   {"cyrillic", 6, 8, fitCyrillic, putCyrillic},
		Hebrew:     {"hebrew", 7, 8, fitHebrew, putHebrew},
		UCS2:       {"ucs2", 8, 16, fitUCS2, putUCS2},
		EUCKR:      {"euc-kr", 14, 8, fitEUCKR, putEUCKR},
		Binary:     {"binary", 4, 8, fitBinary, putBinary},
	}
}

// ParseEncoding reads the name that configuration and API give an encoding;
// "" is "auto".
func ParseEncoding(name string) (Encoding, error) {
	if name == "" {
		return Auto, nil
	}
	for e := Auto; e < Binary; e++ {
		if codecs[e].name == name {
			return e, nil
		}
	}
	return Auto, fmt.Errorf("encoding %q is not known", name)
}

func (e Encoding) String() string {
	if int(e) < len(codecs) {
		return codecs[e].name
	}
	return fmt.Sprintf("Encoding(%d)", uint8(e))
}

// LongMessage is how a text that is too long for one short message is sent.
type LongMessage uint8

const (
	UDH     LongMessage = iota // parts with a header of an 8-bit reference
	UDH16                      // parts with a header of a 16-bit reference
	SAR                        // parts with the sar_* TLVs; the SMSC makes the header
	Payload                    // one PDU with message_payload
)

var longNames = [...]string{UDH: "udh", UDH16: "udh16", SAR: "sar", Payload: "payload"}

// ParseLongMessage reads the name that the configuration gives.
func ParseLongMessage(name string) (LongMessage, error) {
	for l, n := range longNames {
		if n == name {
			return LongMessage(l), nil
		}
	}
	return UDH, fmt.Errorf("long_message %q is not known (udh, udh16, sar, payload)", name)
}

func (l LongMessage) String() string {
	if int(l) < len(longNames) {
		return longNames[l]
	}
	return fmt.Sprintf("LongMessage(%d)", uint8(l))
}
