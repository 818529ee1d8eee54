package smppcarrier

import (
	"strings"

	"bindery/smpp/pdu"
)

// Numbering is type of number and numbering plan (SMPP 3.4 §5.2.5, §5.2.6).
type Numbering struct{ TON, NPI uint8 }

// Addressing is how a carrier wants numbers to be marked; nil means the
// default. Carriers differ most in short codes.
type Addressing struct {
	Alphanumeric  *Numbering // a sender with a letter; default 5/0
	Short         *Numbering // up to ShortDigits digits; default 3/0, network specific
	National      *Numbering // a sender that begins with 0; default 0/1
	International *Numbering // any other number; default 1/1
	Destination   *Numbering // recipients are E.164; default 1/1
	ShortDigits   int        // default 8; negative: no sender is short
}

func (a Addressing) withDefaults() Addressing {
	mark := func(field **Numbering, n Numbering) {
		if *field == nil {
			*field = &n
		}
	}
	mark(&a.Alphanumeric, Numbering{pdu.TONAlphanumeric, pdu.NPIUnknown})
	mark(&a.Short, Numbering{pdu.TONNetwork, pdu.NPIUnknown})
	mark(&a.National, Numbering{pdu.TONUnknown, pdu.NPIISDN})
	mark(&a.International, Numbering{pdu.TONInternational, pdu.NPIISDN})
	mark(&a.Destination, Numbering{pdu.TONInternational, pdu.NPIISDN})
	if a.ShortDigits == 0 {
		a.ShortDigits = 8
	}
	return a
}

// source sorts a sender: "+" and digits is international whatever its length,
// then it is by the letters, the leading 0, the length. An empty sender leaves
// the choice to the carrier (§4.4.1: NULL).
func (a *Addressing) source(from string) (Numbering, string) {
	digits, plus := strings.CutPrefix(from, "+")
	switch {
	case from == "":
		return Numbering{}, ""
	case !isDigits(digits):
		return *a.Alphanumeric, from
	case plus:
		return *a.International, digits
	case digits[0] == '0':
		return *a.National, digits
	case len(digits) <= a.ShortDigits:
		return *a.Short, digits
	default:
		return *a.International, digits
	}
}

// destination is a recipient without its "+".
func (a *Addressing) destination(to string) (Numbering, string) {
	return *a.Destination, strings.TrimPrefix(to, "+")
}

func isDigits[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) > 0
}

// number is the address of a PDU as text: with "+" where it says that it is
// international.
func number(a *pdu.Address) string {
	if a.TON == pdu.TONInternational && len(a.Addr) > 0 && a.Addr[0] != '+' {
		return "+" + string(a.Addr)
	}
	return string(a.Addr)
}
