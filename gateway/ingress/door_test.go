package ingress

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"bindery/queue"
	"bindery/smpp/coding"
)

// now is the moment of every test.
var now = time.Date(2031, 5, 9, 12, 0, 0, 0, time.UTC)

// fakeQueue notes what it is given. A keyed push is answered once.
type fakeQueue struct {
	mu     sync.Mutex
	pushes []queue.Push
	err    error
	short  bool // answers an id too few

	asked    int // what is recorded
	recorded *queue.Record
	askErr   error
}

func (q *fakeQueue) Accept(_ context.Context, p *queue.Push) ([]queue.ID, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return nil, q.err
	}
	q.pushes = append(q.pushes, *p)
	var ids []queue.ID
	for i := range p.Messages {
		ids = append(ids, queue.ID(fmt.Sprintf("push%d-%d", len(q.pushes), i)))
	}
	if q.short {
		ids = ids[1:]
	}
	return ids, nil
}

func (q *fakeQueue) Recorded(context.Context, string, [16]byte, int) (*queue.Record, error) {
	q.asked++
	return q.recorded, q.askErr
}

func (q *fakeQueue) Batch(context.Context, string, string) (*queue.BatchView, error) {
	return nil, queue.ErrNotFound
}

var (
	gsmOnly  = CarrierProfile{"gsm", coding.Profile{Encodings: []coding.Encoding{coding.GSM7}}}
	both     = CarrierProfile{"both", coding.Profile{}}
	ucs2Only = CarrierProfile{"ucs2", coding.Profile{Encodings: []coding.Encoding{coding.UCS2}}}
)

func testRoutes() []Route {
	return []Route{
		{ID: "korea", Match: Match{Prefix: []string{"+82"}}, Carriers: []CarrierProfile{gsmOnly, ucs2Only}},
		{ID: "plain", Match: Match{Prefix: []string{"+44"}}, Carriers: []CarrierProfile{gsmOnly}},
		{ID: "world", Match: Match{Prefix: []string{"1", "49"}}, Carriers: []CarrierProfile{both}},
	}
}

func newDoor(t *testing.T, q Queue) *Door {
	t.Helper()
	d, err := NewDoor(Config{Queue: q, Routes: testRoutes(), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func goodDraft() Draft { return Draft{To: "+821012345678", From: "15441234", Text: "Hello"} }

var acme = &Account{ID: "acme"}

func TestAcceptPushes(t *testing.T) {
	q := &fakeQueue{}
	d := newDoor(t, q)
	draft := Draft{
		To: "821012345678", From: "Acme", Text: strings.Repeat("a", 161), Priority: "urgent", SendAt: "2031-05-10T12:00:00.5+09:00",
		Validity: "90s", Reference: "order 7", Campaign: "spring", Callback: "https://example.com/a", Encoding: "auto", Kind: "sms", OnUncertain: "hold",
	}
	key := &queue.Key{Hash: [16]byte{1}, Body: [16]byte{2}}
	got := d.Accept(t.Context(), acme, []Draft{draft}, key)
	want := []Result{{ID: "push1-0", Parts: 2, Encoding: "gsm7", Route: "korea"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if key.Kept != "s 2 gsm7 korea" {
		t.Errorf("the key keeps %q", key.Kept)
	}
	wantPush := queue.Push{Account: "acme", Key: key, Messages: []queue.Message{{
		Route: "korea", Priority: queue.Urgent, To: "+821012345678", From: "Acme", Text: draft.Text, Reference: "order 7", Campaign: "spring", Callback: "https://example.com/a",
		Hold: true, Parts: 3, SendAt: time.Date(2031, 5, 10, 3, 0, 0, 5e8, time.UTC), Validity: 90 * time.Second, ValidityNamed: true,
	}}}
	if diff := cmp.Diff([]queue.Push{wantPush}, q.pushes); diff != "" {
		t.Error(diff)
	}
}

// TestKeyIsAskedForWhenItMatters: a push finds a known key by itself, so only what
// does not get that far, or is refused, asks what the key was answered before.
func TestKeyIsAskedForWhenItMatters(t *testing.T) {
	nowhere := goodDraft()
	nowhere.To = "+999000000000"
	known := &queue.Record{Body: [16]byte{2}, IDs: []queue.ID{"known"}, Kept: "s 1 gsm7 gone"}
	answered := Result{ID: "known", Parts: 1, Encoding: "gsm7", Route: "gone"}
	other := &queue.Record{Body: [16]byte{3}, IDs: []queue.ID{"known"}, Kept: "s 1 gsm7 gone"}
	for name, c := range map[string]struct {
		draft    Draft
		push     error
		recorded *queue.Record
		ask      error
		asked    int
		want     Result
	}{
		"new":                            {goodDraft(), nil, nil, nil, 0, Result{ID: "push1-0", Parts: 1, Encoding: "gsm7", Route: "korea"}},
		"no route":                       {nowhere, nil, nil, nil, 1, Result{Errors: []FieldError{{"to", "no route takes this number"}}}},
		"no route now":                   {nowhere, nil, known, nil, 1, answered},
		"no route, another body":         {nowhere, nil, other, nil, 1, Result{Err: queue.ErrKeyConflict}},
		"no route, Redis away":           {nowhere, nil, nil, queue.ErrUnavailable, 1, Result{Err: queue.ErrUnavailable}},
		"Redis full, known":              {goodDraft(), queue.ErrFull, known, nil, 1, answered},
		"Redis full, new":                {goodDraft(), queue.ErrFull, nil, nil, 1, Result{Err: queue.ErrFull}},
		"Redis full, then away":          {goodDraft(), queue.ErrFull, nil, queue.ErrUnavailable, 1, Result{Err: queue.ErrFull}},
		"the push says another body":     {goodDraft(), queue.ErrKeyConflict, other, nil, 1, Result{Err: queue.ErrKeyConflict}},
		"the push's reply was swallowed": {goodDraft(), queue.ErrUnavailable, known, nil, 1, answered},
	} {
		t.Run(name, func(t *testing.T) {
			q := &fakeQueue{err: c.push, recorded: c.recorded, askErr: c.ask}
			got := newDoor(t, q).Accept(t.Context(), acme, []Draft{c.draft}, &queue.Key{Hash: [16]byte{1}, Body: [16]byte{2}})
			if diff := cmp.Diff([]Result{c.want}, got, cmpopts.EquateErrors()); diff != "" || q.asked != c.asked {
				t.Errorf("asked %d times; %s", q.asked, diff)
			}
		})
	}
}

// TestAcceptDefaults: what is not given.
func TestAcceptDefaults(t *testing.T) {
	q := &fakeQueue{}
	newDoor(t, q).Accept(t.Context(), acme, []Draft{goodDraft()}, nil)
	want := queue.Message{Route: "korea", Priority: queue.Normal, To: "+821012345678", From: "15441234", Text: "Hello", Parts: 1, Validity: 48 * time.Hour}
	if len(q.pushes) != 1 {
		t.Fatalf("got %+v", q.pushes)
	}
	if diff := cmp.Diff(want, q.pushes[0].Messages[0]); diff != "" {
		t.Error(diff)
	}
}

// TestPartsAreOfTheFirstThatTakesIt: the sender is told of the first carrier
// that takes the text, the queue reserves for the largest.
func TestPartsAreOfTheFirstThatTakesIt(t *testing.T) {
	for _, c := range []struct {
		text     string
		parts    int
		encoding string
		reserved int
	}{
		{"Hello", 1, "gsm7", 1},
		{strings.Repeat("a", 160), 1, "gsm7", 3}, // 160 septets, 160 UTF-16 units in 67s
		{"안녕", 1, "ucs2", 1},                     // the first cannot
		{strings.Repeat("가", 71), 2, "ucs2", 2},
	} {
		q := &fakeQueue{}
		draft := goodDraft()
		draft.Text = c.text
		r := newDoor(t, q).Accept(t.Context(), acme, []Draft{draft}, nil)[0]
		if r.Parts != c.parts || r.Encoding != c.encoding || len(q.pushes) != 1 || q.pushes[0].Messages[0].Parts != c.reserved {
			t.Errorf("%d characters: %+v, reserved %+v", len([]rune(c.text)), r, q.pushes)
		}
	}
}

func TestForcedEncoding(t *testing.T) {
	q := &fakeQueue{}
	draft := goodDraft()
	draft.Encoding = "ucs2"
	r := newDoor(t, q).Accept(t.Context(), acme, []Draft{draft}, nil)[0]
	if r.Encoding != "ucs2" || q.pushes[0].Messages[0].Encoding != "ucs2" {
		t.Errorf("%+v, %+v", r, q.pushes)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Draft)
		field  string
		says   string
	}{
		{"no route", func(d *Draft) { d.To = "+33123456789" }, "to", "no route"},
		{"character", func(d *Draft) { d.To, d.Text = "+447700900123", "price 5 ₩" }, "text", `character 9, '₩' (U+20A9)`},
		{"encoding not offered", func(d *Draft) { d.To, d.Encoding = "+447700900123", "euc-kr" }, "encoding", "no carrier of the route takes euc-kr"},
		{"too many parts", func(d *Draft) { d.To, d.Text = "+447700900123", strings.Repeat("a", 255*153+1) }, "text", "256 parts"},
	} {
		q := &fakeQueue{}
		draft := goodDraft()
		c.change(&draft)
		r := newDoor(t, q).Accept(t.Context(), acme, []Draft{draft}, nil)[0]
		if len(r.Errors) != 1 || r.Errors[0].Field != c.field || !strings.Contains(r.Errors[0].Message, c.says) {
			t.Errorf("%s: got %+v", c.name, r)
		}
		if r.ID != "" || r.Route != "" || r.Err != nil || len(q.pushes) != 0 {
			t.Errorf("%s: got %+v and %d pushes", c.name, r, len(q.pushes))
		}
	}
}

// TestBadDraftSpoilsNoOther: and the good ones share a push.
func TestBadDraftSpoilsNoOther(t *testing.T) {
	q := &fakeQueue{}
	drafts := make([]Draft, 5)
	for i := range drafts {
		drafts[i] = goodDraft()
	}
	drafts[1].To = "nobody"
	drafts[2].Priority = "bulk"
	drafts[3].To = "+4915112345678"
	got := newDoor(t, q).Accept(t.Context(), acme, drafts, nil)
	var ids []string
	for _, r := range got {
		ids = append(ids, string(r.ID))
	}
	if diff := cmp.Diff([]string{"push1-0", "", "push1-1", "push1-2", "push1-3"}, ids); diff != "" {
		t.Error(diff)
	}
	if len(got[1].Errors) != 1 || len(q.pushes) != 1 || q.pushes[0].Messages[2].Route != "world" || q.pushes[0].Messages[1].Priority != queue.Bulk {
		t.Errorf("%+v, %d pushes", got[1], len(q.pushes))
	}
}

func TestQueueErrors(t *testing.T) {
	for _, err := range []error{queue.ErrUnavailable, queue.ErrFull, queue.ErrKeyConflict} {
		counted := 0
		d, _ := NewDoor(Config{Queue: &fakeQueue{err: err}, Routes: testRoutes(), Accepted: func(string, string, int) { counted++ }})
		r := d.Accept(t.Context(), acme, []Draft{goodDraft()}, nil)[0]
		if !errors.Is(r.Err, err) || r.ID != "" || r.Route != "" || counted != 0 {
			t.Errorf("%v: got %+v, counted %d", err, r, counted)
		}
	}
	if r := newDoor(t, &fakeQueue{short: true}).Accept(t.Context(), acme, []Draft{goodDraft()}, nil)[0]; r.Err == nil {
		t.Error("an id too few goes unnoticed")
	}
}

func TestAcceptedIsCounted(t *testing.T) {
	got := map[string]int{}
	d, err := NewDoor(Config{Queue: &fakeQueue{}, Routes: testRoutes(), Accepted: func(a, r string, n int) { got[a+"/"+r] += n }})
	if err != nil {
		t.Fatal(err)
	}
	bad := goodDraft()
	bad.Text = ""
	other := goodDraft()
	other.To = "+4915112345678"
	d.Accept(t.Context(), acme, []Draft{goodDraft(), other, goodDraft(), bad}, nil)
	if diff := cmp.Diff(map[string]int{"acme/korea": 2, "acme/world": 1}, got); diff != "" {
		t.Error(diff)
	}
}

func TestKeyOfSeveral(t *testing.T) {
	q := &fakeQueue{}
	rs := newDoor(t, q).Accept(t.Context(), acme, []Draft{goodDraft(), goodDraft()}, &queue.Key{})
	if len(rs) != 2 || !errors.Is(rs[0].Err, ErrKeyOfSeveral) || !errors.Is(rs[1].Err, ErrKeyOfSeveral) || len(q.pushes) != 0 {
		t.Errorf("got %+v", rs)
	}
}

// TestReload: routes are swapped while messages come in; each is taken by one
// table or the other. A table that cannot be changes nothing.
func TestReload(t *testing.T) {
	d := newDoor(t, &fakeQueue{})
	other := []Route{{ID: "other", Carriers: []CarrierProfile{both}}}
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			for range 200 {
				if r := d.Accept(t.Context(), acme, []Draft{goodDraft()}, nil)[0]; r.Route != "korea" && r.Route != "other" {
					t.Errorf("got %+v", r)
				}
			}
		})
	}
	work.Go(func() {
		for i := range 200 {
			routes := other
			if i%2 == 0 {
				routes = testRoutes()
			}
			if err := d.SetRoutes(routes); err != nil {
				t.Error(err)
			}
		}
	})
	work.Wait()
	if err := d.SetRoutes([]Route{{ID: "x"}}); err == nil {
		t.Error("a route without carriers is taken")
	}
	if r := d.Accept(t.Context(), acme, []Draft{goodDraft()}, nil)[0]; r.Route != "other" {
		t.Errorf("after a bad table: %+v", r)
	}
}
