package api

import (
	"encoding/json"
	"net/http"
	"strconv"

	"bindery/gateway/ingress"
	"bindery/queue"
)

// maxLineErrors bounds the answer to one bad line.
const maxLineErrors = 10

// appendAccepted writes the answer to a line that was taken. Of one that was
// taken before a reload perhaps only the id is known.
func appendAccepted(dst []byte, r *ingress.Result) []byte {
	dst = append(append(dst, `{"id":"`...), r.ID...)
	dst = append(append(dst, `","status":"`...), queue.StatusQueued.String()...)
	if r.Route != "" { // names of encodings and routes are letters, digits, - and _
		dst = strconv.AppendInt(append(dst, `","parts":`...), int64(r.Parts), 10)
		dst = append(append(dst, `,"encoding":"`...), r.Encoding...)
		dst = append(append(dst, `","route":"`...), r.Route...)
	}
	return append(dst, "\"}\n"...)
}

// lineProblem is what a line that was not taken is answered.
type lineProblem struct {
	Status int                  `json:"status"`
	Title  string               `json:"title"`
	Detail string               `json:"detail,omitempty"`
	Errors []ingress.FieldError `json:"errors,omitempty"`
}

// appendProblem writes the answer to a line that was not.
func appendProblem(dst []byte, p *Problem) []byte {
	body, err := json.Marshal(struct {
		Error lineProblem `json:"error"`
	}{lineProblem{p.Status, http.StatusText(p.Status), p.Detail, p.Errors[:min(len(p.Errors), maxLineErrors)]}})
	if err != nil { // strings and numbers always encode
		panic(err)
	}
	return append(append(dst, body...), '\n')
}
