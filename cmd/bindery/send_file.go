package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"bindery/cmd/bindery/internal/client"
	"bindery/cmd/bindery/internal/screen"
)

// sendFile is what `bindery send` was told of a file.
type sendFile struct {
	name      string // "-" is standard input
	format    string
	separator string
	refused   string // file for what was refused
}

func (f *sendFile) register(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringVarP(&f.name, "file", "f", "", "`FILE` of messages; - is standard input")
	set.StringVar(&f.format, "format", "", "csv or ndjson (default: by the file's ending)")
	set.StringVar(&f.separator, "separator", ",", "between the columns of CSV; \\t is a tab")
	set.StringVar(&f.refused, "refused", "", "`FILE` that gets every refused line, as NDJSON")
	complete(cmd, "format", "csv", "ndjson")
	complete(cmd, "separator")
	completeFiles(cmd, "file", "csv", "tsv", "ndjson", "jsonl")
}

func (f *sendFile) check(cmd *cobra.Command, fields map[string]string) error {
	if f.name == "" {
		for _, flag := range []string{"format", "separator", "refused"} {
			if cmd.Flags().Changed(flag) {
				return client.Usage("give --file too", "--%s is about a file", flag)
			}
		}
		return nil
	}
	if f.format == "" {
		switch ext := strings.ToLower(filepath.Ext(f.name)); ext {
		case ".csv", ".tsv":
			f.format = "csv"
			if ext == ".tsv" && !cmd.Flags().Changed("separator") {
				f.separator = "\t"
			}
		case ".ndjson", ".jsonl":
			f.format = "ndjson"
		default:
			return client.Usage("add --format csv or --format ndjson", "--file: the ending of %q tells no format", f.name)
		}
	}
	if f.separator == `\t` {
		f.separator = "\t"
	}
	switch {
	case f.format != "csv" && f.format != "ndjson":
		return client.Usage("csv or ndjson", "--format: %q is not known", f.format)
	case len([]rune(f.separator)) != 1 || strings.ContainsAny(f.separator, "\"\r\n\ufffd"):
		return client.Usage("one character, such as ;", "--separator: %q separates nothing", f.separator)
	case f.format == "ndjson":
		for name := range fields {
			return client.Usage("the lines of NDJSON carry all their fields", "--%s with a file of NDJSON", strings.ReplaceAll(name, "_", "-"))
		}
	case f.template(fields):
		for _, own := range []string{"to", "reference"} {
			if _, given := fields[own]; given {
				return client.Usage("name a column "+own, "--%s: each recipient has its own", own)
			}
		}
		if fields["from"] == "" {
			return client.Usage("give --from SENDER", "no --from for the text of all")
		}
	}
	return nil
}

// template tells whether one text with places for values goes to all rows.
func (f *sendFile) template(fields map[string]string) bool {
	return f.format == "csv" && strings.Contains(fields["text"], "{{")
}

// fileSend is a file under way. It belongs to the goroutine that hears the
// answers, but for read.
type fileSend struct {
	s       *sending
	screen  *screen.Screen
	began   time.Time
	shown   time.Time
	size    int64 // of the file, octets; 0: not known
	read    atomic.Int64
	out     *bufio.Writer
	refused *json.Encoder // nil: nobody asked

	taken, not, later int
	batches           []string
	first             []client.Answer // some of those refused
}

// refusalsShown is how many refused lines are listed; a file may have them all.
const refusalsShown = 20

func (s *sending) sendFile(ctx context.Context, c *client.Client, fields map[string]string) error {
	f := &fileSend{s: s, screen: screen.New(s.errs), began: time.Now(), out: bufio.NewWriter(s.out)}
	in, size, err := s.open()
	if err != nil {
		return err
	}
	defer in.Close()
	f.size = size
	lines, err := s.lines(&countingReader{in, &f.read}, fields)
	if err != nil {
		return inFile(s.file.name, err)
	}
	done, err := f.keepRefused()
	if err != nil {
		return err
	}
	if s.file.template(fields) {
		err = c.SendBatches(ctx, s.key, fields, lines, f.heard)
	} else {
		err = c.SendLines(ctx, s.key, lines, f.heard)
	}
	err = errors.Join(err, f.out.Flush(), done())
	if f.screen.Live() {
		f.screen.Progress(f.progress(time.Now()))
	}
	f.screen.End()
	return f.sum(inFile(s.file.name, err))
}

func (s *sending) open() (io.ReadCloser, int64, error) {
	if s.file.name == "-" {
		return io.NopCloser(s.in), 0, nil
	}
	in, err := os.Open(s.file.name)
	if err != nil {
		return nil, 0, client.Usage("is the path right?", "--file: %w", err)
	}
	info, err := in.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return in, 0, err
	}
	return in, info.Size(), nil
}

func (s *sending) lines(r io.Reader, fields map[string]string) (client.Lines, error) {
	separator := []rune(s.file.separator)[0]
	switch {
	case s.file.template(fields):
		return client.NewRecipients(r, separator)
	case s.file.format == "csv":
		return client.NewCSV(r, separator, fields)
	}
	return client.NewNDJSON(r), nil
}

// inFile names the file in an error that is about it.
func inFile(name string, err error) error {
	var p *client.Problem
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if errors.As(err, &p) {
		if p.Exit == client.ExitUsage {
			p.What = name + ": " + p.What
		}
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// keepRefused opens the file of refusals. done closes it.
func (f *fileSend) keepRefused() (done func() error, err error) {
	if f.s.file.refused == "" {
		return func() error { return nil }, nil
	}
	file, err := os.OpenFile(f.s.file.refused, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, client.Usage("is the path right?", "--refused: %w", err)
	}
	b := bufio.NewWriter(file)
	f.refused = json.NewEncoder(b)
	return func() error { return errors.Join(b.Flush(), file.Close()) }, nil
}

// heard takes one answer.
func (f *fileSend) heard(a client.Answer) error {
	if f.s.api.JSON {
		if err := json.NewEncoder(f.out).Encode(a); err != nil {
			return err
		}
	}
	if n := len(f.batches); a.Batch != "" && (n == 0 || f.batches[n-1] != a.Batch) {
		f.batches = append(f.batches, a.Batch)
	}
	if a.Error == nil {
		f.taken++
	} else {
		f.not++
		if a.Error.Later() {
			f.later++
		}
		if len(f.first) < refusalsShown {
			f.first = append(f.first, a)
		}
		if f.refused != nil {
			if err := f.refused.Encode(a); err != nil {
				return err
			}
		}
	}
	if now := time.Now(); f.screen.Live() && now.Sub(f.shown) > 100*time.Millisecond {
		f.shown = now
		f.screen.Progress(f.progress(now))
	}
	return nil
}

func (f *fileSend) progress(now time.Time) string {
	elapsed := now.Sub(f.began).Seconds()
	line := fmt.Sprintf("%d taken, %d refused, %.0f/s", f.taken, f.not, float64(f.taken+f.not)/elapsed)
	if f.size > 0 {
		const parts = 1000
		done := int(f.read.Load() * parts / f.size)
		line = fmt.Sprintf("%s %3d %% %s", screen.Bar(24, done, parts), done*100/parts, line)
	}
	return line
}

// sum tells how it went; failed is why it broke off, if it did.
func (f *fileSend) sum(failed error) error {
	elapsed := time.Since(f.began).Round(10 * time.Millisecond)
	to := f.s.out
	if f.s.api.JSON {
		to = f.s.errs
	}
	if failed == nil || f.taken+f.not > 0 {
		fmt.Fprintf(to, "%d taken, %d refused, in %s\n", f.taken, f.not, elapsed)
	}
	if len(f.batches) > 0 {
		fmt.Fprintf(to, "bindery status --batch %s\n", screen.Clean(strings.Join(f.batches, " ")))
	}
	for _, a := range f.first {
		fmt.Fprintf(f.s.errs, "  line %d: %s\n", a.Line, refusal(a.Error))
	}
	if more := f.not - len(f.first); more > 0 {
		fmt.Fprintf(f.s.errs, "  and %d more; --refused FILE writes them all\n", more)
	}
	switch {
	case failed != nil:
		return f.s.again(failed)
	case f.later > 0:
		return f.s.again(&client.Problem{Exit: client.ExitLater, What: fmt.Sprintf("%d lines were not taken for now", f.later)})
	case f.not > 0:
		return exitError(client.ExitRefused)
	}
	return nil
}

func refusal(e *client.LineError) string {
	var b strings.Builder
	if e.Status > 0 {
		fmt.Fprintf(&b, "%d ", e.Status)
	}
	b.WriteString(e.Title)
	for _, field := range e.Errors {
		fmt.Fprintf(&b, "; %s: %s", field.Field, field.Message)
	}
	return screen.Clean(b.String())
}

type countingReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
