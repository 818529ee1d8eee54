package api

import (
	"crypto/sha256"
	"errors"
	"io"
	"mime"
	"net/http"

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

func (a *API) send(w http.ResponseWriter, r *http.Request, who *ingress.Account) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		problem{Status: http.StatusUnsupportedMediaType, Detail: "a message is sent as application/json"}.write(w)
		return
	}
	body, p := readBody(w, r)
	if p != nil {
		p.write(w)
		return
	}
	draft, p := parseDraft(body)
	if p != nil {
		p.write(w)
		return
	}
	key, p := idempotencyKey(r, body)
	if p != nil {
		p.write(w)
		return
	}
	res := a.Door.Accept(r.Context(), who, []ingress.Draft{draft}, key)[0]
	switch {
	case len(res.Errors) > 0:
		problem{Status: http.StatusUnprocessableEntity, Detail: "a field is at fault: nothing was queued", Errors: res.Errors}.write(w)
	case res.Err != nil:
		problemOf(res.Err).write(w)
	default:
		writeJSON(w, http.StatusAccepted, accepted{res.ID, "queued", res.Parts, res.Encoding, res.Route})
	}
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *problem) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &problem{Status: http.StatusRequestEntityTooLarge, Detail: "a message is at most 256 KiB of JSON"}
	case err != nil:
		return nil, &problem{Status: http.StatusBadRequest, Detail: "the body ended early"}
	}
	return body, nil
}

func idempotencyKey(r *http.Request, body []byte) (*queue.Key, *problem) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return nil, nil
	}
	if len(values) > 1 || values[0] == "" || len(values[0]) > maxKey {
		return nil, &problem{Status: http.StatusBadRequest, Detail: "Idempotency-Key is given once, with 1 to 255 octets"}
	}
	k := &queue.Key{}
	sum := sha256.Sum256([]byte(values[0]))
	copy(k.Hash[:], sum[:])
	sum = sha256.Sum256(body)
	copy(k.Body[:], sum[:])
	return k, nil
}
