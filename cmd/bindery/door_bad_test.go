package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"strings"
	"testing"
)

// TestEveryFieldOfALineWrongInTurn: each in a line between two that are right.
func TestEveryFieldOfALineWrongInTurn(t *testing.T) {
	d := newDoor(t, 1, "")
	const right = `{"to":"+821012345678","from":"1544","text":"hi"}`
	var body strings.Builder
	wrong := wrongFields()
	for _, bad := range wrong {
		m := map[string]string{"to": "+821012345678", "from": "1544", "text": "hi"}
		maps.Copy(m, map[string]string{bad.field: bad.value})
		line, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&body, "%s\n%s\n", right, line)
	}
	answers := strings.Split(strings.TrimSpace(string(d.ps[0].lines(body.String()))), "\n")
	if len(answers) != 2*len(wrong) {
		t.Fatalf("%d answers to %d lines", len(answers), 2*len(wrong))
	}
	for i, text := range answers {
		var a struct {
			ID    string
			Error problem
		}
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if i%2 == 0 {
			if a.ID == "" {
				t.Errorf("a right line beside %+v: %s", wrong[i/2], text)
			}
			continue
		}
		if bad := wrong[i/2]; a.ID != "" || a.Error.Status != 422 || len(a.Error.Errors) != 1 || a.Error.Errors[0].Field != bad.field || a.Error.Errors[0].Message == "" {
			t.Errorf("%s = %.40q: %s", bad.field, bad.value, text)
		}
	}
}

// TestEveryFieldOfABatchWrongInTurn: what is shared refuses the batch, what is a
// recipient's only that one, and of what is refused nothing is queued.
func TestEveryFieldOfABatchWrongInTurn(t *testing.T) {
	d := newDoor(t, 1, "")
	p := d.ps[0]
	batch := func(field, value string) answer {
		recipient := map[string]any{"to": "+821012345678", "values": map[string]string{"n": "1"}}
		b := map[string]any{"from": "1544", "text": "hi {{n}}", "recipients": []any{recipient}}
		switch field {
		case "to":
			recipient["to"] = value
		case "":
		default:
			b[field] = value
		}
		body, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		return p.do("POST", "/v1/batches", key, string(body))
	}
	for _, bad := range wrongFields() {
		field, a := bad.field, batch(bad.field, bad.value)
		switch field {
		case "to":
			field = "recipients[0].to"
		case "text", "encoding": // what no carrier takes is told of the recipients
			if bad.value != "" && bad.value != "utf-8" {
				field = "recipients[0]." + field
			}
		}
		var e problem
		if err := json.Unmarshal(a.body, &e); err != nil || a.code != 422 || len(e.Errors) != 1 || e.Errors[0].Field != field || e.Errors[0].Message == "" {
			t.Errorf("%s = %.40q: %d %.300s", bad.field, bad.value, a.code, a.body)
		}
	}
	for name, c := range map[string]struct {
		body string
		code int
	}{
		"not JSON":          {"recipients", 400},
		"cut":               {`{"from":"1544","text":"hi","recipients":[{"to":"+8210`, 400},
		"too deep":          {`{"from":` + strings.Repeat("[", 1000), 400},
		"10,001 recipients": {`{"from":"1544","text":"hi","recipients":[` + strings.Repeat(`{"to":"+821012345678"},`, 10_000) + `{"to":"+821012345678"}]}`, 413},
		"50,001 parts":      {`{"from":"1544","text":"` + strings.Repeat("가", 67*5+1) + `","recipients":[` + strings.Repeat(`{"to":"+821012345678"},`, 8999) + `{"to":"+821012345678"}]}`, 413},
		"above 8 MiB":       {`{"from":"1544","text":"` + strings.Repeat("x", 8<<20) + `"}`, 413},
	} {
		if a := p.do("POST", "/v1/batches", key, c.body); a.code != c.code || a.head.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %.300s", name, a.code, a.body)
		}
	}
	if n := d.accepted(); n != 0 {
		t.Errorf("%d blocks were queued", n)
	}
	if a := batch("", ""); a.code != 202 || d.accepted() != 1 {
		t.Errorf("a right one: %d %s", a.code, a.body)
	}
}

// TestManyIdleConnections: 2,000 that say nothing, and 100 that stop in the
// middle of a body or a line, keep nobody else from sending.
func TestManyIdleConnections(t *testing.T) {
	d := newDoor(t, 1, "")
	p := d.ps[0]
	n := 2000
	if testing.Short() {
		n = 200
	}
	for i := range n {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		kind := []string{"application/json", "application/x-ndjson"}[i%2]
		if i < 100 {
			fmt.Fprintf(c, "POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: 1000\r\n\r\n{", key, kind)
		}
	}
	for i := range 100 {
		p.send(number(i), "hi")
	}
	if peak := peakMemory(t, p.cmd.Process.Pid); peak > 300<<20 {
		t.Errorf("the gateway had %d MiB", peak>>20)
	}
}
