package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"time"
)

// Event is one server-sent event.
type Event struct {
	ID   string
	Type string // empty: a status event
	Data []byte // valid until the next
}

// ErrEnough is what a receiver of events answers to end the stream.
var ErrEnough = errors.New("enough")

// Between two tries to take the stream up again.
const (
	againFirst = 500 * time.Millisecond
	againMost  = 10 * time.Second
	// A gateway gives a sign of life four times in it; without one the
	// connection is dead, and is taken up anew.
	deadAfter = time.Minute
)

// Events follows the account's status events from now on, or from behind the
// event named last, until ctx is over or heard answers an error. A stream that
// breaks is taken up where it broke; lost is told why, and when the next try
// is. A stream that never began is an error.
func (c *Client) Events(ctx context.Context, last string, heard func(Event) error, lost func(why error, again time.Duration)) error {
	began, wait := false, againFirst
	var enough error
	for {
		place, err := c.stream(ctx, last, func(e Event) error {
			wait = againFirst
			enough = heard(e)
			return enough
		}, &began)
		last = place
		var p *Problem
		switch {
		case errors.Is(enough, ErrEnough):
			return nil
		case enough != nil:
			return enough
		case ctx.Err() != nil:
			return context.Canceled
		case !began, errors.As(err, &p) && p.Exit != ExitLater:
			return err
		}
		again := wait/2 + rand.N(wait/2)
		wait = min(2*wait, againMost)
		lost(err, again)
		timer := time.NewTimer(again)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Canceled
		}
	}
}

// stream is one connection. It answers the place to go on from.
func (c *Client) stream(ctx context.Context, last string, heard func(Event) error, began *bool) (string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	alive := time.AfterFunc(deadAfter, func() { cancel(errStandstill) })
	defer alive.Stop()
	header := map[string]string{"Accept": "text/event-stream"}
	if last != "" {
		header["Last-Event-ID"] = last
	}
	resp, err := c.Do(ctx, Request{Method: http.MethodGet, Path: "/v1/status", Header: header})
	if err != nil {
		return last, err
	}
	defer resp.Body.Close()
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != "text/event-stream" {
		return last, c.stranger(resp.StatusCode)
	}
	*began = true
	r := newEvents(resp.Body, last)
	r.line = func() { alive.Reset(deadAfter) }
	for {
		e, err := r.next()
		if errors.Is(context.Cause(ctx), errStandstill) {
			err = errStandstill
		}
		if err != nil {
			return r.last, &Problem{Exit: ExitLater, What: fmt.Sprintf("the stream of %s ended: %v", c.base, err), Cause: err}
		}
		if err := heard(e); err != nil {
			return r.last, err
		}
	}
}

// events reads text/event-stream (HTML Living Standard, section 9.2).
type events struct {
	s    *bufio.Scanner
	line func() // called at each line
	last string // where to go on
	id   string
	kind string
	data []byte
}

func newEvents(r io.Reader, last string) *events {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 16<<10), 1<<20)
	return &events{s: s, line: func() {}, last: last, id: last}
}

func (r *events) next() (Event, error) {
	r.data, r.kind = r.data[:0], ""
	some := false
	for r.s.Scan() {
		r.line()
		line := bytes.TrimSuffix(r.s.Bytes(), []byte("\r"))
		if len(line) == 0 {
			r.last = r.id // without data it is told all the same
			if !some {
				r.kind = ""
				continue
			}
			return Event{ID: r.id, Type: r.kind, Data: r.data}, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) { // a comment has none
		case "id":
			if bytes.IndexByte(value, 0) < 0 {
				r.id = string(value)
			}
		case "event":
			r.kind = string(value)
		case "data":
			if some {
				r.data = append(r.data, '\n')
			}
			some = true
			r.data = append(r.data, value...)
		}
	}
	if err := r.s.Err(); err != nil {
		return Event{}, err
	}
	return Event{}, io.EOF
}
