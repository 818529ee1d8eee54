package coding

import (
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

const (
	// MaxParts is how many parts a concatenation header counts to (3GPP 23.040
	// §9.2.3.24.1).
	MaxParts = 255
	// maxOctets of user data in one short message, headers included (3GPP
	// 23.040 §9.2.3.16).
	maxOctets = 140
	// maxPayload is what the 16-bit length of message_payload can say.
	maxPayload = math.MaxUint16
)

// Profile is how one carrier takes text. It is read only once it is in use.
type Profile struct {
	Encodings  []Encoding         // in order of preference; empty: gsm7, ucs2
	DataCoding map[Encoding]uint8 // where the carrier's number is not SMPP's
	Long       LongMessage
}

// Validate tells what is wrong with a profile before it is used.
func (p *Profile) Validate() error {
	for i, e := range p.Encodings {
		if e == Auto || e >= Binary {
			return fmt.Errorf("encodings[%d]: %s is no encoding of a carrier", i, e)
		}
		if slices.Contains(p.Encodings[:i], e) {
			return fmt.Errorf("encodings[%d]: %s is there twice", i, e)
		}
	}
	if p.Long > Payload {
		return fmt.Errorf("long_message: %s is not known", p.Long)
	}
	return nil
}

var defaultEncodings = []Encoding{GSM7, UCS2}

// Plan is how a text is sent. It is a value: planning allocates nothing.
type Plan struct {
	Encoding   Encoding
	DataCoding uint8
	Long       LongMessage // means something when Parts > 1 or Payload
	Payload    bool        // in message_payload, with an empty short_message
	Parts      int         // 1..255
	Units      int         // of the whole text: septets, UTF-16 units or octets
}

// Plan chooses the first encoding of the profile that holds every character,
// or takes the forced one, and counts the parts. The error names the character
// that is in the way: an *UnencodableError, *NotOfferedError,
// *TooManyPartsError or *TooLongError, or one that wraps ErrInvalidText.
func (p *Profile) Plan(text string, forced Encoding) (Plan, error) {
	if forced != Auto {
		enc, err := p.offered(forced)
		if err != nil {
			return Plan{}, err
		}
		return p.choose(text, enc)
	}
	return p.choose(text, p.encodings()...)
}

func (p *Profile) encodings() []Encoding {
	if len(p.Encodings) == 0 {
		return defaultEncodings
	}
	return p.Encodings
}

// offered finds what the carrier calls the encoding that a message asks for.
// How GSM septets lie in octets is the carrier's affair: both are "gsm7" to
// whoever sends.
func (p *Profile) offered(forced Encoding) (Encoding, error) {
	offers := p.encodings()
	if forced == Binary || slices.Contains(offers, forced) {
		return forced, nil
	}
	for _, e := range offers {
		if isGSM(e) && isGSM(forced) {
			return e, nil
		}
	}
	return Auto, &NotOfferedError{forced}
}

func isGSM(e Encoding) bool { return e == GSM7 || e == GSM7Packed }

// choose plans with the first encoding that takes all of text. When none does,
// the character named is the one at which the encoding that came furthest gave
// up.
func (p *Profile) choose(text string, encs ...Encoding) (Plan, error) {
	furthest := 0
	for _, e := range encs {
		plan, at, why := p.measure(text, e)
		switch why {
		case fine:
			return plan, plan.check()
		case invalid:
			return Plan{}, invalidText(text)
		case lacking:
			furthest = max(furthest, at)
		}
	}
	if !utf8.ValidString(text) {
		return Plan{}, invalidText(text)
	}
	return Plan{}, unencodable(text, furthest, encs...)
}

// measure plans text in one encoding; at is the octet of text at which the
// encoding failed.
func (p *Profile) measure(text string, e Encoding) (plan Plan, at int, why problem) {
	plan = Plan{Encoding: e, DataCoding: p.NumberOf(e), Long: p.Long, Parts: 1}
	fit := codecs[e].fit
	n, units, why := fit(text, capacity(e, 0))
	if why != fine {
		return plan, n, why
	}
	if n == len(text) {
		plan.Units = units
		return plan, 0, fine
	}
	if p.Long == Payload {
		plan.Payload = true
		n, plan.Units, why = fit(text, math.MaxInt)
		return plan, n, why
	}
	plan.Parts = 0
	for limit := plan.partUnits(); at < len(text); plan.Parts++ {
		n, units, why = fit(text[at:], limit)
		at += n
		if why != fine {
			return plan, at, why
		}
		plan.Units += units
	}
	return plan, 0, fine
}

// NumberOf is the data_coding that the carrier knows an encoding by.
func (p *Profile) NumberOf(e Encoding) uint8 {
	if p.DataCoding != nil {
		if n, ok := p.DataCoding[e]; ok {
			return n
		}
	}
	return codecs[e].dataCoding
}

func (p Plan) check() error {
	if p.Parts > MaxParts {
		return &TooManyPartsError{p.Parts}
	}
	if p.Payload && p.payloadOctets() > maxPayload {
		return &TooLongError{p.payloadOctets()}
	}
	return nil
}

func (p Plan) payloadOctets() int {
	switch p.Encoding {
	case GSM7Packed:
		return (p.Units*7 + 7) / 8
	case UCS2:
		return p.Units * 2
	default:
		return p.Units
	}
}

// capacity is how many units fit into one short message beside a header of so
// many octets.
func capacity(e Encoding, header int) int {
	return (maxOctets - header) * 8 / codecs[e].bits
}

// partUnits is the capacity of each of several parts. With SAR the SMSC makes
// the header: room is left for the 8-bit one, as Kannel and Jasmin do.
func (p Plan) partUnits() int {
	if p.Long == UDH16 {
		return capacity(p.Encoding, udh16Len)
	}
	return capacity(p.Encoding, udh8Len)
}
