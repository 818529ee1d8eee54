package pdu_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bindery/smpp/pdu"
)

// seed adds every PDU that the tests know, and those of the field.
func seed(f *testing.F, add func([]byte)) {
	for _, p := range samples() {
		if frame := encode(f, p); len(frame) < 1000 { // long seeds make slow inputs
			add(frame)
		}
	}
	for _, file := range []string{"pdus.jsonl", "receipts.jsonl"} {
		for _, c := range fixtures(f, file) {
			for _, frame := range append(c.Input.FromSMSC, c.Input.PDUs...) {
				add(octets(f, frame))
			}
		}
	}
	for _, p := range samples()[:2] { // lengths that lie
		whole := encode(f, p)
		for _, at := range []int{len(whole) - 1, len(whole) - 4, 33} {
			bad := bytes.Clone(whole)
			bad[at] = 0xFF
			add(bad)
		}
	}
}

// reframe puts the true length in front, so that the fuzzer gets at the body.
func reframe(src []byte) []byte {
	src = bytes.Clone(src)
	if len(src) >= 4 {
		setLength(src, len(src))
	}
	return src
}

// Decode never panics, its errors are complete, the header is always there, and
// src stays as it was.
func FuzzDecode(f *testing.F) {
	seed(f, func(b []byte) { f.Add(b) })
	structs := samples()
	f.Fuzz(func(t *testing.T, src []byte) {
		var d pdu.Decoder
		for _, frame := range [][]byte{src, reframe(src)} {
			before := bytes.Clone(frame)
			p, err := d.Decode(frame)
			if err != nil {
				checkError(t, err, frame)
			}
			if len(frame) >= pdu.HeaderLen && p.Head().Sequence != uint32(frame[12])<<24|uint32(frame[13])<<16|uint32(frame[14])<<8|uint32(frame[15]) {
				t.Errorf("sequence is %d", p.Head().Sequence)
			}
			if !bytes.Equal(frame, before) {
				t.Error("src was changed")
			}
			for _, p := range structs { // any struct, still full of the octets before
				if err := p.Decode(frame); err != nil {
					checkError(t, err, frame)
				}
			}
		}
	})
}

// What decodes and may be sent encodes to the same PDU, and that to the same
// octets.
func FuzzRoundTrip(f *testing.F) {
	seed(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, src []byte) {
		var one, two pdu.Decoder
		p, err := one.Decode(reframe(src))
		if err != nil {
			return
		}
		again, err := p.AppendTo(nil)
		if err != nil { // longer than the spec has it: taken, never sent
			var e *pdu.Error
			if !errors.As(err, &e) || e.Field == "" || e.Status == pdu.StatusOK {
				t.Errorf("%T: %v", err, err)
			}
			return
		}
		q, err := two.Decode(again)
		if err != nil {
			t.Fatalf("%v: %x", err, again)
		}
		if !cmp.Equal(p, q, sameHere) {
			t.Fatalf("-first +second\n%s", cmp.Diff(p, q, sameHere))
		}
		if third, err := q.AppendTo(nil); err != nil || !bytes.Equal(third, again) {
			t.Fatalf("%v\n%x\n%x", err, again, third)
		}
	})
}

// A Reader that gets the octets in chunks of any size cuts them as one that
// has them whole in front of it.
func FuzzReader(f *testing.F) {
	seed(f, func(b []byte) { f.Add(b, byte(7)) })
	whole, _ := stream(f, samples()[2:6])
	f.Add(whole, byte(1))
	f.Fuzz(func(t *testing.T, src []byte, size byte) {
		const maxPDU = 4096
		want, wantErr := cut(src, maxPDU)
		in := &chunks{}
		for rest := src; len(rest) > 0; {
			n := min(int(size)+1, len(rest))
			in.parts, rest = append(in.parts, rest[:n]), rest[n:]
		}
		got, err := readAll(pdu.NewReader(in, maxPDU))
		if !sameFrames(got, want) {
			t.Errorf("%d PDUs, want %d", len(got), len(want))
		}
		var length, wantLength *pdu.LengthError
		if errors.As(wantErr, &wantLength) {
			if !errors.As(err, &length) || *length != *wantLength {
				t.Errorf("%v, want %v", err, wantErr)
			}
		} else if !errors.Is(err, wantErr) {
			t.Errorf("%v, want %v", err, wantErr)
		}
	})
}

// cut is what a Reader should do, in the plainest way.
func cut(src []byte, maxPDU int) (frames [][]byte, err error) {
	for len(src) >= 4 {
		n := uint32(src[0])<<24 | uint32(src[1])<<16 | uint32(src[2])<<8 | uint32(src[3])
		if n < 16 || n > uint32(maxPDU) {
			return frames, &pdu.LengthError{Length: n, Max: maxPDU}
		}
		if int(n) > len(src) {
			break
		}
		frames, src = append(frames, src[:n]), src[n:]
	}
	if len(src) > 0 {
		return frames, io.ErrUnexpectedEOF
	}
	return frames, io.EOF
}
