package client

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Fields are the members of a message, as POST /v1/messages takes them.
var Fields = []string{"to", "from", "text", "priority", "send_at", "validity", "reference", "campaign",
	"subject", "callback", "encoding", "kind", "on_uncertain"}

// maxLine is the longest line that is read, in octets: more than a gateway
// takes, so that it is the gateway that says so.
const maxLine = 512 << 10

// ndjson reads a message a line and changes nothing in it.
type ndjson struct {
	s *bufio.Scanner
	n int
}

// NewNDJSON reads NDJSON; empty lines are passed over.
func NewNDJSON(r io.Reader) Lines {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 64<<10), maxLine)
	return &ndjson{s: s}
}

func (f *ndjson) Next() (Line, error) {
	for f.s.Scan() {
		f.n++
		line := bytes.TrimSpace(f.s.Bytes())
		if f.n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if len(line) > 0 {
			return Line{Number: f.n, JSON: line}, nil
		}
	}
	if err := f.s.Err(); errors.Is(err, bufio.ErrTooLong) {
		return Line{}, Usage("a message is at most 256 KiB, on one line; is the file NDJSON?", "line %d is longer than %d KiB", f.n+1, maxLine>>10)
	} else if err != nil {
		return Line{}, fmt.Errorf("line %d: %w", f.n+1, err)
	}
	return Line{}, io.EOF
}

// table reads CSV: a heading, then a message or a recipient a row.
type table struct {
	r       *csv.Reader
	columns []string
	object  func(row []string) any // what becomes of a row
}

// NewCSV reads messages. The columns are their fields; what a row leaves empty is
// taken from defaults.
func NewCSV(r io.Reader, separator rune, defaults map[string]string) (Lines, error) {
	t, err := newTable(r, separator, strings.ToLower)
	if err != nil {
		return nil, err
	}
	for i, name := range t.columns {
		if !slices.Contains(Fields, name) {
			return nil, Usage("columns are "+strings.Join(Fields, ", ")+"; another separator is named by --separator", "column %d, %q, is no field of a message", i+1, name)
		}
	}
	for _, must := range []string{"to", "from", "text"} {
		if !slices.Contains(t.columns, must) && defaults[must] == "" {
			return nil, Usage("add the column, or give --"+must+" for all rows", "no column %q", must)
		}
	}
	message := map[string]string{}
	t.object = func(row []string) any {
		clear(message)
		maps.Copy(message, defaults)
		for i, cell := range row {
			if cell != "" {
				message[t.columns[i]] = cell
			}
		}
		return message
	}
	return t, nil
}

// NewRecipients reads the recipients of a batch: the columns to and reference,
// and every other as a value that the text may name.
func NewRecipients(r io.Reader, separator rune) (Lines, error) {
	t, err := newTable(r, separator, func(name string) string {
		if lower := strings.ToLower(name); lower == "to" || lower == "reference" {
			return lower
		}
		return name
	})
	if err != nil {
		return nil, err
	}
	if !slices.Contains(t.columns, "to") {
		return nil, Usage("add the column; another separator is named by --separator", "no column \"to\"")
	}
	recipient := struct {
		To        string            `json:"to"`
		Reference string            `json:"reference,omitempty"`
		Values    map[string]string `json:"values,omitempty"`
	}{Values: map[string]string{}}
	t.object = func(row []string) any {
		recipient.To, recipient.Reference = "", ""
		for i, cell := range row {
			switch t.columns[i] {
			case "to":
				recipient.To = cell
			case "reference":
				recipient.Reference = cell
			default:
				recipient.Values[t.columns[i]] = cell
			}
		}
		return recipient
	}
	return t, nil
}

func newTable(r io.Reader, separator rune, column func(string) string) (*table, error) {
	c := csv.NewReader(r)
	c.Comma, c.ReuseRecord = separator, true
	heading, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, Usage("the first line names the columns, such as to,from,text", "the CSV file is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("the heading: %w", err)
	}
	t := &table{r: c, columns: slices.Clone(heading)}
	for i, name := range t.columns {
		if i == 0 {
			name = strings.TrimPrefix(name, "\ufeff") // as spreadsheets write it
		}
		t.columns[i] = column(strings.TrimSpace(name))
		if slices.Contains(t.columns[:i], t.columns[i]) {
			return nil, Usage("give each column once", "column %q is there twice", t.columns[i])
		}
	}
	return t, nil
}

func (t *table) Next() (Line, error) {
	row, err := t.r.Read()
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		if errors.Is(err, csv.ErrFieldCount) {
			return Line{Number: parse.StartLine, Fault: fmt.Sprintf("%d columns, the heading has %d", len(row), len(t.columns))}, nil
		}
		// From a lost quotation mark on nothing is certain.
		return Line{}, fmt.Errorf("line %d: %w", parse.Line, parse.Err)
	}
	if err != nil {
		return Line{}, err
	}
	number, _ := t.r.FieldPos(0)
	for i, cell := range row {
		if !utf8.ValidString(cell) {
			return Line{Number: number, Fault: t.columns[i] + ": not UTF-8; save the file as UTF-8"}, nil
		}
	}
	line, err := json.Marshal(t.object(row))
	return Line{Number: number, JSON: line}, err
}
