package api

import (
	"crypto/sha256"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"bindery/gateway/ingress"
	"bindery/queue"
)

const (
	maxMessage = 256 << 10 // octets of one message's JSON
	maxKey     = 255       // octets of an Idempotency-Key
)

type accepted struct {
	ID       queue.ID `json:"id"`
	Status   string   `json:"status"`
	Parts    int      `json:"parts"`
	Encoding string   `json:"encoding"`
	Route    string   `json:"route"`
}

// send takes one message. 202 means that it is in Redis.
func (a *API) send(w http.ResponseWriter, r *http.Request, who *ingress.Account) {
	defer a.inFlight.Add(-1)
	if a.inFlight.Add(1) > int64(a.MaxInFlight) {
		Problem{Status: http.StatusServiceUnavailable, Detail: "too many sends are under way; nothing was queued", RetryAfter: retryBusy}.Write(w)
		return
	}
	draft, key, p := readSend(w, r)
	if p != nil {
		p.Write(w)
		return
	}
	res := a.Door.Accept(r.Context(), who, []ingress.Draft{draft}, key)[0]
	switch {
	case len(res.Errors) > 0:
		fieldProblem(res.Errors).Write(w)
	case res.Err != nil:
		a.problemOf(res.Err).Write(w)
	default:
		w.Header().Set("Location", "/v1/messages/"+string(res.ID))
		writeJSON(w, http.StatusAccepted, accepted{res.ID, queue.StatusQueued.String(), res.Parts, res.Encoding, res.Route})
	}
}

// readSend does all that needs only the request, the cheap refusals first.
func readSend(w http.ResponseWriter, r *http.Request) (d ingress.Draft, key *queue.Key, p *Problem) {
	if p = checkType(w, r); p != nil {
		return d, nil, p
	}
	name, p := idempotencyKey(r)
	if p != nil {
		return d, nil, p
	}
	body, p := readBody(w, r)
	if p != nil {
		return d, nil, p
	}
	if d, p = parseDraft(body); p != nil {
		return d, nil, p
	}
	if name != "" {
		key = &queue.Key{Hash: shortHash([]byte(name)), Body: shortHash(body)}
	}
	return d, key, nil
}

func shortHash(b []byte) [16]byte {
	sum := sha256.Sum256(b)
	return [16]byte(sum[:16])
}

// checkType wants JSON in UTF-8, not compressed.
func checkType(w http.ResponseWriter, r *http.Request) *Problem {
	const taken = "application/json"
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, named := params["charset"]
	switch {
	case err != nil || kind != taken:
		w.Header().Set("Accept", taken) // RFC 9110 section 15.5.16
		return &Problem{Status: http.StatusUnsupportedMediaType, Detail: "this version takes one message as " + taken}
	case named && !strings.EqualFold(charset, "utf-8"):
		return &Problem{Status: http.StatusUnsupportedMediaType, Detail: "JSON is UTF-8; another charset is not taken"}
	}
	if c := r.Header.Get("Content-Encoding"); c != "" && !strings.EqualFold(c, "identity") {
		w.Header().Set("Accept-Encoding", "identity")
		return &Problem{Status: http.StatusUnsupportedMediaType, Detail: "a compressed body is not taken"}
	}
	return nil
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *Problem) {
	large := &Problem{Status: http.StatusRequestEntityTooLarge, Detail: "a message is at most 256 KiB of JSON"}
	if r.ContentLength > maxMessage {
		w.Header().Set("Connection", "close") // the rest is not read
		return nil, large
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, large
	case err != nil:
		return nil, &Problem{Status: http.StatusBadRequest, Detail: "the body ended early"}
	}
	return body, nil
}

// idempotencyKey answers "" when none was given.
func idempotencyKey(r *http.Request) (string, *Problem) {
	const name = "Idempotency-Key"
	values := r.Header.Values(name)
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 || values[0] == "" || len(values[0]) > maxKey {
		const message = "want one of 1 to 255 octets"
		return "", &Problem{Status: http.StatusBadRequest, Detail: name + ": " + message, Errors: []ingress.FieldError{{Field: name, Message: message}}}
	}
	return values[0], nil
}
