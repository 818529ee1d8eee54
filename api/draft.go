package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"unicode/utf8"

	"bindery/gateway/ingress"
)

// draftField is where a member of a message's JSON goes.
func draftField(d *ingress.Draft, name string) *string {
	switch name {
	case "to":
		return &d.To
	case "from":
		return &d.From
	case "text":
		return &d.Text
	case "priority":
		return &d.Priority
	case "send_at":
		return &d.SendAt
	case "validity":
		return &d.Validity
	case "reference":
		return &d.Reference
	case "campaign":
		return &d.Campaign
	case "subject":
		return &d.Subject
	case "callback":
		return &d.Callback
	case "encoding":
		return &d.Encoding
	case "kind":
		return &d.Kind
	case "on_uncertain":
		return &d.OnUncertain
	}
	return nil
}

// parseDraft reads one message strictly: what encoding/json would let pass
// silently (unknown and repeated members, null, lone surrogates that it
// replaces) is an error that names the member.
func parseDraft(body []byte) (ingress.Draft, *problem) {
	var d ingress.Draft
	if p := wellFormed(body); p != nil {
		return d, p
	}
	var errs []ingress.FieldError
	seen := map[string]bool{}
	for name, raw := range members(body) {
		fault := ""
		to := draftField(&d, name)
		switch {
		case to == nil:
			fault = "unknown field"
		case seen[name]:
			fault = "given twice"
		case raw[0] != '"':
			fault = "must be a string"
		case loneSurrogate(raw):
			fault = "holds half of a surrogate pair"
		default:
			*to = unquote(raw)
			if *to == "" && name != "text" && name != "to" {
				fault = "must not be empty"
			}
		}
		seen[name] = true
		if fault != "" {
			errs = append(errs, ingress.FieldError{Field: fieldName(name), Message: fault})
		}
	}
	if len(errs) > 0 {
		return d, &problem{Status: http.StatusUnprocessableEntity, Detail: "a field is at fault: nothing was queued", Errors: errs}
	}
	return d, nil
}

// fieldName bounds what an error echoes of a member's name.
func fieldName(name string) string {
	if len(name) > 64 {
		return name[:64] + "…"
	}
	return name
}

func wellFormed(body []byte) *problem {
	if !utf8.Valid(body) {
		return &problem{Status: http.StatusBadRequest, Detail: "the body is not UTF-8"}
	}
	if !json.Valid(body) {
		detail := "the body is not JSON"
		var syntax *json.SyntaxError
		var v json.RawMessage
		if err := json.Unmarshal(body, &v); errors.As(err, &syntax) {
			detail += ": " + syntax.Error() + " (octet " + strconv.FormatInt(syntax.Offset, 10) + ")"
		}
		return &problem{Status: http.StatusBadRequest, Detail: detail}
	}
	if bytes.TrimLeft(body, " \t\r\n")[0] != '{' {
		return &problem{Status: http.StatusUnprocessableEntity, Detail: "a message is a JSON object"}
	}
	return nil
}

// members walks the members of a valid JSON object, repeated ones too.
func members(body []byte) func(yield func(string, []byte) bool) {
	return func(yield func(string, []byte) bool) {
		i := skipSpace(body, bytes.IndexByte(body, '{')+1)
		for i < len(body) && body[i] == '"' {
			end := valueEnd(body, i)
			name := unquote(body[i:end])
			i = skipSpace(body, end)
			i = skipSpace(body, i+1) // the colon
			end = valueEnd(body, i)
			if !yield(name, body[i:end]) {
				return
			}
			if i = skipSpace(body, end); i >= len(body) || body[i] != ',' {
				return
			}
			i = skipSpace(body, i+1)
		}
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// valueEnd is the end of the valid JSON value that begins at i.
func valueEnd(b []byte, i int) int {
	depth, inString := 0, false
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			if inString = !inString; !inString && depth == 0 {
				return i + 1
			}
		case inString:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case depth == 0 && (c == ',' || c == ':' || c == ' ' || c == '\t' || c == '\r' || c == '\n'):
			return i
		}
	}
	return i
}

// unquote decodes a valid JSON string without lone surrogates.
func unquote(raw []byte) string {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return string(raw)
	}
	return s
}

// loneSurrogate finds an escape of half a surrogate pair (\ud83d without its
// partner), which decoders replace silently.
func loneSurrogate(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++
		if raw[i] != 'u' {
			continue
		}
		u := hex4(raw[i+1:])
		i += 4
		switch {
		case u >= 0xDC00 && u < 0xE000:
			return true
		case u < 0xD800 || u >= 0xE000:
			continue
		}
		if i+6 >= len(raw) || raw[i+1] != '\\' || raw[i+2] != 'u' {
			return true
		}
		if low := hex4(raw[i+3:]); low < 0xDC00 || low >= 0xE000 {
			return true
		}
		i += 6
	}
	return false
}

func hex4(b []byte) uint64 {
	u, err := strconv.ParseUint(string(b[:4]), 16, 32)
	if err != nil {
		return 0
	}
	return u
}
