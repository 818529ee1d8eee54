package ingress

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"bindery/queue"
)

// TestEachFieldWrongInTurn: an error that names the field, and nothing pushed.
func TestEachFieldWrongInTurn(t *testing.T) {
	long := strings.Repeat("x", 129)
	for _, c := range []struct {
		field  string
		values []string
		set    func(*Draft, string)
	}{
		{"to", []string{"", "+", "abc", "12345", "+123456", "0101234567", "+0101234567", "+82 10 1234 5678", "+1234567890123456", "++821012345678", "+82101234567８", "82101234567\n"},
			func(d *Draft, v string) { d.To = v }},
		{"from", []string{"", "+", "twelve chars", "Acme!", "Ünïcode", " Acme", "Acme ", "1234567890123456", "-_&", "한국"},
			func(d *Draft, v string) { d.From = v }},
		{"text", []string{"", "a\xffb", "\xed\xa0\x80"}, func(d *Draft, v string) { d.Text = v }},
		{"priority", []string{"", "high", "Urgent"}, func(d *Draft, v string) { d.Priority, d.Set = v, Priority }},
		{"send_at", []string{"", "tomorrow", "2031-05-09", "2031-05-09T12:00:00", "1904724000", "2031-06-08T12:00:01Z", "2031-13-01T00:00:00Z"},
			func(d *Draft, v string) { d.SendAt, d.Set = v, SendAt }},
		{"validity", []string{"", "90", "-5s", "0s", "999ms", "168h1s", "2d", "soon"}, func(d *Draft, v string) { d.Validity, d.Set = v, Validity }},
		{"reference", []string{long, "\xff"}, func(d *Draft, v string) { d.Reference = v }},
		{"campaign", []string{long[:65], "\xff"}, func(d *Draft, v string) { d.Campaign = v }},
		{"subject", []string{"Hello"}, func(d *Draft, v string) { d.Subject = v }},
		{"callback", []string{"", "example.com", "ftp://example.com", "https://", "https://u:p@example.com", "https://example.com/#x", "https://example.com/" + strings.Repeat("a", 2048), "://"},
			func(d *Draft, v string) { d.Callback, d.Set = v, Callback }},
		{"encoding", []string{"", "utf8", "GSM7", "binary"}, func(d *Draft, v string) { d.Encoding, d.Set = v, Encoding }},
		{"kind", []string{"", "lms", "mms", "fax"}, func(d *Draft, v string) { d.Kind, d.Set = v, Kind }},
		{"on_uncertain", []string{"", "drop"}, func(d *Draft, v string) { d.OnUncertain, d.Set = v, OnUncertain }},
	} {
		for _, v := range c.values {
			q := &fakeQueue{}
			draft := goodDraft()
			c.set(&draft, v)
			r := newDoor(t, q).Accept(t.Context(), acme, []Draft{draft}, nil)[0]
			if len(r.Errors) != 1 || r.Errors[0].Field != c.field || r.Err != nil {
				t.Errorf("%s %.30q: got %+v", c.field, v, r)
				continue
			}
			if len(q.pushes) != 0 || r.ID != "" {
				t.Errorf("%s %.30q: pushed", c.field, v)
			}
			if len(v) > 12 && strings.Contains(r.Errors[0].Message, v) {
				t.Errorf("%s: the message quotes the value: %s", c.field, r.Errors[0].Message)
			}
		}
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	draft := Draft{
		To: "x", Priority: "x", SendAt: "x", Validity: "x", Reference: strings.Repeat("x", 129), Campaign: strings.Repeat("x", 65),
		Subject: "x", Callback: "x", Encoding: "x", Kind: "x", OnUncertain: "x",
		Faults: []FieldError{{"tto", "is no field"}, {"text", "want a string"}},
	}
	r := newDoor(t, &fakeQueue{}).Accept(t.Context(), acme, []Draft{draft}, nil)[0]
	got := map[string]int{}
	for _, e := range r.Errors {
		got[e.Field]++
	}
	for _, f := range strings.Fields("tto text to from priority send_at validity reference campaign subject callback encoding kind on_uncertain") {
		if got[f] != 1 {
			t.Errorf("%s is named %d times", f, got[f])
		}
		delete(got, f)
	}
	if len(got) != 0 || r.Errors[1].Message != "want a string" {
		t.Errorf("got %+v", r.Errors)
	}
}

// TestTakenAsTheyAre: values at the edge that are right.
func TestTakenAsTheyAre(t *testing.T) {
	for name, change := range map[string]func(*Draft){
		"7 digits":        func(d *Draft) { d.To = "1234567" },
		"15 digits":       func(d *Draft) { d.To = "+123456789012345" },
		"short code":      func(d *Draft) { d.From = "114" },
		"trunk zero":      func(d *Draft) { d.From = "0212345678" },
		"plus sender":     func(d *Draft) { d.From = "+821512345678" },
		"11 characters":   func(d *Draft) { d.From = "Acme & Co 1" },
		"128 octets":      func(d *Draft) { d.Reference = strings.Repeat("x", 128) },
		"64 octets":       func(d *Draft) { d.Campaign = strings.Repeat("x", 64) },
		"empty labels":    func(d *Draft) { d.Set = Reference | Campaign | Subject },
		"1s":              func(d *Draft) { d.Validity = "1s" },
		"7 days":          func(d *Draft) { d.Validity = "168h" },
		"30 days":         func(d *Draft) { d.SendAt = now.Add(maxAhead).Format(time.RFC3339) },
		"every word":      func(d *Draft) { d.Priority, d.Kind, d.OnUncertain, d.Encoding = "normal", "auto", "resend", "auto" },
		"http callback":   func(d *Draft) { d.Callback = "http://example.com:8080/x?y=z" },
		"beyond the BMP":  func(d *Draft) { d.Text = "\U0001F600" },
		"a NUL in a text": func(d *Draft) { d.Text = "a\x00b" },
	} {
		draft := goodDraft()
		change(&draft)
		if r := newDoor(t, &fakeQueue{}).Accept(t.Context(), acme, []Draft{draft}, nil)[0]; r.ID == "" {
			t.Errorf("%s: got %+v", name, r)
		}
	}
}

// TestPastMeansNow: a send_at that is over is none, and validity counts from
// acceptance.
func TestPastMeansNow(t *testing.T) {
	for _, at := range []string{"2031-05-09T12:00:00Z", "2031-05-09T20:59:59+09:00", "1970-01-01T00:00:00Z"} {
		q := &fakeQueue{}
		draft := goodDraft()
		draft.SendAt = at
		newDoor(t, q).Accept(t.Context(), acme, []Draft{draft}, nil)
		if len(q.pushes) != 1 || !q.pushes[0].Messages[0].SendAt.IsZero() {
			t.Errorf("%s: %+v", at, q.pushes)
		}
	}
}

// TestAnyDraft: whatever comes in is either refused with a field's name or
// pushed in a shape that the queue takes.
func TestAnyDraft(t *testing.T) {
	words := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "+821012345678", "4915112345678", "Acme", "urgent", "bulk", "90s", "2031-05-10T00:00:00Z", "ucs2", "gsm7", "sms", "hold", "https://a.b"}))
	rapid.Check(t, func(rt *rapid.T) {
		word := func(name string) string { return words.Draw(rt, name) }
		draft := Draft{
			To: word("to"), From: word("from"), Text: word("text"), Priority: word("priority"), SendAt: word("send_at"),
			Validity: word("validity"), Reference: word("reference"), Campaign: word("campaign"), Callback: word("callback"),
			Encoding: word("encoding"), Kind: word("kind"), OnUncertain: word("on_uncertain"), Set: Fields(rapid.Uint32().Draw(rt, "set")),
		}
		q := &fakeQueue{}
		r := newDoor(t, q).Accept(t.Context(), acme, []Draft{draft}, nil)[0]
		switch {
		case r.Err != nil:
			rt.Fatalf("got %+v", r)
		case len(r.Errors) > 0:
			if len(q.pushes) != 0 {
				rt.Fatal("refused and pushed")
			}
		default:
			m := q.pushes[0].Messages[0]
			if m.To[0] != '+' || !isE164(m.To) || m.Parts < 1 || m.Parts > 255 || m.Validity <= 0 || m.Text == "" || r.Parts < 1 || m.Priority > queue.Bulk {
				rt.Fatalf("pushed %+v, answered %+v", m, r)
			}
		}
	})
}
