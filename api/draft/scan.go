package draft

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON (RFC 8259) strictly, in one pass. The strings that it reads
// are parts of src, all but those that have escapes. What is not JSON is a syntaxError; what is JSON and no message is
// for its caller to say.
type scanner struct {
	src string
	at  int
}

// maxDepth of nesting: no field of ours holds more than a string.
const maxDepth = 32

// syntaxError says where a body stops being JSON. It never quotes the body.
type syntaxError struct {
	at   int
	what string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("octet %d: %s", e.at, e.what) }

func (s *scanner) fail(what string) error { return &syntaxError{s.at, what} }

// space skips white space and answers the octet after it, 0 at the end.
func (s *scanner) space() byte {
	for ; s.at < len(s.src); s.at++ {
		switch c := s.src[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// take skips white space and then c.
func (s *scanner) take(c byte) error {
	if s.space() != c || s.at >= len(s.src) {
		return s.fail("want " + string(rune(c)))
	}
	s.at++
	return nil
}

// end wants nothing but white space.
func (s *scanner) end() error {
	if s.space(); s.at < len(s.src) {
		return s.fail("something follows the message")
	}
	return nil
}

// members calls each with the name of every member of the object that begins
// here; each reads the value.
func (s *scanner) members(each func(name string, clean bool) error) error {
	if err := s.take('{'); err != nil {
		return err
	}
	if s.space() == '}' {
		return s.take('}')
	}
	for {
		if s.space() != '"' {
			return s.fail("want a member's name")
		}
		name, clean, err := s.str()
		if err != nil {
			return err
		}
		if err := s.take(':'); err != nil {
			return err
		}
		s.space()
		if err := each(name, clean); err != nil {
			return err
		}
		if s.space() != ',' {
			return s.take('}')
		}
		s.at++
	}
}

// str reads the string that begins here. clean is false when it holds half of
// a surrogate pair: JSON allows to write it, and no text can hold it.
func (s *scanner) str() (text string, clean bool, err error) {
	s.at++
	from := s.at
	for ; s.at < len(s.src); s.at++ {
		switch c := s.src[s.at]; {
		case c == '"':
			raw := s.src[from:s.at]
			if !utf8.ValidString(raw) {
				return "", false, s.fail("the string before is not UTF-8")
			}
			s.at++
			return raw, true, nil
		case c == '\\':
			return s.escaped(from)
		case c < ' ':
			return "", false, s.fail("a control character in a string is written as an escape")
		}
	}
	return "", false, s.fail("a string does not end")
}

// escaped reads on from the first backslash of a string that began at from.
func (s *scanner) escaped(from int) (string, bool, error) {
	var b strings.Builder
	clean := true
	for s.at < len(s.src) {
		switch c := s.src[s.at]; {
		case c == '"':
			b.WriteString(s.src[from:s.at])
			if !utf8.ValidString(b.String()) {
				return "", false, s.fail("the string before is not UTF-8")
			}
			s.at++
			return b.String(), clean, nil
		case c == '\\':
			b.WriteString(s.src[from:s.at])
			r, err := s.escape()
			if err != nil {
				return "", false, err
			}
			if utf16.IsSurrogate(r) {
				clean = false
			}
			b.WriteRune(r)
			from = s.at
		case c < ' ':
			return "", false, s.fail("a control character in a string is written as an escape")
		default:
			s.at++
		}
	}
	return "", false, s.fail("a string does not end")
}

// escape reads one escape, of a surrogate pair both; half a pair is answered as
// it is.
func (s *scanner) escape() (rune, error) {
	if s.at+1 >= len(s.src) {
		return 0, s.fail("an escape does not end")
	}
	c := s.src[s.at+1]
	if c == 'u' {
		r, err := s.unicode()
		if err != nil || !utf16.IsSurrogate(r) {
			return r, err
		}
		next := *s
		if next.at+1 < len(next.src) && next.src[next.at] == '\\' && next.src[next.at+1] == 'u' {
			low, err := next.unicode()
			if pair := utf16.DecodeRune(r, low); err == nil && pair != utf8.RuneError {
				s.at = next.at
				return pair, nil
			}
		}
		return r, nil
	}
	i := strings.IndexByte(`"\/bfnrt`, c)
	if i < 0 {
		return 0, s.fail("no such escape")
	}
	s.at += 2
	return rune("\"\\/\b\f\n\r\t"[i]), nil
}

// unicode reads \uXXXX.
func (s *scanner) unicode() (r rune, err error) {
	if s.at+6 > len(s.src) {
		return 0, s.fail("an escape does not end")
	}
	for at := s.at + 2; at < s.at+6; at++ {
		c := s.src[at]
		i := strings.IndexByte("0123456789abcdef", c|0x20)
		if i < 0 || c < '0' {
			return 0, s.fail(`\u takes four hexadecimal digits`)
		}
		r = r<<4 | rune(i)
	}
	s.at += 6
	return r, nil
}

// skip reads any value, and answers what it is called.
func (s *scanner) skip(depth int) (kind string, err error) {
	if depth > maxDepth {
		return "", s.fail(fmt.Sprintf("nested deeper than %d levels", maxDepth))
	}
	switch c := s.space(); c {
	case '{':
		return "an object", s.members(func(string, bool) error {
			_, err := s.skip(depth + 1)
			return err
		})
	case '[':
		return "a list", s.list(depth)
	case '"':
		_, _, err := s.str()
		return "a string", err
	case 't':
		return "true", s.literal("true")
	case 'f':
		return "false", s.literal("false")
	case 'n':
		return "null", s.literal("null")
	default:
		return "a number", s.number()
	}
}

func (s *scanner) list(depth int) error {
	s.at++
	if s.space() == ']' {
		return s.take(']')
	}
	for {
		if _, err := s.skip(depth + 1); err != nil {
			return err
		}
		if s.space() != ',' {
			return s.take(']')
		}
		s.at++
	}
}

func (s *scanner) literal(word string) error {
	if len(s.src)-s.at < len(word) || s.src[s.at:s.at+len(word)] != word {
		return s.fail("want a value")
	}
	s.at += len(word)
	return nil
}

// number reads a number by the grammar of RFC 8259 section 6.
func (s *scanner) number() error {
	if s.at < len(s.src) && s.src[s.at] == '-' {
		s.at++
	}
	from := s.at
	if s.digits() == 0 {
		return s.fail("want a value")
	}
	if s.src[from] == '0' && s.at > from+1 {
		return s.fail("a number begins with 0")
	}
	if s.at < len(s.src) && s.src[s.at] == '.' {
		if s.at++; s.digits() == 0 {
			return s.fail("want a digit")
		}
	}
	if s.at < len(s.src) && s.src[s.at]|0x20 == 'e' {
		if s.at++; s.at < len(s.src) && (s.src[s.at] == '+' || s.src[s.at] == '-') {
			s.at++
		}
		if s.digits() == 0 {
			return s.fail("want a digit")
		}
	}
	return nil
}

func (s *scanner) digits() (n int) {
	for s.at < len(s.src) && s.src[s.at] >= '0' && s.src[s.at] <= '9' {
		s.at, n = s.at+1, n+1
	}
	return n
}
