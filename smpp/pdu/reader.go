package pdu

import (
	"errors"
	"fmt"
	"io"
)

// firstBuffer is what a Reader starts with, in octets: some hundred responses,
// and little for a connection that never says anything.
const firstBuffer = 4096

// maxEmptyReads bounds reads that bring neither octets nor an error.
const maxEmptyReads = 100

// Reader cuts a stream into PDUs. Its buffer grows with the octets that have
// come, never by a command_length, and at most to the largest PDU. It belongs
// to one goroutine.
type Reader struct {
	src        io.Reader
	buf        []byte
	start, end int // buf[start:end] has been read and not handed out
	maxPDU     int
	full       bool  // the last read filled the buffer: more is waiting
	err        error // came together with octets; handed out after them
}

// NewReader reads from src PDUs of at most maxPDU octets, DefaultMaxPDU when
// that is 0.
func NewReader(src io.Reader, maxPDU int) *Reader {
	r := &Reader{src: src}
	r.SetMaxPDU(maxPDU)
	return r
}

// SetMaxPDU changes the largest command_length taken, from the next PDU on:
// small before a bind, larger after it. 0 is DefaultMaxPDU.
func (r *Reader) SetMaxPDU(maxPDU int) {
	if maxPDU <= 0 {
		maxPDU = DefaultMaxPDU
	}
	r.maxPDU = max(maxPDU, HeaderLen)
}

// Next returns the next whole PDU. The slice is valid until the next call.
//
// A length that no PDU can have is a *LengthError as soon as its four octets
// are there; the stream is lost then and every further call says so. The end
// of the stream is io.EOF between two PDUs, io.ErrUnexpectedEOF within one.
// After a time-out of src Next may be called again: nothing is lost by it.
func (r *Reader) Next() ([]byte, error) {
	for {
		n, err := r.frame()
		if err != nil {
			return nil, err
		}
		if n > 0 {
			pdu := r.buf[r.start : r.start+n : r.start+n]
			r.start += n
			return pdu, nil
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// Buffered is the number of octets that were read and not yet handed out; they
// may be less than a PDU.
func (r *Reader) Buffered() int { return r.end - r.start }

// Ready tells whether Next has an answer without reading: false means that
// what the last read brought is exhausted.
func (r *Reader) Ready() bool {
	n, err := r.frame()
	return n > 0 || err != nil
}

// frame is the length of the PDU at the start of the buffer, 0 when it is not
// whole yet.
func (r *Reader) frame() (int, error) {
	have := r.buf[r.start:r.end]
	if len(have) < lengthLen {
		return 0, nil
	}
	n, err := readLength(have, r.maxPDU)
	if err != nil || n > len(have) {
		return 0, err
	}
	return n, nil
}

// fill reads once, at least an octet or an error.
func (r *Reader) fill() error {
	if err := r.err; err != nil {
		r.err = nil
		return r.ended(err)
	}
	r.room()
	for range maxEmptyReads {
		n, err := r.src.Read(r.buf[r.end:])
		if n < 0 || n > len(r.buf)-r.end {
			return fmt.Errorf("read: the reader said %d octets of %d", n, len(r.buf)-r.end)
		}
		r.end += n
		r.full = r.end == len(r.buf)
		switch {
		case n > 0:
			r.err = err
			return nil
		case err != nil:
			return r.ended(err)
		}
	}
	return fmt.Errorf("read: %w", io.ErrNoProgress)
}

func (r *Reader) ended(err error) error {
	if errors.Is(err, io.EOF) && r.Buffered() > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// room makes space behind what is buffered: moves it to the front, and doubles
// the buffer when the last read filled it. That is the case when a large PDU
// is half there, and when a busy peer sends faster than we read.
func (r *Reader) room() {
	size := max(len(r.buf), min(firstBuffer, r.maxPDU))
	if r.full {
		size = max(len(r.buf), min(2*len(r.buf), r.maxPDU))
	}
	if size == len(r.buf) {
		copy(r.buf, r.buf[r.start:r.end])
	} else {
		grown := make([]byte, size)
		copy(grown, r.buf[r.start:r.end])
		r.buf = grown
	}
	r.start, r.end, r.full = 0, r.Buffered(), false
}
