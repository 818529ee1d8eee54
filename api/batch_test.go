package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bindery/gateway/ingress"
	"bindery/queue"
)

const goodBatch = `{"from":"1544","text":"Hi {{name}}","campaign":"spring","recipients":[{"to":"+821012345678","values":{"name":"Kim"},"reference":"r1"},{"to":"+4915112345678","values":{"name":"\u00c5se","x":"y"}}]}`

func TestBatchAnswer(t *testing.T) {
	r := newReal(t)
	body := strings.Replace(goodBatch, `]}`, `,{"to":"+33"},{"to":"+821012345678"}]}`, 1)
	w := r.do(request("POST", "/v1/batches", body, "Idempotency-Key", "b"))
	var a struct {
		Batch    string
		Accepted int
		IDs      []*string
		Errors   []ingress.RecipientError
	}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 202 || len(a.Batch) != 22 || a.Accepted != 2 || len(a.IDs) != 4 || a.IDs[2] != nil || a.IDs[3] != nil || len(*a.IDs[0]) != 26 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	want := []ingress.RecipientError{
		{Index: 2, Field: "to", Message: "want a number with its country code: + and 7 to 15 digits"},
		{Index: 2, Field: "values.name", Message: "is missing, and the text names it"},
		{Index: 3, Field: "values.name", Message: "is missing, and the text names it"},
	}
	if diff := cmp.Diff(want, a.Errors); diff != "" {
		t.Error(diff)
	}
	if again := r.do(request("POST", "/v1/batches", body, "Idempotency-Key", "b")); again.Code != 202 || again.Body.String() != w.Body.String() {
		t.Errorf("again: %d %s", again.Code, again.Body)
	}
	if other := r.do(request("POST", "/v1/batches", body+" ", "Idempotency-Key", "b")); other.Code != 409 {
		t.Errorf("another body: %d %s", other.Code, other.Body)
	}
	if len(r.taken) != 2 || r.taken["Hi Åse"] != 1 {
		t.Errorf("%v", r.taken)
	}
}

// TestBadBatches: each is refused with a problem that says where, and nothing
// is queued.
func TestBadBatches(t *testing.T) {
	with := func(member string) string {
		return `{"from":"1544","text":"hi","recipients":[{"to":"+821012345678"}],` + member + `}`
	}
	recipient := func(r string) string { return `{"from":"1544","text":"hi {{a}}","recipients":[` + r + `]}` }
	for name, c := range map[string]struct {
		body  string
		code  int
		field string
	}{
		"empty":            {"", 400, ""},
		"cut":              {goodBatch[:len(goodBatch)-3], 400, ""},
		"more":             {goodBatch + "x", 400, ""},
		"list":             {"[]", 422, ""},
		"no recipients":    {`{"from":"1544","text":"hi"}`, 422, "recipients"},
		"none":             {`{"from":"1544","text":"hi","recipients":[]}`, 422, "recipients"},
		"an object":        {`{"from":"1544","text":"hi","recipients":{}}`, 422, "recipients"},
		"twice":            {with(`"recipients":[]`), 422, "recipients"},
		"to":               {with(`"to":"+821012345678"`), 422, "to"},
		"unknown":          {with(`"colour":"red"`), 422, "colour"},
		"priority":         {with(`"priority":"high"`), 422, "priority"},
		"send_at":          {with(`"send_at":1}`)[:len(with(`"send_at":1}`))-1], 422, "send_at"},
		"validity":         {with(`"validity":"1y"`), 422, "validity"},
		"campaign":         {with(`"campaign":"` + strings.Repeat("c", 65) + `"`), 422, "campaign"},
		"no from":          {`{"text":"hi","recipients":[{"to":"+821012345678"}]}`, 422, "from"},
		"no text":          {`{"from":"1","recipients":[{"to":"+821012345678"}]}`, 422, "text"},
		"open place":       {`{"from":"1","text":"{{a","recipients":[{"to":"+821012345678"}]}`, 422, "text"},
		"a number":         {recipient("1"), 422, "recipients[0]."},
		"values a list":    {recipient(`{"to":"+821012345678","values":[]}`), 422, "recipients[0].values"},
		"value a number":   {recipient(`{"to":"+821012345678","values":{"a":1}}`), 422, "recipients[0].values.a"},
		"value twice":      {recipient(`{"to":"+821012345678","values":{"a":"1","a":"2"}}`), 422, "recipients[0].values.a"},
		"values twice":     {recipient(`{"to":"+821012345678","values":{"a":"1"},"values":{"a":"2"}}`), 422, "recipients[0].values"},
		"half a pair":      {recipient(`{"to":"+821012345678","values":{"a":"\ud800"}}`), 422, "recipients[0].values.a"},
		"to twice":         {recipient(`{"to":"+821012345678","to":"+821012345678","values":{"a":"1"}}`), 422, "recipients[0].to"},
		"recipient's text": {recipient(`{"to":"+821012345678","text":"own","values":{"a":"1"}}`), 422, "recipients[0].text"},
		"null reference":   {recipient(`{"to":"+821012345678","reference":null,"values":{"a":"1"}}`), 422, "recipients[0].reference"},
		"no comma":         {recipient(`{"to":"1"} {"to":"2"}`), 400, ""},
		"deep":             {recipient(strings.Repeat("[", 60) + strings.Repeat("]", 60)), 400, ""},
		"10,001":           {recipient(strings.Repeat(`{},`, 10_000) + "{}"), 413, ""},
		"8 MiB":            {recipient(`{"to":"` + strings.Repeat("1", 8<<20) + `"}`), 413, ""},
	} {
		r := newReal(t)
		w := r.do(request("POST", "/v1/batches", c.body))
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != c.code || p.Status != c.code {
			t.Errorf("%s: %d %.300s, want %d", name, w.Code, w.Body, c.code)
			continue
		}
		if c.field != "" && !slices.ContainsFunc(p.Errors, func(e ingress.FieldError) bool { return e.Field == c.field && e.Message != "" }) {
			t.Errorf("%s: %s does not name %q", name, w.Body, c.field)
		}
		if r.pushes != 0 {
			t.Errorf("%s was queued", name)
		}
	}
	if w := (&house{}).do(request("POST", "/v1/batches", goodBatch, "Content-Type", "application/x-ndjson")); w.Code != 415 {
		t.Errorf("lines: %d", w.Code)
	}
}

// TestLargestBatch: 10,000 recipients in less than 8 MiB.
func TestLargestBatch(t *testing.T) {
	r := newReal(t)
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, `,{"to":"+8210%08d","values":{"name":"%s"}}`, i, strings.Repeat("n", 300))
	}
	w := r.do(request("POST", "/v1/batches", `{"from":"1544","text":"Hi {{name}}","recipients":[`+b.String()[1:]+`]}`))
	if w.Code != 202 || !strings.Contains(w.Body.String(), `"accepted":10000`) || r.pushes != 1 {
		t.Errorf("%d %.300s", w.Code, w.Body)
	}
}

func TestBatchLookUp(t *testing.T) {
	h := &house{batch: &queue.BatchView{Accepted: 3, AcceptedAt: time.Unix(1_800_000_000, 0), Statuses: map[queue.Status]int{queue.StatusQueued: 2, queue.StatusDelivered: 1}}}
	w := h.do(request("GET", "/v1/batches/b", ""))
	want := `{"batch":"b","accepted":3,"accepted_at":"2027-01-15T08:00:00.000Z","statuses":{"delivered":1,"queued":2},"past_history":0}` + "\n"
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for err, code := range map[error]int{queue.ErrNotFound: 404, queue.ErrGone: 410, queue.ErrUnavailable: 503} {
		if w := (&house{getErr: err}).do(request("GET", "/v1/batches/b", "")); w.Code != code || strings.Contains(w.Body.String(), "message") {
			t.Errorf("%v: %d %s", err, w.Code, w.Body)
		}
	}
}
