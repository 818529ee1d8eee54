package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Codes of errors in words, and their numbers in slots; lua/events.lua has the
// same.
var codeWords = [...]string{1: "validity", 2: "no_receipt", 3: "retries", 4: "no_route", 5: "uncertain", 6: "lost", 7: "malformed"}

var codeMessages = [...]string{
	1: "the validity period is over",
	2: "no receipt within the receipt clock",
	3: "no try left",
	4: "no carrier could take it",
	5: "sent, and never answered",
	6: "its owner lost it",
	7: "what is stored of it does not parse",
}

const (
	errReceipt = 0x1000 // + three digits
	errStatus  = 0x8000 // + command_status below 0x8000
)

// errNumber puts a code into a slot's two octets; 0 for none, and for what has
// no number: then only the event says it.
func errNumber(code string) uint16 {
	if code == "" {
		return 0
	}
	if hex, ok := strings.CutPrefix(code, "smpp:0x"); ok {
		if n, err := strconv.ParseUint(hex, 16, 15); err == nil {
			return errStatus | uint16(n)
		}
		return 0
	}
	if digits, ok := strings.CutPrefix(code, "receipt:"); ok {
		if n, err := strconv.ParseUint(digits, 10, 16); err == nil && n < 1000 && len(digits) == 3 {
			return errReceipt + uint16(n)
		}
		return 0
	}
	for n, word := range codeWords {
		if word == code {
			return uint16(n)
		}
	}
	return 0
}

// errOf is the error of a slot's number, as far as the number tells.
func errOf(n uint16) Error {
	switch {
	case n >= errStatus:
		return Error{Code: fmt.Sprintf("smpp:0x%02X", n-errStatus)}
	case n >= errReceipt && n < errReceipt+1000:
		return Error{Code: fmt.Sprintf("receipt:%03d", n-errReceipt)}
	case n > 0 && int(n) < len(codeWords):
		return Error{Code: codeWords[n], Message: codeMessages[n]}
	}
	return Error{}
}

// appendErrorJSON writes an error as events show it.
func appendErrorJSON(dst []byte, e Error) []byte {
	dst = appendJSONString(append(dst, `{"code":`...), e.Code)
	dst = appendJSONString(append(dst, `,"message":`...), e.Message)
	return append(dst, '}')
}

// isNil: the key or field is not there.
func isNil(err error) bool { return errors.Is(err, redis.Nil) }

// refusals are replies by which Redis says that it does not serve now.
var refusals = []string{
	"LOADING", "CLUSTERDOWN", "READONLY", "MASTERDOWN", "TRYAGAIN", "MISCONF", "NOREPLICAS", "BUSY", "MOVED", "ASK", "UNBLOCKED",
	"ERR max number of clients",
}

// mapError makes ErrFull and ErrUnavailable of what go-redis answers; the cause
// stays wrapped. A script's own error stays what it is.
func mapError(err error) error {
	var reply redis.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), !errors.As(err, &reply):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case redis.HasErrorPrefix(reply, "OOM") || strings.Contains(reply.Error(), "OOM "):
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	for _, prefix := range refusals {
		if redis.HasErrorPrefix(reply, prefix) {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	return fmt.Errorf("queue: %w", err)
}
