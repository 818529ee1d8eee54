package ingress

import (
	"errors"
	"fmt"
	"strings"
)

// template is a text with places for values, {{name}}. Whatever else stands in
// it, single braces too, is text; a value is put in as it is and not looked at
// again.
type template struct {
	texts []string // one more than names
	names []string
	size  int // octets of the texts
}

const maxPlaces = 100 // in a text

// errTemplate says what is wrong with a text, without quoting it.
var errTemplate = errors.New("holds {{ without a name and }} after it: want {{name}}, of letters, digits, underscore, dash and full stop")

func parseTemplate(text string) (*template, error) {
	t := &template{}
	for {
		before, rest, found := strings.Cut(text, "{{")
		t.texts, t.size = append(t.texts, before), t.size+len(before)
		if !found {
			return t, nil
		}
		name, after, found := strings.Cut(rest, "}}")
		name = strings.TrimSpace(name)
		if !found || !isPlace(name) {
			return nil, errTemplate
		}
		if len(t.names) == maxPlaces {
			return nil, fmt.Errorf("names more than %d values", maxPlaces)
		}
		t.names, text = append(t.names, name), after
	}
}

// isPlace tells whether a value may be called so.
func isPlace(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c != '_' && c != '-' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return name != "" && len(name) <= 64
}

// filled are the texts of a batch, one behind the other in pieces of at most
// fillPiece or one text: they are pushed together, and of no use after it.
type filled struct {
	strings.Builder
	left int // texts that are still to come
}

const fillPiece = 32 << 10 // octets

// room makes sure of room for about n octets. What was filled in stays as it is.
func (f *filled) room(n int) {
	if f.Cap()-f.Len() < n {
		f.Reset()
		f.Grow(max(n, min(f.left*n, fillPiece)))
	}
	f.left--
}

// fill puts values in, into room of b; missing is the first name that has none.
func (t *template) fill(b *filled, value func(name string) (string, bool)) (text, missing string) {
	if len(t.names) == 0 {
		return t.texts[0], ""
	}
	b.room(t.size + 16*len(t.names))
	from := b.Len()
	for i, name := range t.names {
		v, ok := value(name)
		if !ok {
			return "", name
		}
		b.WriteString(t.texts[i])
		b.WriteString(v)
		if b.Len()-from > maxText {
			break // refused for its length
		}
	}
	b.WriteString(t.texts[len(t.names)])
	return b.String()[from:], ""
}
