package api

import (
	"crypto/sha256"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"bindery/api/draft"
	"bindery/gateway/ingress"
	"bindery/queue"
)

const maxKey = 255 // octets of an Idempotency-Key

type accepted struct {
	ID       queue.ID `json:"id"`
	Status   string   `json:"status"`
	Parts    int      `json:"parts"`
	Encoding string   `json:"encoding"`
	Route    string   `json:"route"`
}

// send takes one message, or a stream of lines.
func (a *API) send(w http.ResponseWriter, r *http.Request, who *ingress.Account) {
	if a.refuse(w) {
		return
	}
	kind, p := checkType(w, r, typeJSON, typeLines)
	switch {
	case p != nil:
		p.Write(w)
	case kind == typeLines:
		a.sendLines(w, r, who)
	default:
		a.sendOne(w, r, who)
	}
}

// sendOne takes one message. 202 means that it is in Redis.
func (a *API) sendOne(w http.ResponseWriter, r *http.Request, who *ingress.Account) {
	defer a.inFlight.Add(-1)
	if a.inFlight.Add(1) > int64(a.MaxInFlight) {
		tooMuch.Write(w)
		return
	}
	body, key, give, p := a.readKeyed(w, r, who, draft.MaxMessage, "a message is at most 256 KiB of JSON")
	if p != nil {
		p.Write(w)
		return
	}
	defer give()
	d, e := draft.Message(string(body))
	if e != nil {
		problemIn(e).Write(w)
		return
	}
	res := a.Door.Accept(r.Context(), who, []ingress.Draft{d}, key)[0]
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

// readKeyed reads a whole body of at most so many octets, the cheap refusals
// first, and the idempotency key, nil for none. give returns the room that the
// body takes.
func (a *API) readKeyed(w http.ResponseWriter, r *http.Request, who *ingress.Account, most int64, large string) (body []byte, key *queue.Key, give func(), p *Problem) {
	name, p := idempotencyKey(r)
	if p != nil {
		return nil, nil, nil, p
	}
	size := r.ContentLength
	if size > most {
		w.Header().Set("Connection", "close") // the rest is not read
		return nil, nil, nil, &Problem{Status: http.StatusRequestEntityTooLarge, Detail: large}
	}
	if size < 0 {
		size = most
	}
	if size *= bodyFactor; !a.room.take(who.ID, size) {
		return nil, nil, nil, &tooMuch
	}
	give = func() { a.room.give(who.ID, size) }
	if body, p = readBody(w, r, most, large); p != nil {
		give()
		return nil, nil, nil, p
	}
	if name != "" {
		key = &queue.Key{Hash: shortHash([]byte(name)), Body: shortHash(body)}
	}
	return body, key, give, nil
}

func shortHash(b []byte) [16]byte {
	sum := sha256.Sum256(b)
	return [16]byte(sum[:16])
}

// Types of a body.
const (
	typeJSON  = "application/json"
	typeLines = "application/x-ndjson"
)

// checkType wants one of the types, in UTF-8, not compressed, and answers it.
func checkType(w http.ResponseWriter, r *http.Request, types ...string) (string, *Problem) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, named := params["charset"]
	switch {
	case err != nil || !slices.Contains(types, kind):
		taken := strings.Join(types, ", ")
		w.Header().Set("Accept", taken) // RFC 9110 section 15.5.16
		return "", &Problem{Status: http.StatusUnsupportedMediaType, Detail: "the body's type is not taken; want " + taken}
	case named && !strings.EqualFold(charset, "utf-8"):
		return "", &Problem{Status: http.StatusUnsupportedMediaType, Detail: "JSON is UTF-8; another charset is not taken"}
	}
	if c := r.Header.Get("Content-Encoding"); c != "" && !strings.EqualFold(c, "identity") {
		w.Header().Set("Accept-Encoding", "identity")
		return "", &Problem{Status: http.StatusUnsupportedMediaType, Detail: "a compressed body is not taken"}
	}
	return kind, nil
}

func readBody(w http.ResponseWriter, r *http.Request, most int64, large string) ([]byte, *Problem) {
	src := http.MaxBytesReader(w, r.Body, most)
	body, err := readSized(src, r.ContentLength)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &Problem{Status: http.StatusRequestEntityTooLarge, Detail: large}
	case err != nil:
		return nil, &Problem{Status: http.StatusBadRequest, Detail: "the body ended early"}
	}
	return body, nil
}

// readSized reads all of src, into one piece of memory when its length is known.
func readSized(src io.Reader, length int64) ([]byte, error) {
	if length < 0 {
		return io.ReadAll(src)
	}
	body := make([]byte, length)
	n, err := io.ReadFull(src, body)
	return body[:n], err
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
