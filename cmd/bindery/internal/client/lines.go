package client

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// MaxLines is how many messages one request of NDJSON may carry.
const MaxLines = 1_000_000

// Line is one message of a file.
type Line struct {
	Number int // in the file, from 1
	JSON   []byte
	Fault  string // why it cannot be sent; empty: it can
}

// Lines is where messages come from; io.EOF ends them. A Line is valid until
// the next call.
type Lines interface {
	Next() (Line, error)
}

// Answer is what became of one line.
type Answer struct {
	Line   int        `json:"line"`
	Batch  string     `json:"batch,omitempty"`
	ID     string     `json:"id,omitempty"`
	Parts  int        `json:"parts,omitempty"`
	Route  string     `json:"route,omitempty"`
	Code   string     `json:"encoding,omitempty"`
	Status string     `json:"status,omitempty"`
	Error  *LineError `json:"error,omitempty"`
}

// LineError is why a line was not taken.
type LineError struct {
	Status int          `json:"status"` // as of HTTP; 0: the line was not sent
	Title  string       `json:"title"`
	Errors []FieldError `json:"errors,omitempty"`
}

// Later tells whether the same line may be taken when sent again.
func (e *LineError) Later() bool {
	return e.Status == http.StatusServiceUnavailable || e.Status == http.StatusTooManyRequests
}

// exchange is one request of NDJSON under way.
type exchange struct {
	c      *Client
	lines  Lines
	cancel context.CancelCauseFunc
	alive  *time.Timer // ends a standstill

	mu      sync.Mutex // guards the two below
	open    []opened   // lines without an answer, in order
	readErr error      // of lines
}

// opened is a line that was written, or that has a fault and was not.
type opened struct {
	number int
	fault  string
}

var errStandstill = errors.New("nothing moved")

// sendShare is one request.
func (c *Client) sendShare(ctx context.Context, key string, lines Lines, heard func(Answer) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	x := &exchange{c: c, lines: lines, cancel: cancel}
	x.alive = time.AfterFunc(c.timeout, func() { cancel(errStandstill) })
	defer x.alive.Stop()
	body, pipe := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		pipe.CloseWithError(x.write(pipe))
	}()
	err := x.ask(ctx, body, key, heard)
	body.CloseWithError(io.ErrClosedPipe) // the writer may still be at it
	<-written
	if err == nil {
		err = x.faults(heard)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if err == nil && len(x.open) > 0 {
		err = &Problem{Exit: ExitLater, What: fmt.Sprintf("%s ended its answer %d lines early, from line %d on", c.base, len(x.open), x.open[0].number)}
	}
	return cmp.Or(err, x.readErr)
}

func (x *exchange) ask(ctx context.Context, body io.Reader, key string, heard func(Answer) error) error {
	resp, err := x.c.Do(ctx, Request{
		Method: http.MethodPost, Path: "/v1/messages", Type: "application/x-ndjson", Body: body,
		Header: map[string]string{"Idempotency-Key": key, "Accept": "application/x-ndjson"},
	})
	if err != nil {
		return x.why(ctx, err)
	}
	defer resp.Body.Close()
	return x.why(ctx, x.listen(resp.Body, heard))
}

func (x *exchange) why(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errStandstill) {
		return &Problem{Exit: ExitLater, What: fmt.Sprintf("%s neither read nor answered for %s", x.c.base, x.c.timeout), Cause: err}
	}
	return err
}

// write ends when the lines do, or cannot be read on: what was written until
// then is answered all the same.
func (x *exchange) write(to io.Writer) error {
	w := bufio.NewWriterSize(to, 64<<10)
	for {
		l, err := x.lines.Next()
		x.mu.Lock()
		if err == nil {
			x.open = append(x.open, opened{l.Number, l.Fault})
		} else if !errors.Is(err, io.EOF) {
			x.readErr = err
		}
		x.mu.Unlock()
		switch {
		case err != nil:
			return w.Flush()
		case l.Fault != "":
			continue
		}
		if _, err := w.Write(l.JSON); err != nil {
			return err
		}
		if err := w.WriteByte('\n'); err != nil {
			return err
		}
		x.alive.Reset(x.c.timeout)
	}
}

// maxAnswerLine is in octets; an answer names an id, or some fields.
const maxAnswerLine = 1 << 20

func (x *exchange) listen(body io.Reader, heard func(Answer) error) error {
	s := bufio.NewScanner(body)
	s.Buffer(make([]byte, 64<<10), maxAnswerLine)
	for s.Scan() {
		line := bytes.TrimSpace(s.Bytes())
		if len(line) == 0 {
			continue
		}
		var a Answer
		if err := json.Unmarshal(line, &a); err != nil || (a.ID == "") == (a.Error == nil) {
			return x.c.stranger(http.StatusOK)
		}
		x.alive.Reset(x.c.timeout)
		if err := x.faults(heard); err != nil {
			return err
		}
		l, ok := x.pop(false)
		if !ok {
			return &Problem{Exit: ExitRefused, What: x.c.base + " answered more lines than it was sent"}
		}
		a.Line = l.number
		if err := heard(a); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return &Problem{Exit: ExitLater, What: fmt.Sprintf("the connection to %s ended in the midst of its answer: %v", x.c.base, err), Cause: err}
	}
	return nil
}

// faults hands over the lines at the head that were never sent.
func (x *exchange) faults(heard func(Answer) error) error {
	for {
		l, ok := x.pop(true)
		if !ok {
			return nil
		}
		if err := heard(Answer{Line: l.number, Error: &LineError{Title: "not sent: " + l.fault}}); err != nil {
			return err
		}
	}
}

// pop takes the line at the head, if it is one with a fault, or one without.
func (x *exchange) pop(faulty bool) (opened, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.open) == 0 || (x.open[0].fault != "") != faulty {
		return opened{}, false
	}
	l := x.open[0]
	x.open = x.open[1:]
	return l, true
}
