package draft

import (
	"unicode/utf8"

	"bindery/gateway/ingress"
)

// fast reads a message that is written as most are: an object of known fields,
// each once, of strings. What it is in doubt of it leaves to the scanner, whose
// verdict counts; the two are fuzzed against each other.
type fast struct {
	src  string
	at   int
	seen ingress.Fields
}

// Places of the fields that are no optional ones, in fast.seen.
const (
	seenTo ingress.Fields = 1 << (iota + 29)
	seenFrom
	seenText
)

// fastMessage answers false when it is in doubt; the draft is then worthless.
func fastMessage(src string, d *ingress.Draft) bool {
	f := fast{src: src}
	if !f.take('{') {
		return false
	}
	for {
		if !f.member(d) {
			return false
		}
		if f.take(',') {
			continue
		}
		d.Set = f.seen &^ (seenTo | seenFrom | seenText)
		return f.take('}') && f.space() == len(src)
	}
}

// space skips white space and answers where it ends.
func (f *fast) space() int {
	for f.at < len(f.src) && (f.src[f.at] == ' ' || f.src[f.at] == '\n' || f.src[f.at] == '\t' || f.src[f.at] == '\r') {
		f.at++
	}
	return f.at
}

func (f *fast) take(c byte) bool {
	if f.space() < len(f.src) && f.src[f.at] == c {
		f.at++
		return true
	}
	return false
}

func (f *fast) member(d *ingress.Draft) bool {
	name, ok := f.str()
	if !ok || !f.take(':') {
		return false
	}
	to, bit := field(d, name)
	if to == nil {
		return false
	}
	if bit == 0 {
		switch to {
		case &d.To:
			bit = seenTo
		case &d.From:
			bit = seenFrom
		default:
			bit = seenText
		}
	}
	if f.seen&bit != 0 {
		return false
	}
	f.seen |= bit
	*to, ok = f.str()
	return ok
}

// str reads a string; one with escapes by the scanner.
func (f *fast) str() (string, bool) {
	if !f.take('"') {
		return "", false
	}
	from, ascii := f.at, true
	for ; f.at < len(f.src); f.at++ {
		switch c := f.src[f.at]; {
		case c == '"':
			f.at++
			s := f.src[from : f.at-1]
			return s, ascii || utf8.ValidString(s)
		case c == '\\':
			s := scanner{src: f.src, at: from - 1}
			text, clean, err := s.str()
			f.at = s.at
			return text, clean && err == nil
		case c < ' ':
			return "", false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return "", false
}
