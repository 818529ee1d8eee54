package ingress

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"bindery/queue"
)

var streamKey = &[16]byte{1, 2, 3}

// checkStream: each good line has an id, each bad one an error, all in order,
// and each good line waits exactly once.
func checkStream(t *testing.T, h *home, rs []Result) {
	t.Helper()
	want := map[string]bool{}
	for i, r := range rs {
		switch l := lineOf(i); {
		case good(i):
			want[l.Draft.Text] = true
			if r.ID == "" || r.Err != nil || len(r.Errors) > 0 || r.Parts < 1 || r.Encoding == "" || r.Route == "" {
				t.Fatalf("line %d: %+v", i, r)
			}
			v, err := h.Get(t.Context(), "acme", r.ID)
			if err != nil || v.Message.Text != l.Draft.Text {
				t.Fatalf("line %d is %+v, %v", i, v, err)
			}
		case l.Refused:
			if !cmp.Equal(r, Result{}) {
				t.Fatalf("line %d: %+v", i, r)
			}
		case len(r.Errors) != 1 || r.ID != "":
			t.Fatalf("line %d: %+v", i, r)
		}
	}
	texts := h.waiting(t)
	for _, text := range texts {
		if !want[text] {
			t.Errorf("%q waits twice, or was not sent", text)
		}
		delete(want, text)
	}
	if len(want) > 0 {
		t.Errorf("%d do not wait", len(want))
	}
}

func TestStream(t *testing.T) {
	h := newHome(t)
	s := h.door.Stream(acme, nil, nil)
	rs := take(t, s, linesOf(0, 10_000), 5000)
	if h.pushes > 4 { // of both routes and priorities together
		t.Errorf("%d pushes", h.pushes)
	}
	checkStream(t, h, rs)
	if s.Closed() != nil {
		t.Error(s.Closed())
	}
}

// TestStreamAgain: the same lines under the same key get the same answers,
// however they are cut into pieces, and nothing waits twice.
func TestStreamAgain(t *testing.T) {
	h := newHome(t)
	lines := linesOf(0, 3000)
	first := take(t, h.door.Stream(acme, streamKey, nil), lines, 700)
	counted := h.counted
	for _, n := range []int{700, 1, 3000, 999} {
		if diff := cmp.Diff(first, take(t, h.door.Stream(acme, streamKey, nil), lines, n)); diff != "" {
			t.Fatalf("in pieces of %d: %s", n, diff)
		}
	}
	if h.counted != counted {
		t.Errorf("%d counted, %d before", h.counted, counted)
	}
	checkStream(t, h, first)
	if other := take(t, h.door.Stream(&Account{ID: "bolt"}, streamKey, nil), lines[:1], 1); other[0].ID == "" || other[0].ID == first[0].ID {
		t.Errorf("another account: %+v", other)
	}
}

// TestStreamGoesOn where the first attempt ended, and lines that differ from
// those already taken are told apart from those that do not.
func TestStreamGoesOn(t *testing.T) {
	h := newHome(t)
	lines := linesOf(0, 2000)
	first := take(t, h.door.Stream(acme, streamKey, nil), lines[:1111], 500)
	changed := slices.Clone(lines)
	for _, i := range []int{0, 499, 600, 1110} {
		changed[i].Hash[0] ^= 1
	}
	got := take(t, h.door.Stream(acme, streamKey, nil), changed, 300)
	for i := range 1111 {
		switch i {
		case 0, 499, 600, 1110:
			if !errors.Is(got[i].Err, queue.ErrKeyConflict) || got[i].ID != "" {
				t.Errorf("line %d: %+v", i, got[i])
			}
			got[i] = first[i]
		}
	}
	if diff := cmp.Diff(first, got[:1111]); diff != "" {
		t.Error(diff)
	}
	checkStream(t, h, got)
}

// TestStreamCut: attempts end anywhere, replies are lost, and the last one has
// every line exactly once.
func TestStreamCut(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHome(t)
		n := rapid.IntRange(1, 300).Draw(rt, "lines")
		lines := linesOf(0, n)
		for range rapid.IntRange(0, 4).Draw(rt, "attempts") {
			lost := rapid.IntRange(0, 3).Draw(rt, "lost reply")
			h.lose = func(push int) bool { return push%4 == lost }
			cut := rapid.IntRange(0, n).Draw(rt, "cut")
			take(t, h.door.Stream(acme, streamKey, nil), lines[:cut], rapid.IntRange(1, 300).Draw(rt, "piece"))
		}
		h.lose = nil
		checkStream(t, h, take(t, h.door.Stream(acme, streamKey, nil), lines, rapid.IntRange(1, 300).Draw(rt, "piece")))
	})
}

// TestStreamsOfOneKey at the same time take every line once, and agree.
func TestStreamsOfOneKey(t *testing.T) {
	h := newHome(t)
	lines := linesOf(0, 2000)
	all := make([][]Result, 4)
	var work sync.WaitGroup
	for i := range all {
		work.Go(func() { all[i] = take(t, h.door.Stream(acme, streamKey, nil), lines, 40+30*i) })
	}
	work.Wait()
	for i := range all {
		if diff := cmp.Diff(idsOf(all[0]), idsOf(all[i])); diff != "" {
			t.Fatal(diff)
		}
	}
	checkStream(t, h, all[0])
}

// TestStreamEnds with the first push that Redis does not take: a repeat goes on
// there.
func TestStreamEnds(t *testing.T) {
	for _, why := range []error{queue.ErrUnavailable, queue.ErrFull} {
		h := newHome(t)
		lines := linesOf(0, 1000)
		h.fail = func(push int) error {
			if push == 3 {
				return why
			}
			return nil
		}
		s := h.door.Stream(acme, streamKey, nil)
		got := take(t, s, lines, 200)
		if !errors.Is(s.Closed(), why) {
			t.Errorf("closed by %v", s.Closed())
		}
		for i, r := range got {
			if i < 400 && good(i) && r.ID == "" || i >= 400 && !errors.Is(r.Err, why) {
				t.Fatalf("line %d: %+v", i, r)
			}
		}
		checkStream(t, h, take(t, h.door.Stream(acme, streamKey, nil), lines, 200))
	}
}

// TestStreamAfterReload: what was taken keeps its ids, whatever the routes are.
func TestStreamAfterReload(t *testing.T) {
	h := newHome(t)
	lines := []Line{lineOf(0), lineOf(1), lineOf(10)}
	first := take(t, h.door.Stream(acme, streamKey, nil), lines, 3)
	h.reload(t, []Route{{ID: "world", Carriers: []CarrierProfile{both}, Match: Match{Prefix: []string{"+49"}}}})
	lines[2].Draft.To = "+4915112345678" // as if the rules were others now
	again := take(t, h.door.Stream(acme, streamKey, nil), lines, 3)
	want := []Result{{ID: first[0].ID}, first[1], {Errors: []FieldError{{"", "was refused when it was first sent under this key"}}}}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Error(diff)
	}
}

// TestStreamKeyOfAnother form, or of a record that is gone, takes nothing.
func TestStreamKeyOfAnother(t *testing.T) {
	h := newHome(t)
	if r := h.door.Accept(t.Context(), acme, []Draft{goodDraft()}, &queue.Key{Hash: *streamKey})[0]; r.Err != nil {
		t.Fatal(r.Err)
	}
	got := take(t, h.door.Stream(acme, streamKey, nil), linesOf(0, 3), 3)
	if !errors.Is(got[0].Err, queue.ErrKeyConflict) || got[1].ID == "" || got[2].ID == "" {
		t.Errorf("%+v", got)
	}
	s := h.door.Stream(acme, streamKey, nil)
	s.next = 7
	if got := take(t, s, linesOf(7, 9), 2); !errors.Is(got[0].Err, queue.ErrKeyOrder) || !errors.Is(got[1].Err, queue.ErrKeyOrder) {
		t.Errorf("%+v", got)
	}
}

// TestStreamOfManyRoutes: more than the blocks of one push.
func TestStreamOfManyRoutes(t *testing.T) {
	h := newHome(t)
	var routes []Route
	var lines []Line
	for i := range 300 {
		from := string(rune('a'+i%26)) + string(rune('a'+i/26))
		routes = append(routes, Route{ID: "r" + from, Match: Match{From: []string{from}}, Carriers: []CarrierProfile{both}})
		l := lineOf(0)
		l.Draft.From = from
		lines = append(lines, l)
	}
	h.reload(t, routes)
	for i, r := range take(t, h.door.Stream(acme, streamKey, nil), lines, 300) {
		if r.ID == "" || r.Route != routes[i].ID {
			t.Fatalf("line %d: %+v", i, r)
		}
	}
}

// TestStreamIsPaced: a stream waits for the account's rate instead of being
// refused, a stop ends the wait.
func TestStreamIsPaced(t *testing.T) {
	h := newHome(t)
	var waits int
	h.fail = func(int) error {
		if waits++; waits%2 == 0 {
			return &queue.TooFastError{Wait: time.Millisecond}
		}
		return nil
	}
	slow := &Account{ID: "acme", Rate: 200}
	rs := take(t, h.door.Stream(slow, nil, nil), linesOf(0, 30), 30)
	checkStream(t, h, rs)

	stopping := make(chan struct{})
	h.fail = func(int) error { close(stopping); return &queue.TooFastError{Wait: time.Hour} }
	results := take(t, h.door.Stream(slow, nil, stopping), linesOf(0, 2), 2)
	if !errors.Is(results[0].Err, ErrStopping) || !errors.Is(results[1].Err, ErrStopping) {
		t.Errorf("%+v", results)
	}
}

// TestPushesOfARate are a tenth of a second's, so that the rate is even.
func TestPushesOfARate(t *testing.T) {
	for rate, want := range map[int]int{1: 1, 10: 1, 200: 20, 1_000_000: maxPushLines} {
		h := newHome(t)
		s := h.door.Stream(&Account{ID: "acme", Rate: rate}, nil, nil)
		lines := make([]Line, 5000)
		for i := range lines {
			lines[i] = lineOf(0)
		}
		g, n := s.gather(lines, make([]Result, 5000))
		if n != want || g.push.Limit.Rate != rate || g.push.Limit.Ahead != 0 {
			t.Errorf("rate %d: %d lines, %+v", rate, n, g.push.Limit)
		}
	}
}

// nowhere takes everything and keeps nothing.
type nowhere struct{ fakeQueue }

func (*nowhere) Accept(_ context.Context, p *queue.Push) ([]queue.ID, error) {
	return make([]queue.ID, len(p.Messages)), nil
}

// BenchmarkStream is a line, all but Redis and its body.
func BenchmarkStream(b *testing.B) {
	d, err := NewDoor(Config{Queue: &nowhere{}, Routes: testRoutes()})
	if err != nil {
		b.Fatal(err)
	}
	lines, results := make([]Line, 500), make([]Result, 500)
	for i := range lines {
		lines[i].Draft = Draft{To: "+821012345678", From: "15441234", Text: "Hello, your code is 123456", Reference: "order-123456"}
	}
	s := d.Stream(acme, nil, nil)
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(lines) {
		s.Take(b.Context(), lines, results)
	}
}
