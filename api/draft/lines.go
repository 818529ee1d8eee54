package draft

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"time"
)

// Lines cuts a body into lines. It holds no more than one line's limit,
// and a line that is longer is read past.
type Lines struct {
	src      io.Reader
	patience func(time.Duration)

	buf      []byte
	from, to int
	text     string    // whole lines that were taken out of buf, one copy for all of them
	opened   time.Time // when the open line was first waited for
	err      error     // of src
}

// lineTime is how long a line may take to arrive: a body that comes an octet
// now and then holds nothing up for ever.
const lineTime = 30 * time.Second

// ErrLineTooLong: the line has more than MaxMessage octets.
var ErrLineTooLong = errors.New("a line is at most 256 KiB")

// NewLines reads the lines of src. patience is called before each wait for it,
// with how long the line that is open may take from now on.
func NewLines(src io.Reader, patience func(time.Duration)) *Lines {
	return &Lines{src: src, patience: patience, buf: make([]byte, 64<<10)}
}

// Next answers the next line, without its end. Lines that came together are
// parts of one string, so whoever keeps one keeps those beside it.
// io.EOF: there is none. Another error: the body broke, and the line that was
// open is none. ErrLineTooLong: there are more.
func (r *Lines) Next() (string, error) {
	seen := 0 // octets of the open line that hold no newline
	for {
		if line, rest, found := strings.Cut(r.text, "\n"); found {
			r.text = rest
			if len(line) > MaxMessage {
				return "", ErrLineTooLong
			}
			return line, nil
		}
		if i := bytes.LastIndexByte(r.buf[r.from+seen:r.to], '\n'); i >= 0 {
			end := r.from + seen + i + 1
			r.text = string(r.buf[r.from:end])
			r.from, r.opened = end, time.Time{}
			continue
		}
		seen = r.to - r.from
		if seen > MaxMessage {
			return "", r.skip()
		}
		if r.err != nil {
			return r.last(seen)
		}
		r.fill()
	}
}

// last answers what stands after the last newline.
func (r *Lines) last(n int) (string, error) {
	line := string(r.buf[r.from:r.to])
	r.from = r.to
	if r.err == io.EOF && n > 0 { //nolint:errorlint // io.Reader's own value
		return line, nil
	}
	return "", r.err
}

// skip reads to the end of a line that is too long.
func (r *Lines) skip() error {
	for {
		if i := bytes.IndexByte(r.buf[r.from:r.to], '\n'); i >= 0 {
			r.from += i + 1
			r.opened = time.Time{}
			return ErrLineTooLong
		}
		r.from, r.to = 0, 0
		if r.err != nil {
			if r.err == io.EOF { //nolint:errorlint // io.Reader's own value
				return ErrLineTooLong
			}
			return r.err
		}
		r.fill()
	}
}

// Ready tells whether the next line is there already, or the end is.
func (r *Lines) Ready() bool {
	return r.err != nil || r.text != "" || bytes.IndexByte(r.buf[r.from:r.to], '\n') >= 0
}

// fill waits for more of the body.
func (r *Lines) fill() {
	if r.from > 0 {
		r.to = copy(r.buf, r.buf[r.from:r.to])
		r.from = 0
	}
	if r.to == len(r.buf) {
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	now := time.Now()
	if r.opened.IsZero() {
		r.opened = now
	}
	r.patience(lineTime - now.Sub(r.opened))
	n, err := r.src.Read(r.buf[r.to:])
	r.to += n
	r.err = err
}
