package api

import (
	"net/http"

	"bindery/gateway/ingress"
	"bindery/queue"
)

type message struct {
	ID        queue.ID     `json:"id"`
	Status    string       `json:"status"`
	To        string       `json:"to"`
	From      string       `json:"from"`
	Carrier   string       `json:"carrier,omitempty"`
	Route     string       `json:"route"`
	Parts     int          `json:"parts"`
	Reference string       `json:"reference,omitempty"`
	Campaign  string       `json:"campaign,omitempty"`
	Error     *failure     `json:"error,omitempty"`
	Timeline  []timelineAt `json:"timeline"`
}

type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type timelineAt struct {
	At      string   `json:"at"`
	Status  string   `json:"status"`
	Carrier string   `json:"carrier,omitempty"`
	Error   *failure `json:"error,omitempty"`
}

const milliseconds = "2006-01-02T15:04:05.000Z07:00" // RFC 3339

func (a *API) message(w http.ResponseWriter, r *http.Request, who *ingress.Account) {
	v, err := a.Messages.Get(r.Context(), who.ID, queue.ID(r.PathValue("id")))
	if err != nil {
		a.problemOf(err).Write(w)
		return
	}
	m := message{
		ID: v.Message.ID, Status: v.Status.String(), To: v.Message.To, From: v.Message.From,
		Carrier: v.Carrier, Route: v.Message.Route, Parts: v.Message.Parts,
		Reference: v.Message.Reference, Campaign: v.Message.Campaign,
		Error: failed(v.Error), Timeline: make([]timelineAt, 0, len(v.Timeline)),
	}
	for _, t := range v.Timeline {
		m.Timeline = append(m.Timeline, timelineAt{t.At.UTC().Format(milliseconds), t.Status, t.Carrier, failed(t.Error)})
	}
	writeJSON(w, http.StatusOK, m)
}

func failed(e queue.Error) *failure {
	if e.Code == "" {
		return nil
	}
	return &failure{e.Code, e.Message}
}

type canceled struct {
	ID     queue.ID `json:"id"`
	Status string   `json:"status"`
}

// cancel ends a message that was surely never sent; once more is no error.
func (a *API) cancel(w http.ResponseWriter, r *http.Request, who *ingress.Account) {
	id := queue.ID(r.PathValue("id"))
	if err := a.Messages.Cancel(r.Context(), who.ID, id); err != nil {
		a.problemOf(err).Write(w)
		return
	}
	writeJSON(w, http.StatusOK, canceled{id, queue.StatusCanceled.String()})
}
