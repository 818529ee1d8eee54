package coding

import (
	"math"
	"unicode/utf8"
)

// KoreanClass is what a text is to a Korean carrier.
type KoreanClass uint8

const (
	KoreanSMS KoreanClass = iota
	KoreanLMS
	KoreanTooLong
)

func (c KoreanClass) String() string {
	switch c {
	case KoreanSMS:
		return "SMS"
	case KoreanLMS:
		return "LMS"
	default:
		return "too long"
	}
}

// ClassifyKorean counts text in octets of EUC-KR, as Korean carriers do, and
// tells its class: an SMS up to smsMax octets (90, with some 80), an LMS up to
// lmsMax (2,000). Nothing is cut. The error is an *UnencodableError or wraps
// ErrInvalidText.
func ClassifyKorean(text string, smsMax, lmsMax int) (class KoreanClass, octets int, err error) {
	n, octets, why := fitEUCKR(text, math.MaxInt)
	switch {
	case !utf8.ValidString(text):
		return KoreanTooLong, 0, invalidText(text)
	case why == lacking:
		return KoreanTooLong, 0, unencodable(text, n, EUCKR)
	case octets <= smsMax:
		return KoreanSMS, octets, nil
	case octets <= lmsMax:
		return KoreanLMS, octets, nil
	}
	return KoreanTooLong, octets, nil
}
