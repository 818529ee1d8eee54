package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"bindery/gateway/ingress"
	"bindery/queue"
)

// take pushes what is read, and makes the answers.
func (s *lineStream) take(ctx context.Context) {
	defer s.spool.end()
	defer s.rescue()
	t := taker{lineStream: s}
	wait := time.NewTimer(linger)
	defer wait.Stop()
	for {
		p, ok := t.next(wait)
		if !ok {
			return
		}
		t.takeAll(ctx, p)
	}
}

// rescue keeps an error of ours from ending the process, and the reader from
// waiting for ever.
func (s *lineStream) rescue() {
	if recover() == nil {
		return
	}
	s.api.Log.Error().Str("stack", string(debug.Stack())).Msg("api: taking lines panicked")
	s.failed.Store(true)
	for range s.pieces { // to the end of the body
	}
}

// taker is what the taking goroutine alone uses.
type taker struct {
	*lineStream
	held    *piece // read and not taken
	results []ingress.Result
	answers []byte
}

// next waits for lines, and a moment for more of them.
func (t *taker) next(wait *time.Timer) (*piece, bool) {
	p := t.held
	t.held = nil
	if p == nil {
		var ok bool
		if p, ok = <-t.pieces; !ok {
			return nil, false
		}
	}
	if p.untaken+p.excess > 0 {
		return p, true
	}
	for wait.Reset(linger); len(p.lines) < gathered && p.octets < pieces*pieceOctets; {
		q, ok := t.more(wait, len(p.lines) < pieceLines)
		if !ok {
			break
		}
		if q.untaken+q.excess > 0 {
			t.held = q
			break
		}
		p.add(q)
	}
	return p, true
}

func (t *taker) more(wait *time.Timer, patient bool) (*piece, bool) {
	select {
	case q, ok := <-t.pieces:
		return q, ok
	default:
	}
	if !patient {
		return nil, false
	}
	select {
	case q, ok := <-t.pieces:
		return q, ok
	case <-wait.C:
		return nil, false
	}
}

// takeAll takes a piece push by push; the answers of each leave at once.
func (t *taker) takeAll(ctx context.Context, p *piece) {
	if len(t.results) < len(p.lines) {
		t.results = make([]ingress.Result, len(p.lines))
	}
	if p.excess > 0 {
		t.spool.repeat(appendProblem(nil, &Problem{Status: http.StatusRequestEntityTooLarge, Detail: errExcess.Error()}), p.excess)
	}
	for from := 0; from < len(p.lines); {
		if t.spool.full() {
			t.stream.Close(errUnread)
		}
		if t.stream.Closed() != nil {
			p.untaken += len(p.lines) - from
			break
		}
		n := t.stream.Take(ctx, p.lines[from:], t.results)
		if t.stream.Closed() != nil { // what it says of these lines it says of all after
			n = t.closedFrom(n)
		}
		t.answer(p, from, n)
		from += n
	}
	if p.untaken > 0 {
		t.closed.Store(true)
		t.spool.repeat(appendProblem(nil, t.api.problemOfLine(t.stream.Closed())), p.untaken)
	}
}

// closedFrom is how many of n results came before the stream was closed.
func (t *taker) closedFrom(n int) int {
	for i := range t.results[:n] {
		if t.results[i].Err != nil && t.results[i].Err == t.stream.Closed() { //nolint:errorlint // the very value
			return i
		}
	}
	return n
}

func (t *taker) answer(p *piece, from, n int) {
	t.answers = t.answers[:0]
	for i := range t.results[:n] {
		r := &t.results[i]
		switch problem := p.problems[from+i]; {
		case r.Err != nil:
			t.answers = appendProblem(t.answers, t.api.problemOfLine(r.Err))
		case problem != nil:
			t.answers = appendProblem(t.answers, problem)
		case len(r.Errors) > 0:
			t.answers = appendProblem(t.answers, &Problem{Status: http.StatusUnprocessableEntity, Errors: r.Errors})
		default:
			t.answers = appendAccepted(t.answers, r)
		}
	}
	t.spool.add(t.answers)
}

// errUnread closes a stream whose answers nobody reads.
var errUnread = errors.New("the answers that were not read fill their bound")

// problemOfLine is problemOf in the words of a line.
func (a *API) problemOfLine(err error) *Problem {
	switch {
	case errors.Is(err, queue.ErrKeyConflict):
		return &Problem{Status: http.StatusConflict, Detail: "another line was sent here under this Idempotency-Key"}
	case errors.Is(err, queue.ErrKeyOrder):
		return &Problem{Status: http.StatusServiceUnavailable, Detail: "what was taken under this Idempotency-Key before is not known any more"}
	case errors.Is(err, errUnread):
		return &Problem{Status: http.StatusServiceUnavailable, Detail: err.Error()}
	}
	p := a.problemOf(err)
	return &p
}

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
