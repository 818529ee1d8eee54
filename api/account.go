package api

import (
	"net/http"

	"bindery/gateway/ingress"
)

// accountView is an account as it sees itself.
type accountView struct {
	ID     string `json:"id"`
	Rate   int    `json:"rate"`   // parts a second, all instances together; 0: no limit
	Stream string `json:"stream"` // key of its status stream in Redis
	Admin  bool   `json:"admin"`
}

func (a *API) account(w http.ResponseWriter, _ *http.Request, who *ingress.Account) {
	stream, err := a.Messages.StreamKey(who.ID)
	if err != nil {
		a.problemOf(err).Write(w)
		return
	}
	writeJSON(w, http.StatusOK, accountView{ID: who.ID, Rate: who.Rate, Stream: stream, Admin: who.Admin})
}
