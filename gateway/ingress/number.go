package ingress

import "strings"

const (
	minNumber = 7  // digits: the shortest with a country code (Niue, +683 4xxx)
	maxNumber = 15 // E.164 §6.1
	// maxSender is the longest alphanumeric sender, 11 septets (3GPP 23.040
	// §9.1.2.5).
	maxSender = 11
)

// isE164 checks digits after an optional plus, the first not 0.
func isE164(s string) bool {
	digits := strings.TrimPrefix(s, "+")
	return len(digits) >= minNumber && len(digits) <= maxNumber && digits[0] != '0' && allDigits(digits)
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isSender checks a sender: a number, which may be a short code or begin with a
// trunk 0, or a name of at most 11 letters, digits, spaces and + - _ & ., with
// a letter among them.
func isSender(s string) bool {
	if digits := strings.TrimPrefix(s, "+"); allDigits(digits) {
		return len(digits) <= maxNumber
	}
	if len(s) > maxSender || strings.TrimSpace(s) != s {
		return false
	}
	letter := false
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			letter = true
		case c >= '0' && c <= '9' || strings.IndexByte(" +-_&.", c) >= 0:
		default:
			return false
		}
	}
	return letter
}
