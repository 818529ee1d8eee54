package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"bindery/gateway/ingress"
	"bindery/queue"
)

// A stream of lines is three goroutines: the handler's reads the body and
// parses, the taker pushes and makes answers, the writer hands them to the
// client. Between reader and taker stands a channel of few pieces, so a body is
// read no faster than Redis (or the account's rate) takes it. Between taker and
// writer stands the spool, which never makes the taker wait: a client that reads
// only when it has sent all, or never, holds nothing up.
const (
	pieceLines  = 500
	pieceOctets = 128 << 10
	pieces      = 4
	gathered    = 4000                 // lines that are taken together
	linger      = 2 * time.Millisecond // for more lines, while fewer than a piece wait
	unreadTime  = 60 * time.Second     // for a client to read on, once it has sent all
	stopTime    = 2 * time.Second      // for a body, once the gateway stops
)

// MaxLines of one stream.
const MaxLines = 1_000_000

// piece is some lines, in order. problems has an entry for each; nil: the way
// in has nothing against it.
type piece struct {
	lines    []ingress.Line
	problems []*Problem
	octets   int
	// untaken lines came after nothing was taken any more, excess ones after
	// MaxLines; in a piece of those there are no others.
	untaken, excess int
}

func (p *piece) add(q *piece) {
	p.lines, p.problems = append(p.lines, q.lines...), append(p.problems, q.problems...)
	p.octets += q.octets
}

// lineStream is one request.
type lineStream struct {
	api    *API
	rc     *http.ResponseController
	stream *ingress.Stream
	spool  *spool
	pieces chan *piece
	closed atomic.Bool // the stream takes nothing more: lines need not be parsed
	ended  atomic.Bool // the body is at its end
	failed atomic.Bool // an error of ours: the answers are not whole
}

var errExcess = errors.New("more than 1,000,000 lines")

func (a *API) sendLines(w http.ResponseWriter, r *http.Request, who *ingress.Account) {
	name, p := idempotencyKey(r)
	if p != nil {
		p.Write(w)
		return
	}
	if !a.room.take(who.ID, streamRoom) {
		tooMuch.Write(w)
		return
	}
	defer a.room.give(who.ID, streamRoom)
	var key *[16]byte
	if name != "" {
		hash := shortHash([]byte(name))
		key = &hash
	}
	s := &lineStream{
		api: a, rc: http.NewResponseController(w), spool: newSpool(), pieces: make(chan *piece, pieces),
		stream: a.Door.Stream(who, key, a.stopping.Done()),
	}
	s.run(w, r)
}

func (s *lineStream) run(w http.ResponseWriter, r *http.Request) {
	duplex := s.rc.EnableFullDuplex() == nil
	_ = s.rc.SetWriteDeadline(time.Time{}) // once the body is at its end there is one
	defer s.spool.close()
	var work sync.WaitGroup
	defer work.Wait()
	// What is pushed is pushed to its end, whether or not the client waits for it.
	work.Go(func() { s.take(context.WithoutCancel(r.Context())) })
	if duplex {
		work.Go(func() { s.write(w) })
	}
	s.readAll(r.Body)
	_ = s.rc.SetWriteDeadline(time.Now().Add(unreadTime))
	if !duplex {
		work.Go(func() { s.write(w) })
	}
	work.Wait()
	if s.failed.Load() {
		panic(http.ErrAbortHandler) // the client sees that answers are missing
	}
}

func (s *lineStream) readAll(body io.Reader) {
	defer close(s.pieces)
	defer s.ended.Store(true)
	unblock := context.AfterFunc(s.api.stopping, func() { _ = s.rc.SetReadDeadline(time.Now().Add(stopTime)) })
	defer unblock()
	s.read(body)
}

// read cuts the body into lines and parses them, to its end.
func (s *lineStream) read(body io.Reader) {
	lines := newLineReader(body, s.patience)
	p, total := &piece{}, 0
	for {
		line, err := lines.next()
		if err != nil && !errors.Is(err, errLineTooLong) {
			break // the end, or the body broke: what is half is no line
		}
		if line = bytes.TrimSpace(line); len(line) == 0 && err == nil {
			continue
		}
		total++
		switch {
		case total > s.api.MaxLines:
			p = s.count(p, func(p *piece) *int { return &p.excess })
		case s.closed.Load():
			p = s.count(p, func(p *piece) *int { return &p.untaken })
		default:
			p.parse(line, err)
		}
		if !lines.ready() || len(p.lines) >= pieceLines || p.octets >= pieceOctets {
			p = s.hand(p)
		}
	}
	s.hand(p)
}

// patience bounds the next wait for the body.
func (s *lineStream) patience(d time.Duration) {
	if s.api.stopping.Err() != nil {
		d = min(d, stopTime)
	}
	_ = s.rc.SetReadDeadline(time.Now().Add(d))
}

// count counts a line that is not looked at; lines of another kind before it go
// first.
func (s *lineStream) count(p *piece, field func(*piece) *int) *piece {
	if n := len(p.lines) + p.untaken + p.excess - *field(p); n > 0 {
		p = s.hand(p)
	}
	*field(p)++
	return p
}

func (s *lineStream) hand(p *piece) *piece {
	if len(p.lines) == 0 && p.untaken == 0 && p.excess == 0 {
		return p
	}
	s.pieces <- p
	return &piece{}
}

// parse adds a line; err: it is too long.
func (p *piece) parse(line []byte, err error) {
	var l ingress.Line
	var problem *Problem
	if err != nil {
		problem = &Problem{Status: http.StatusRequestEntityTooLarge, Detail: err.Error()}
	} else {
		l.Hash = ingress.HashLine(line)
		l.Draft, problem = parseMessage(line)
	}
	l.Refused = problem != nil
	p.lines, p.problems, p.octets = append(p.lines, l), append(p.problems, problem), p.octets+len(line)
}

// take pushes what is read, and makes the answers.
func (s *lineStream) take(ctx context.Context) {
	defer s.spool.end()
	defer s.rescue()
	t := taker{lineStream: s, results: make([]ingress.Result, gathered+pieceLines)}
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

// write hands the answers to the client as they come.
func (s *lineStream) write(w http.ResponseWriter) {
	begun := false
	buf := make([]byte, 0, 32<<10)
	for {
		answers, err := s.spool.next(buf)
		if err != nil && !errors.Is(err, io.EOF) {
			s.api.Log.Error().Err(err).Msg("api: answers of a stream cannot be read back")
			s.failed.Store(true)
			s.spool.giveUp()
			return
		}
		if !begun {
			begun = true
			w.Header().Set("Content-Type", "application/x-ndjson")
			w.WriteHeader(http.StatusOK)
		}
		if err != nil {
			return
		}
		if s.ended.Load() {
			_ = s.rc.SetWriteDeadline(time.Now().Add(unreadTime))
		}
		if _, err := w.Write(answers); err != nil {
			s.spool.giveUp()
			return
		}
		_ = s.rc.Flush()
	}
}
