package coding

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// ErrInvalidText is wrapped by the error for a text that is no valid UTF-8, a
// lone surrogate included. It is refused; nothing is put in its place.
var ErrInvalidText = errors.New("text is not valid Unicode")

func invalidText(text string) error {
	for i, r := range text {
		if r != utf8.RuneError {
			continue
		}
		if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
			return fmt.Errorf("%w at octet %d", ErrInvalidText, i)
		}
	}
	return ErrInvalidText
}

// UnencodableError names the character for which no encoding of the carrier
// takes the text.
type UnencodableError struct {
	Rune      rune
	Position  int        // in characters, from 1
	Encodings []Encoding // that were tried
}

func (e *UnencodableError) Error() string {
	names := make([]string, len(e.Encodings))
	for i, enc := range e.Encodings {
		names[i] = enc.String()
	}
	return fmt.Sprintf("character %d, %q (%U), cannot be written in %s",
		e.Position, e.Rune, e.Rune, strings.Join(names, ", "))
}

// unencodable names the character at octet at of text.
func unencodable(text string, at int, encs ...Encoding) error {
	r, _ := utf8.DecodeRuneInString(text[at:])
	return &UnencodableError{r, utf8.RuneCountInString(text[:at]) + 1, slices.Clone(encs)}
}

// NotOfferedError is a message that asks for an encoding that the carrier is
// not set up for.
type NotOfferedError struct{ Encoding Encoding }

func (e *NotOfferedError) Error() string {
	return fmt.Sprintf("encoding %s is not among the carrier's", e.Encoding)
}

// TooManyPartsError is a text of more parts than a concatenation header counts.
type TooManyPartsError struct{ Parts int }

func (e *TooManyPartsError) Error() string {
	return fmt.Sprintf("text needs %d parts, at most %d are possible", e.Parts, MaxParts)
}

// TooLongError is a text that is too long for one message_payload.
type TooLongError struct{ Octets int }

func (e *TooLongError) Error() string {
	return fmt.Sprintf("text needs %d octets, message_payload holds %d", e.Octets, maxPayload)
}
