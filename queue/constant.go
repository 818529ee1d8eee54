package queue

import (
	"encoding/base32"
	"encoding/json"
	"hash/fnv"
	"strings"
	"unicode/utf8"
)

// A constant is what every event of a message says: its campaign's short name
// (8 characters, or none), a tab, and, up to a line feed, an event's text after
// the block's name: the number of its first part, a quote, and the members
// "to", then "reference" and "campaign" where given. Scripts put it into events
// as it is.

const campaignLength = 8

var crockford32 = base32.NewEncoding(crockford).WithPadding(base32.NoPadding)

// campaignKey is a campaign's short name in descriptors and counts: 40 bits of
// its hash, "" for none. Descriptors stay at most 64 octets with it.
func campaignKey(campaign string) string {
	if campaign == "" {
		return ""
	}
	h := fnv.New64a()
	h.Write([]byte(campaign))
	sum := h.Sum(nil)
	return crockford32.EncodeToString(sum[:5])
}

func appendConstant(dst []byte, m *Message, first int) []byte {
	dst = append(append(dst, campaignKey(m.Campaign)...), '\t')
	dst = append(appendID(dst, "", first), `","to":`...)
	dst = appendJSONString(dst, m.To)
	if m.Reference != "" {
		dst = append(dst, `,"reference":`...)
		dst = appendJSONString(dst, m.Reference)
	}
	if m.Campaign != "" {
		dst = append(dst, `,"campaign":`...)
		dst = appendJSONString(dst, m.Campaign)
	}
	return append(dst, '\n')
}

// appendJSONString quotes as encoding/json does without escaping HTML.
func appendJSONString(dst []byte, s string) []byte {
	plain := true
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= utf8.RuneSelf || s[i] == '"' || s[i] == '\\' {
			plain = false
			break
		}
	}
	if plain {
		return append(append(append(dst, '"'), s...), '"')
	}
	b := &strings.Builder{}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return append(dst, strings.TrimSuffix(b.String(), "\n")...)
}

// parseConstant reads a constant back. It lies in Redis and is not trusted:
// only the very form that appendConstant writes is taken.
func (m *Message) parseConstant(s string) error {
	line, _, ok := strings.Cut(s, "\n")
	tab := strings.IndexByte(line, '\t')
	if !ok || tab != 0 && tab != campaignLength || len(line) < tab+1+numberLength {
		return bodyError("constant is cut")
	}
	if s, ok = strings.CutPrefix(line[tab+1+numberLength:], `","to":`); !ok {
		return bodyError("constant has no to")
	}
	if m.To, s, ok = cutJSONString(s); !ok {
		return bodyError("constant's to is no string")
	}
	for _, f := range [...]struct {
		name  string
		field *string
	}{{`,"reference":`, &m.Reference}, {`,"campaign":`, &m.Campaign}} {
		rest, found := strings.CutPrefix(s, f.name)
		if !found {
			continue
		}
		if *f.field, s, ok = cutJSONString(rest); !ok {
			return bodyError("constant's " + f.name[2:] + " is no string")
		}
	}
	if s != "" {
		return bodyError("constant has more than it should")
	}
	return nil
}

func cutJSONString(s string) (field, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", "", false
	}
	escaped := false
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			if !escaped {
				return s[1:i], s[i+1:], true
			}
			field, ok = unquote(s[:i+1])
			return field, s[i+1:], ok
		}
	}
	return "", "", false
}

// unquote reads a string that has escapes.
func unquote(s string) (text string, ok bool) {
	if json.Unmarshal([]byte(s), &text) != nil {
		return "", false
	}
	return text, true
}
