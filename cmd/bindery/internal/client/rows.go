package client

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// table reads CSV: a heading of field names, then a message a row.
type table struct {
	r        *csv.Reader
	columns  []string
	defaults map[string]string // of fields that a row leaves empty
	message  map[string]string
}

// NewCSV reads the heading. Its columns are fields of a message; what a row
// leaves empty is taken from defaults.
func NewCSV(r io.Reader, separator rune, defaults map[string]string) (Lines, error) {
	c := csv.NewReader(r)
	c.Comma, c.ReuseRecord = separator, true
	heading, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, Usage("the first line names the columns, such as to,from,text", "the CSV file is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("the heading: %w", err)
	}
	columns := slices.Clone(heading)
	for i, name := range columns {
		if i == 0 {
			name = strings.TrimPrefix(name, "\ufeff") // as spreadsheets write it
		}
		columns[i] = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(Fields, columns[i]) {
			return nil, Usage("columns are "+strings.Join(Fields, ", ")+"; another separator is named by --separator", "column %d, %q, is no field of a message", i+1, columns[i])
		}
		if slices.Contains(columns[:i], columns[i]) {
			return nil, Usage("give each column once", "column %q is there twice", columns[i])
		}
	}
	for _, must := range []string{"to", "from", "text"} {
		if !slices.Contains(columns, must) && defaults[must] == "" {
			return nil, Usage("add the column, or give --"+must+" for all rows", "no column %q", must)
		}
	}
	return &table{r: c, columns: columns, defaults: defaults, message: map[string]string{}}, nil
}

func (f *table) Next() (Line, error) {
	row, err := f.r.Read()
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		if errors.Is(err, csv.ErrFieldCount) {
			return Line{Number: parse.StartLine, Fault: fmt.Sprintf("%d columns, the heading has %d", len(row), len(f.columns))}, nil
		}
		// From a lost quotation mark on nothing is certain.
		return Line{}, fmt.Errorf("line %d: %w", parse.Line, parse.Err)
	}
	if err != nil {
		return Line{}, err
	}
	number, _ := f.r.FieldPos(0)
	clear(f.message)
	for name, value := range f.defaults {
		f.message[name] = value
	}
	for i, cell := range row {
		if !utf8.ValidString(cell) {
			return Line{Number: number, Fault: f.columns[i] + ": not UTF-8; save the file as UTF-8"}, nil
		}
		if cell != "" {
			f.message[f.columns[i]] = cell
		}
	}
	line, err := json.Marshal(f.message)
	return Line{Number: number, JSON: line}, err
}
