package api

import (
	"net/http"

	"bindery/api/draft"
	"bindery/gateway/ingress"
	"bindery/queue"
)

const maxBatch = 8 << 20 // octets of a batch's JSON

type batchAnswer struct {
	Batch    string                   `json:"batch"`
	Accepted int                      `json:"accepted"`
	IDs      []*queue.ID              `json:"ids"` // one a recipient, null for a refused one
	Errors   []ingress.RecipientError `json:"errors"`
}

// sendBatch takes one text for many. 202 means that all that were accepted are
// in Redis.
func (a *API) sendBatch(w http.ResponseWriter, r *http.Request, who *ingress.Account) {
	if a.refuse(w) {
		return
	}
	if _, p := checkType(w, r, typeJSON); p != nil {
		p.Write(w)
		return
	}
	body, key, give, p := a.readKeyed(w, r, who, maxBatch, "a batch is at most 8 MiB of JSON")
	if p != nil {
		p.Write(w)
		return
	}
	defer give()
	b, e := draft.Batch(string(body))
	if e != nil {
		problemIn(e).Write(w)
		return
	}
	res := a.Door.Batch(r.Context(), who, b, key)
	switch {
	case len(res.Errors) > 0:
		fieldProblem(res.Errors).Write(w)
	case res.Err != nil:
		a.problemOf(res.Err).Write(w)
	default:
		w.Header().Set("Location", "/v1/batches/"+res.ID)
		writeJSON(w, http.StatusAccepted, answerOf(res))
	}
}

func answerOf(res *ingress.BatchResult) batchAnswer {
	a := batchAnswer{Batch: res.ID, Accepted: res.Accepted, IDs: make([]*queue.ID, len(res.IDs)), Errors: res.Refused}
	for i := range res.IDs {
		if res.IDs[i] != "" {
			a.IDs[i] = &res.IDs[i]
		}
	}
	if a.Errors == nil {
		a.Errors = []ingress.RecipientError{}
	}
	return a
}

type batchView struct {
	Batch      string         `json:"batch"`
	Accepted   int            `json:"accepted"`
	AcceptedAt string         `json:"accepted_at"`
	Statuses   map[string]int `json:"statuses"`
	Past       int            `json:"past_history"` // of the accepted, past the history: in no status
}

// batch tells how far a batch is.
func (a *API) batch(w http.ResponseWriter, r *http.Request, who *ingress.Account) {
	id := r.PathValue("batch")
	v, err := a.Messages.Batch(r.Context(), who.ID, id)
	if err != nil {
		p := a.problemOf(err)
		switch p.Status {
		case http.StatusNotFound:
			p.Detail = "no such batch"
		case http.StatusGone:
			p.Detail = "the batch is past the history"
		}
		p.Write(w)
		return
	}
	view := batchView{Batch: id, Accepted: v.Accepted, AcceptedAt: v.AcceptedAt.UTC().Format(milliseconds), Statuses: map[string]int{}, Past: v.Past}
	for status, n := range v.Statuses {
		view.Statuses[status.String()] = n
	}
	writeJSON(w, http.StatusOK, view)
}
