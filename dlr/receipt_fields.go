package dlr

import "bytes"

// field is one of the fields of Appendix B.
type field uint8

const (
	fieldID field = iota
	fieldSub
	fieldDlvrd
	fieldSubmitDate
	fieldDoneDate
	fieldStat
	fieldErr
	fieldText
	numFields
)

var fieldNames = [numFields]string{
	fieldID: "id:", fieldSub: "sub:", fieldDlvrd: "dlvrd:", fieldSubmitDate: "submit date:",
	fieldDoneDate: "done date:", fieldStat: "stat:", fieldErr: "err:", fieldText: "text:",
}

const (
	needID = iota
	needStat
)

// fields are the values that a receipt's text gives, nil for what it lacks.
type fields [numFields][]byte

func (f *fields) none() bool {
	for _, v := range f {
		if v != nil {
			return false
		}
	}
	return true
}

// read fills in the fields of octets. What stands first counts, and text is
// all that follows its name: its sender chooses it, so that names of fields in
// it are just text. Only for a need that nothing before it met is it searched.
func (f *fields) read(octets []byte, need [2]bool) {
	for at := 0; at < len(octets); {
		name, length := fieldAt(octets[at:])
		switch {
		case length == 0:
			at = nextToken(octets, at)
			continue
		case name == fieldText:
			f.readText(octets[at+length:], need)
			return
		}
		value, end := valueAt(octets, at+length)
		if len(f[name]) == 0 {
			f[name] = value
		}
		at = end
	}
}

// readText takes text; when id or stat are needed and missing it looks for
// them behind it. There the last one counts, being the furthest from what the
// sender wrote, and the text ends where the fields behind it begin.
func (f *fields) readText(rest []byte, need [2]bool) {
	need[needID] = need[needID] && len(f[fieldID]) == 0
	need[needStat] = need[needStat] && ParseState(f[fieldStat]) == NoState
	if !need[needID] && !need[needStat] {
		f[fieldText] = rest
		return
	}
	var behind fields
	end := len(rest)
	for at := 0; at < len(rest); {
		name, length := fieldAt(rest[at:])
		if length == 0 || name == fieldText {
			at = nextToken(rest, at)
			continue
		}
		value, next := valueAt(rest, at+length)
		if needed(name, value, need) {
			end = min(end, at)
		}
		behind[name] = value
		at = next
	}
	if end == len(rest) {
		f[fieldText] = rest
		return
	}
	f.adopt(&behind, need)
	if text := bytes.TrimRight(rest[:end], " "); len(text) > 0 {
		f[fieldText] = text
	}
}

// needed tells whether a field behind the text is one that is missing.
func needed(name field, value []byte, need [2]bool) bool {
	switch name {
	case fieldID:
		return need[needID] && len(value) > 0
	case fieldStat:
		return need[needStat] && ParseState(value) != NoState
	default:
		return false
	}
}

// adopt takes what is missing from the fields behind the text. An id that is
// not needed stays there: it is the sender's word.
func (f *fields) adopt(behind *fields, need [2]bool) {
	for i, value := range behind {
		var missing bool
		switch field(i) {
		case fieldID:
			missing = need[needID]
		case fieldStat:
			missing = need[needStat]
		default:
			missing = f[i] == nil
		}
		if missing {
			f[i] = value
		}
	}
}

// fieldAt tells which field's name b begins with, and its length; 0 for none.
func fieldAt(b []byte) (field, int) {
	if len(b) < 3 {
		return 0, 0
	}
	first := b[0] | 0x20
	for i, name := range fieldNames {
		if name[0] == first && foldPrefix(b, name) {
			return field(i), len(name)
		}
	}
	return 0, 0
}

// foldPrefix compares with a name in lower case.
func foldPrefix(b []byte, name string) bool {
	if len(b) < len(name) {
		return false
	}
	for i := range len(name) {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != name[i] {
			return false
		}
	}
	return true
}

// valueAt is the token at or after at, empty when the next field's name stands
// there ("err: text:"), and where the search goes on.
func valueAt(b []byte, at int) (value []byte, end int) {
	start := at
	for start < len(b) && isBlank(b[start]) {
		start++
	}
	if start > at {
		if _, length := fieldAt(b[start:]); length > 0 {
			return b[at:at], start
		}
	}
	end = start
	for end < len(b) && !isBlank(b[end]) {
		end++
	}
	return b[start:end], end
}

// nextToken is where the token after the one at at begins.
func nextToken(b []byte, at int) int {
	for at < len(b) && !isBlank(b[at]) {
		at++
	}
	for at < len(b) && isBlank(b[at]) {
		at++
	}
	return at
}

// isBlank: a NUL ends a token as well, since some send C strings.
func isBlank(c byte) bool { return c <= ' ' }
