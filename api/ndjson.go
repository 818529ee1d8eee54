package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bindery/api/draft"
	"bindery/gateway/ingress"
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
	gathered    = 2000                 // lines that are taken together
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
	lines := draft.NewLines(body, s.patience)
	p, total := &piece{}, 0
	for {
		line, err := lines.Next()
		if err != nil && !errors.Is(err, draft.ErrLineTooLong) {
			break // the end, or the body broke: what is half is no line
		}
		if line = strings.TrimSpace(line); len(line) == 0 && err == nil {
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
		if total%ingress.Yield == 0 {
			runtime.Gosched()
		}
		if !lines.Ready() || len(p.lines) >= pieceLines || p.octets >= pieceOctets {
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
	n := len(p.lines) // likely the next one's too
	s.pieces <- p     // from here on it is the taker's
	return &piece{lines: make([]ingress.Line, 0, n), problems: make([]*Problem, 0, n)}
}

// parse adds a line; err: it is too long.
func (p *piece) parse(line string, err error) {
	var l ingress.Line
	var problem *Problem
	if err != nil {
		problem = &Problem{Status: http.StatusRequestEntityTooLarge, Detail: err.Error()}
	} else {
		var e *draft.Error
		if l.Draft, e = draft.Message(line); e != nil {
			problem = problemIn(e)
		}
		l.Hash = ingress.HashLine(line)
	}
	l.Refused = problem != nil
	p.lines, p.problems, p.octets = append(p.lines, l), append(p.problems, problem), p.octets+len(line)
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
