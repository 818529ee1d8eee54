package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"bindery/cmd/bindery/internal/client"
	"bindery/cmd/bindery/internal/screen"
)

// sending is what `bindery send` was told.
type sending struct {
	api     client.Flags
	message map[string]*string // by field of the API
	key     string             // Idempotency-Key
	file    sendFile

	in        io.Reader
	out, errs io.Writer
}

// sendFlags are the flags of a message's fields; a field is its flag with "_".
var sendFlags = []struct{ name, usage string }{
	{"to", "number of the recipient, as in +821012345678"},
	{"from", "sender: a number, or at most 11 letters and digits"},
	{"text", "what to say; - reads it from standard input"},
	{"priority", "urgent, normal or bulk"},
	{"send-at", "when, as in 2026-11-25T09:00:00+09:00; at most 30 days ahead"},
	{"validity", "how long it may wait, as in 90s or 48h"},
	{"reference", "your own name for it, at most 128 octets"},
	{"campaign", "what it belongs to, at most 64 octets"},
	{"subject", "of a long message"},
	{"callback", "URL that is told of its events"},
	{"encoding", "auto, gsm7, ucs2, …"},
	{"kind", "auto, sms, lms or mms"},
	{"on-uncertain", "resend, or hold when the carrier's answer is lost"},
}

func newSendCommand() *cobra.Command {
	s := &sending{message: map[string]*string{}}
	cmd := &cobra.Command{
		Use:   "send {--to NUMBER --from SENDER --text TEXT | --file FILE}",
		Short: "Send one message, or a file of them",
		Long: `Sends one message by its flags, or every message of a file, and says what was
taken and what was refused.

A file is NDJSON, a message a line as POST /v1/messages takes it, or CSV, whose
first line names the columns: the flags below with "_" for "-" (to, from, text,
send_at, …). With CSV the flags fill in what a row leaves empty. A --text with
{{names}} goes to every row of CSV as batches: the columns are then to, perhaps
reference, and the values that the text names.

Each send goes under an Idempotency-Key. When a send breaks off, the key is told:
the same command with it sends only what was not taken.

` + client.Environment,
		Example: `  bindery send --to +821012345678 --from 1544 --text "hello"
  echo "hello" | bindery send --to +821012345678 --from 1544 --text -
  bindery send --to +821012345678 --from 1544 --text "now or never" --priority urgent --validity 90s
  bindery send --file messages.ndjson --refused refused.ndjson
  bindery send --file numbers.csv --from 1544 --text "We open at nine" --campaign opening
  bindery send --file people.csv --from 1544 --text "Hi {{name}}, your code is {{code}}"
  bindery send --file - --format ndjson --json < messages.ndjson`,
		Args: noArguments("file"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s.in, s.out, s.errs = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			return s.run(cmd)
		},
	}
	f := cmd.Flags()
	for _, flag := range sendFlags {
		s.message[strings.ReplaceAll(flag.name, "-", "_")] = f.String(flag.name, "", flag.usage)
	}
	f.StringVar(&s.key, "idempotency-key", "", "under which a repeat is the same send; at most 240 octets (default: a new one)")
	s.file.register(cmd)
	registerAPI(cmd, &s.api)
	for _, free := range []string{"to", "from", "text", "send-at", "validity", "reference", "campaign", "subject", "callback", "idempotency-key"} {
		complete(cmd, free)
	}
	complete(cmd, "encoding", "auto", "gsm7", "gsm7-packed", "ascii", "latin1", "cyrillic", "hebrew", "ucs2", "euc-kr")
	complete(cmd, "priority", "urgent", "normal", "bulk")
	complete(cmd, "kind", "auto", "sms", "lms", "mms")
	complete(cmd, "on-uncertain", "resend", "hold")
	return cmd
}

func (s *sending) run(cmd *cobra.Command) error {
	fields, err := s.fields(cmd)
	if err != nil {
		return err
	}
	if len(s.key) > 240 {
		return client.Usage("make it shorter", "--idempotency-key: %d octets, at most 240 are taken", len(s.key))
	}
	if err := s.file.check(cmd, fields); err != nil {
		return err
	}
	c, err := s.api.Client()
	if err != nil {
		return err
	}
	if s.key == "" {
		s.key = rand.Text()
	}
	if s.file.name != "" {
		return s.sendFile(cmd.Context(), c, fields)
	}
	return s.sendOne(cmd, c, fields)
}

// fields are those whose flags were given, so that an empty text is refused by
// the gateway and not taken for none.
func (s *sending) fields(cmd *cobra.Command) (map[string]string, error) {
	fields := map[string]string{}
	for name, value := range s.message {
		if cmd.Flags().Changed(strings.ReplaceAll(name, "_", "-")) {
			fields[name] = *value
		}
	}
	if fields["text"] == "-" && s.file.name != "-" {
		text, err := io.ReadAll(io.LimitReader(s.in, 256<<10))
		if err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		fields["text"] = strings.TrimSuffix(string(text), "\n")
	}
	if s.file.name == "" {
		for _, must := range []string{"to", "from", "text"} {
			if _, given := fields[must]; !given {
				return nil, client.Usage("bindery send --to +821012345678 --from 1544 --text hello, or --file FILE", "no --%s", must)
			}
		}
	}
	return fields, nil
}

func (s *sending) sendOne(cmd *cobra.Command, c *client.Client, fields map[string]string) error {
	body, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	answer, err := c.JSON(cmd.Context(), client.Request{
		Method: http.MethodPost, Path: "/v1/messages", Type: "application/json", Body: bytes.NewReader(body),
		Header: map[string]string{"Idempotency-Key": s.key},
	})
	if err != nil {
		return s.again(err)
	}
	if s.api.JSON {
		return printJSON(s.out, answer)
	}
	var a client.Answer
	if err := json.Unmarshal(answer, &a); err != nil || a.ID == "" {
		return fmt.Errorf("%s accepted the message, with an answer that this version does not know: %s", c.Base(), screen.Clean(string(answer)))
	}
	t := screen.NewTable("ID", "STATUS", ">PARTS", "ENCODING", "ROUTE")
	t.Row(a.ID, a.Status, a.Parts, a.Code, a.Route)
	return t.Write(s.out)
}

// again tells how to repeat a send whose outcome is not known, or that may be
// taken later, so that nothing is sent twice.
func (s *sending) again(err error) error {
	var p *client.Problem
	if errors.As(err, &p) && p.Exit == client.ExitLater && !p.Unsent {
		p.Next = "the same command with --idempotency-key " + s.key + " sends only what was not taken" + orNothing("; ", p.Next)
	}
	return err
}

// orNothing is s behind what leads to it, or nothing.
func orNothing(before, s string) string {
	if s == "" {
		return ""
	}
	return before + s
}

// printJSON prints what the gateway answered, on one line.
func printJSON(w io.Writer, answer []byte) error {
	var b bytes.Buffer
	if err := json.Compact(&b, answer); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := w.Write(b.Bytes())
	return err
}
