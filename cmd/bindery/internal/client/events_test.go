package client

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestEventsAreReadAsTheStandardSays(t *testing.T) {
	const stream = ": comment\n\ndata: one\nid: 1\n\ndata:two\r\ndata\ndata:  three\r\n\r\nid: 9\n\nretry: 10\nevent: x\ndata: {}\n\nid: a\x00b\ndata: five\n\ndata: cut off"
	type event struct{ ID, Type, Data string }
	want := []event{{"1", "", "one"}, {"1", "", "two\n\n three"}, {"9", "x", "{}"}, {"9", "", "five"}}
	for name, r := range map[string]io.Reader{"at once": strings.NewReader(stream), "octet by octet": iotest.OneByteReader(strings.NewReader(stream))} {
		var list []event
		events := newEvents(r, "0")
		var err error
		for err == nil {
			var e Event
			if e, err = events.next(); err == nil {
				list = append(list, event{e.ID, e.Type, string(e.Data)})
			}
		}
		if diff := cmp.Diff(want, list); diff != "" || !errors.Is(err, io.EOF) || events.last != "9" {
			t.Errorf("%s: %v, last %q\n%s", name, err, events.last, diff)
		}
	}
}

// The place that a stream begins at is where it is taken up again, though no
// event has come.
func TestEventsBeginAtAPlace(t *testing.T) {
	events := newEvents(strings.NewReader("retry: 1000\nid: 17-0/3\n\n: sign of life\n\n"), "")
	if _, err := events.next(); !errors.Is(err, io.EOF) || events.last != "17-0/3" {
		t.Errorf("%v, %q", err, events.last)
	}
}

func FuzzEvents(f *testing.F) {
	f.Add([]byte("id: 1\ndata: {}\n\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		events := newEvents(strings.NewReader(string(stream)), "")
		for n := 0; ; n++ {
			if _, err := events.next(); err != nil {
				return
			}
			if n > len(stream) {
				t.Fatal("more events than octets")
			}
		}
	})
}
