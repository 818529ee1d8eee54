package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"bindery/api/draft"
	"bindery/gateway/ingress"
	"bindery/queue"
)

// Problem is an error body (RFC 9457). Type and Title are filled in by Write.
type Problem struct {
	Type   string               `json:"type"`
	Title  string               `json:"title"`
	Status int                  `json:"status"`
	Detail string               `json:"detail,omitempty"`
	Errors []ingress.FieldError `json:"errors,omitempty"`
	// RetryAfter, in seconds, is the header of that name; 0: none.
	RetryAfter int `json:"-"`
}

// Write answers a request with the problem.
func (p Problem) Write(w http.ResponseWriter) {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	h := w.Header()
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", challenge)
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client may be gone
}

// Seconds after which another try is worth it.
const (
	retryBusy = 1
	retryFull = 5 // a full Redis drains by itself, not at once
)

const challenge = `Bearer realm="bindery"`

var unauthorized = Problem{Status: http.StatusUnauthorized, Detail: "a valid key is needed: Authorization: Bearer API_KEY"}

// problemIn is what is wrong with a body as such.
func problemIn(e *draft.Error) *Problem { return &Problem{Status: e.Status, Detail: e.Detail} }

func fieldProblem(errs []ingress.FieldError) Problem {
	return Problem{Status: http.StatusUnprocessableEntity, Detail: "a field is at fault; nothing was queued", Errors: errs}
}

// problemOf maps what the door or the queue answered. Nothing of the error's
// own text gets into it; an error that nobody foresaw is logged.
func (a *API) problemOf(err error) Problem {
	busy := Problem{Status: http.StatusServiceUnavailable, RetryAfter: retryBusy}
	var tooFast *queue.TooFastError
	switch {
	case errors.As(err, &tooFast):
		return Problem{Status: http.StatusTooManyRequests, Detail: "the account is over its rate; nothing was queued", RetryAfter: seconds(tooFast.Wait)}
	case errors.Is(err, ingress.ErrBatchTooLarge), errors.Is(err, queue.ErrTooLarge):
		return Problem{Status: http.StatusRequestEntityTooLarge, Detail: "at most 10,000 recipients, 50,000 parts and 16 MiB of text in all are taken; nothing was queued"}
	case errors.Is(err, ingress.ErrStopping):
		busy.Detail = "the gateway is stopping; nothing more is taken"
		return busy
	case errors.Is(err, queue.ErrNotFound):
		return Problem{Status: http.StatusNotFound, Detail: "no such message"}
	case errors.Is(err, queue.ErrGone):
		return Problem{Status: http.StatusGone, Detail: "the message is past the history"}
	case errors.Is(err, queue.ErrKeyConflict):
		return Problem{Status: http.StatusConflict, Detail: "this Idempotency-Key was used with another body"}
	case errors.Is(err, queue.ErrTooLate):
		return Problem{Status: http.StatusConflict, Detail: "the message may have been sent"}
	case errors.Is(err, queue.ErrFull):
		busy.Detail, busy.RetryAfter = "Redis is full; nothing was queued", retryFull
		return busy
	case errors.Is(err, queue.ErrUnavailable):
		busy.Detail = "Redis does not answer; whether anything was done is not known, and the same Idempotency-Key tells"
		return busy
	}
	a.Log.Error().Err(err).Msg("api: an unforeseen error was answered with 500")
	return Problem{Status: http.StatusInternalServerError, Detail: "an error of the gateway; its log says more"}
}

// seconds to wait, rounded up.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}
