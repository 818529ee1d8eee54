package api

import (
	"net/http"

	"bindery/gateway/ingress"
	"bindery/queue"
)

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
