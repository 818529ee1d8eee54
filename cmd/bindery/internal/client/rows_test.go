package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type got struct {
	Number int
	JSON   string
	Fault  string
}

func readLines(t *testing.T, l Lines) (list []got, err error) {
	t.Helper()
	for {
		line, err := l.Next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		list = append(list, got{line.Number, string(line.JSON), line.Fault})
	}
}

func TestNDJSONKeepsLinesAsTheyAre(t *testing.T) {
	list, err := readLines(t, NewNDJSON(strings.NewReader("\ufeff{\"a\":1}\r\n\n  {\"to\": \"\\ud800\"}\nnot json")))
	want := []got{{1, `{"a":1}`, ""}, {3, `{"to": "\ud800"}`, ""}, {4, "not json", ""}}
	if diff := cmp.Diff(want, list); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := readLines(t, NewNDJSON(strings.NewReader("{}\n"+strings.Repeat("x", maxLine+1)))); err == nil || !strings.Contains(err.Error(), "line 2 is longer") {
		t.Error(err)
	}
}

func TestCSVMakesMessages(t *testing.T) {
	const file = "\ufeffTO,from, Text \n+821,1544,\"two\nlines\"\n+822,,x\n+823,A,\xb0\xa1\n+824,B,\"\"\n"
	l, err := NewCSV(strings.NewReader(file), ',', map[string]string{"from": "F", "campaign": "c"})
	if err != nil {
		t.Fatal(err)
	}
	list, err := readLines(t, l)
	want := []got{
		{2, `{"campaign":"c","from":"1544","text":"two\nlines","to":"+821"}`, ""},
		{4, `{"campaign":"c","from":"F","text":"x","to":"+822"}`, ""},
		{5, "", "text: not UTF-8; save the file as UTF-8"},
		{6, `{"campaign":"c","from":"B","to":"+824"}`, ""},
	}
	if diff := cmp.Diff(want, list); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// Whatever a file holds, it is read to its end or to an error, and what becomes
// a line is one line of JSON.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"to,from,text\n1,2,3\n", "to;from;text\n\"a\";b;\"c\nd\"\n", "to,from,text\n1,2\n,,,\n\"", "\ufeffto,from,text\r\n\xff,a,b"} {
		f.Add([]byte(s), ',')
	}
	f.Fuzz(func(t *testing.T, file []byte, separator rune) {
		l, err := NewCSV(bytes.NewReader(file), separator, map[string]string{"from": "x"})
		if err != nil {
			return
		}
		for last := 0; ; {
			line, err := l.Next()
			if err != nil {
				return
			}
			if line.Number <= last {
				t.Fatalf("line %d after line %d", line.Number, last)
			}
			last = line.Number
			if line.Fault == "" && (!json.Valid(line.JSON) || bytes.ContainsAny(line.JSON, "\r\n")) {
				t.Fatalf("%q", line.JSON)
			}
		}
	})
}
