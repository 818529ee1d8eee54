package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"bindery/gateway/ingress"
	"bindery/queue"
)

// problem is an error body (RFC 9457).
type problem struct {
	Type   string               `json:"type"`
	Title  string               `json:"title"`
	Status int                  `json:"status"`
	Detail string               `json:"detail,omitempty"`
	Errors []ingress.FieldError `json:"errors,omitempty"`
}

func (p problem) write(w http.ResponseWriter) {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	h := w.Header()
	switch p.Status {
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client may be gone
}

// problemOf maps what the door or the queue answered. Text that may hold a
// number, a text or a secret never gets into it.
func problemOf(err error) problem {
	switch {
	case errors.Is(err, queue.ErrNotFound):
		return problem{Status: http.StatusNotFound, Detail: "no such message"}
	case errors.Is(err, queue.ErrGone):
		return problem{Status: http.StatusGone, Detail: "the message is past the history"}
	case errors.Is(err, queue.ErrKeyConflict):
		return problem{Status: http.StatusConflict, Detail: "this Idempotency-Key was used with another body"}
	case errors.Is(err, queue.ErrTooLate):
		return problem{Status: http.StatusConflict, Detail: "the message may have been sent"}
	case errors.Is(err, queue.ErrFull):
		return problem{Status: http.StatusServiceUnavailable, Detail: "Redis is full: nothing was queued"}
	case errors.Is(err, queue.ErrUnavailable):
		return problem{Status: http.StatusServiceUnavailable, Detail: "Redis does not answer: the message may or may not be queued; the same Idempotency-Key tells"}
	default:
		return problem{Status: http.StatusInternalServerError, Detail: "an error of the gateway; its log says more"}
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}
