package draft

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bindery/gateway/ingress"
)

const goodBatch = `{"from":"1544","text":"Hi {{name}}","campaign":"spring","recipients":[{"to":"+821012345678","values":{"name":"Kim"},"reference":"r1"},{"to":"+4915112345678","values":{"name":"\u00c5se","x":"y"}}]}`

func TestBatch(t *testing.T) {
	b, p := Batch(goodBatch)
	if p != nil {
		t.Fatal(p)
	}
	want := &ingress.Batch{
		Draft: ingress.Draft{From: "1544", Text: "Hi {{name}}", Campaign: "spring", Set: ingress.Campaign},
		Recipients: []ingress.Recipient{
			{To: "+821012345678", Reference: "r1", Values: []ingress.Value{{Name: "name", Text: "Kim"}}},
			{To: "+4915112345678", Values: []ingress.Value{{Name: "name", Text: "Åse"}, {Name: "x", Text: "y"}}},
		},
	}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Error(diff)
	}
}

func FuzzBatch(f *testing.F) {
	f.Add([]byte(goodBatch))
	for _, s := range []string{"", "{}", `{"recipients":[{"to":"1","values":{"a":"b","a":1}}]}`, `{"recipients":[1,null,{}]}`, `{"recipients":[`, `{"to":{},"recipients":{}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b, p := Batch(string(body))
		switch {
		case p != nil && (p.Status < 400 || p.Status > 499 || p.Status == http.StatusRequestEntityTooLarge && len(body) < 10_000):
			t.Errorf("%q: %+v", body, p)
		case p == nil && !json.Valid(body):
			t.Errorf("%q is taken and is no JSON", body)
		case p == nil && len(b.Recipients) > ingress.MaxRecipients:
			t.Errorf("%d recipients", len(b.Recipients))
		}
	})
}
