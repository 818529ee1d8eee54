package ingress

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"bindery/queue"
)

func batchOf(text string, rs ...Recipient) *Batch {
	return &Batch{Draft: Draft{From: "1544", Text: text, Campaign: "spring", Reference: "all"}, Recipients: rs}
}

func TestBatch(t *testing.T) {
	h := newHome(t)
	b := batchOf("Hi {{name}}, your code is {{ code }}.{{name}}",
		Recipient{To: "+821012345678", Values: []Value{{"name", "Kim"}, {"code", "{{name}}"}, {"unused", "x"}}},
		Recipient{To: "+4915112345678", Reference: "own", Values: []Value{{"code", "2"}, {"name", "Åse"}}},
		Recipient{To: "+821012345678", Values: []Value{{"name", "Lee"}}},
		Recipient{To: "x", Reference: strings.Repeat("r", 129), Values: []Value{{"name", ""}, {"code", ""}}},
		Recipient{To: "+33123456789", Values: []Value{{"name", ""}, {"code", ""}}},
		Recipient{To: "+821012345678", Faults: []FieldError{{"values", "want an object"}}},
	)
	r := h.door.Batch(t.Context(), acme, b, nil)
	if r.Err != nil || len(r.Errors) > 0 || r.Accepted != 2 || r.ID == "" || len(r.IDs) != 6 {
		t.Fatalf("%+v", r)
	}
	for i, want := range []string{"Hi Kim, your code is {{name}}.Kim", "Hi Åse, your code is 2.Åse"} {
		v, err := h.Get(t.Context(), "acme", r.IDs[i])
		if err != nil || v.Message.Text != want || v.Message.Campaign != "spring" || v.Message.Reference != []string{"all", "own"}[i] {
			t.Errorf("%+v %v", v, err)
		}
	}
	want := []RecipientError{
		{2, "values.code", "is missing, and the text names it"},
		{3, "to", "want a number with its country code: + and 7 to 15 digits"},
		{3, "reference", "has 129 octets, at most 128 are taken"},
		{4, "to", "no route takes this number"},
		{5, "values", "want an object"},
	}
	if diff := cmp.Diff(want, r.Refused); diff != "" {
		t.Error(diff)
	}
	v, err := h.Queue.Batch(t.Context(), "acme", r.ID)
	if err != nil || v.Accepted != 2 || v.Statuses[queue.StatusQueued] != 2 {
		t.Errorf("%+v %v", v, err)
	}
}

func TestBatchRefusedWhole(t *testing.T) {
	good := Recipient{To: "+821012345678"}
	for name, c := range map[string]struct {
		b     *Batch
		field string
	}{
		"no recipient":   {batchOf("hi"), "recipients"},
		"no text":        {batchOf("", good), "text"},
		"open place":     {batchOf("hi {{name", good), "text"},
		"nameless place": {batchOf("hi {{ }}", good), "text"},
		"odd name":       {batchOf("hi {{a b}}", good), "text"},
		"nested":         {batchOf("hi {{a{{b}}}}", good), "text"},
		"many places":    {batchOf(strings.Repeat("{{a}}", 101), good), "text"},
		"bad sender":     {&Batch{Draft: Draft{From: "!", Text: "x"}, Recipients: []Recipient{good}}, "from"},
		"bad priority":   {&Batch{Draft: Draft{From: "1", Text: "x", Priority: "high"}, Recipients: []Recipient{good}}, "priority"},
		"a fault":        {&Batch{Draft: Draft{From: "1", Text: "x", Faults: []FieldError{{"colour", "?"}}}, Recipients: []Recipient{good}}, "colour"},
		"no good one":    {batchOf("hi", Recipient{To: "1"}, Recipient{To: "2"}), "recipients[0].to"},
	} {
		h := newHome(t)
		r := h.door.Batch(t.Context(), acme, c.b, &queue.Key{Hash: *streamKey})
		if r.Err != nil || len(r.Errors) == 0 || r.Errors[0].Field != c.field || r.ID != "" || h.pushes != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestBatchTooLarge(t *testing.T) {
	h := newHome(t)
	many := func(n int) (rs []Recipient) {
		for i := range n {
			rs = append(rs, Recipient{To: fmt.Sprintf("+49151%08d", i)})
		}
		return rs
	}
	for name, b := range map[string]*Batch{
		"recipients": batchOf("x", many(10_001)...),
		"parts":      batchOf(strings.Repeat("가", 67*5+1), many(9000)...),
	} {
		if r := h.door.Batch(t.Context(), acme, b, nil); !errors.Is(r.Err, ErrBatchTooLarge) || h.pushes != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	r := h.door.Batch(t.Context(), acme, batchOf(strings.Repeat("가", 67*5), many(10_000)...), nil)
	if r.Err != nil || r.Accepted != 10_000 {
		t.Errorf("50,000 parts: %v, %d", r.Err, r.Accepted)
	}
	v, err := h.Queue.Batch(t.Context(), "acme", r.ID)
	if err != nil || v.Statuses[queue.StatusQueued] != 10_000 {
		t.Errorf("%+v %v", v, err)
	}
}

// TestBatchAgain: the same key gives the same answer, and what was refused then
// is told as then, whatever is reloaded.
func TestBatchAgain(t *testing.T) {
	h := newHome(t)
	b := batchOf("hi {{n}}", Recipient{To: "nobody"}, Recipient{To: "+821012345678", Values: []Value{{"n", "1"}}}, Recipient{To: "+4915112345678", Values: []Value{{"n", "2"}}})
	key := func(body byte) *queue.Key { return &queue.Key{Hash: *streamKey, Body: [16]byte{body}} }
	h.lose = func(int) bool { return true }
	if r := h.door.Batch(t.Context(), acme, b, key(1)); !errors.Is(r.Err, queue.ErrUnavailable) {
		t.Fatalf("%+v", r)
	}
	h.lose = nil
	first := h.door.Batch(t.Context(), acme, b, key(1))
	if first.Err != nil || first.Accepted != 2 || first.IDs[0] != "" || len(first.Refused) != 2 || h.counted != 0 {
		t.Fatalf("%+v, %d counted", first, h.counted)
	}
	h.reload(t, []Route{{ID: "none", Carriers: []CarrierProfile{both}, Match: Match{Account: []string{"bolt"}}}})
	if diff := cmp.Diff(first, h.door.Batch(t.Context(), acme, b, key(1))); diff != "" {
		t.Error(diff)
	}
	if r := h.door.Batch(t.Context(), acme, b, key(2)); !errors.Is(r.Err, queue.ErrKeyConflict) {
		t.Errorf("another body: %+v", r)
	}
	if r := h.door.Accept(t.Context(), acme, []Draft{goodDraft()}, key(1))[0]; !errors.Is(r.Err, queue.ErrKeyConflict) {
		t.Errorf("another form: %+v", r)
	}
	if n := len(h.waiting(t)); n != 2 {
		t.Errorf("%d wait", n)
	}
}

// TestSingleAgain: the very same answer, also after a reload, counted once.
func TestSingleAgain(t *testing.T) {
	h := newHome(t)
	key := func() *queue.Key { return &queue.Key{Hash: *streamKey, Body: [16]byte{1}} }
	first := h.door.Accept(t.Context(), acme, []Draft{goodDraft()}, key())[0]
	if first.Err != nil || first.Route != "korea" {
		t.Fatalf("%+v", first)
	}
	h.reload(t, []Route{{ID: "other", Carriers: []CarrierProfile{ucs2Only}}})
	if diff := cmp.Diff(first, h.door.Accept(t.Context(), acme, []Draft{goodDraft()}, key())[0]); diff != "" {
		t.Error(diff)
	}
	if h.counted != 1 {
		t.Errorf("%d counted", h.counted)
	}
}

func TestRates(t *testing.T) {
	h := newHome(t)
	h.mini.SetTime(time.Now()) // stands still
	slow := &Account{ID: "acme", Rate: 5}
	one := func() error { return h.door.Accept(t.Context(), slow, []Draft{goodDraft()}, nil)[0].Err }
	for i := range 5 {
		if err := one(); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	var e *queue.TooFastError
	if err := one(); !errors.As(err, &e) || e.Wait > 250*time.Millisecond {
		t.Errorf("the sixth: %v", err)
	}
	rs := make([]Recipient, 20)
	for i := range rs {
		rs[i].To = "+821012345678"
	}
	if r := h.door.Batch(t.Context(), slow, batchOf("hi", rs...), nil); r.Err != nil { // not in debt
		t.Errorf("%+v", r)
	}
	if r := h.door.Batch(t.Context(), slow, batchOf("hi", rs...), nil); !errors.As(r.Err, &e) || e.Wait < 3*time.Second {
		t.Errorf("in debt: %+v", r)
	}
}

// TestTemplates: what is put together is what strings.ReplaceAll makes of it,
// as long as values hold no places.
func TestTemplates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-zA-Z0-9_.-]{1,8}`), 1, 4, rapid.ID).Draw(t, "names")
		values := map[string]string{}
		for _, n := range names {
			values[n] = rapid.StringMatching(`[^{}]{0,8}`).Draw(t, "value")
		}
		text := ""
		for range rapid.IntRange(0, 8).Draw(t, "pieces") {
			text += rapid.OneOf(rapid.StringMatching(`[^{}]{0,8}`), rapid.Just("} "), rapid.Just("{ "), rapid.Map(rapid.SampledFrom(names), func(n string) string { return "{{" + n + "}}" })).Draw(t, "piece")
		}
		tpl, err := parseTemplate(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		want := text
		for n, v := range values {
			want = strings.ReplaceAll(want, "{{"+n+"}}", v)
		}
		got, missing := tpl.fill(new(filled), func(n string) (string, bool) { v, ok := values[n]; return v, ok })
		if got != want || missing != "" {
			t.Fatalf("%q: %q, want %q", text, got, want)
		}
	})
}

// TestFilledTogether: texts that share pieces are each what they are alone, to
// the last, however long the values before were.
func TestFilledTogether(t *testing.T) {
	tpl, err := parseTemplate("a {{v}} b")
	if err != nil {
		t.Fatal(err)
	}
	const n = 3000
	together := filled{left: n / 2} // fewer than come
	texts := make([]string, n)
	value := func(i int) string { return strings.Repeat(string(rune('a'+i%26)), i%97*(i%5)) }
	for i := range texts {
		var missing string
		if texts[i], missing = tpl.fill(&together, func(string) (string, bool) { return value(i), true }); missing != "" {
			t.Fatal(missing)
		}
		if i%7 == 0 { // leaves something behind
			tpl.fill(&together, func(string) (string, bool) { return "", false })
		}
	}
	for i, got := range texts {
		if want := "a " + value(i) + " b"; got != want {
			t.Fatalf("text %d: %q, want %q", i, got, want)
		}
	}
}
