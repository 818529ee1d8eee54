package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"bindery/cmd/bindery/internal/client"
	"bindery/cmd/bindery/internal/screen"
)

// tailing is what `bindery tail` was told, and how many events it has shown.
type tailing struct {
	api      client.Flags
	statuses []string
	campaign string
	from     string
	count    int

	out, errs io.Writer
	shown     int
}

// statusEvent is an event of the status stream.
type statusEvent struct {
	ID        string     `json:"id"`
	Status    string     `json:"status"`
	To        string     `json:"to"`
	Carrier   string     `json:"carrier"`
	At        time.Time  `json:"at"`
	Reference string     `json:"reference"`
	Campaign  string     `json:"campaign"`
	Error     *codeError `json:"error"`
	Attempt   int        `json:"attempt"`
	Uncertain bool       `json:"uncertain"`
	Late      bool       `json:"late"`
}

// allStatuses are those that an event may have.
var allStatuses = append([]string{"submitted"}, finalStatuses...)

func newTailCommand() *cobra.Command {
	t := &tailing{}
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Follow what becomes of the account's messages",
		Long: `Prints the account's status events from now on, a line each, until Ctrl-C. A
connection that breaks is taken up where it broke, without a gap. With --json
each event is the object of the status stream, with its place as "event", with
which --from goes on later.

` + client.Environment,
		Example: `  bindery tail
  bindery tail --status undelivered,rejected,failed --campaign spring
  bindery tail --json --count 100 > events.ndjson
  bindery tail --from 1795683600123-0/7`,
		Args: noArguments(""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			t.out, t.errs = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return t.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&t.statuses, "status", nil, "only these statuses")
	f.StringVar(&t.campaign, "campaign", "", "only this campaign")
	f.StringVar(&t.from, "from", "", "go on behind the event of this place (default: from now on)")
	f.IntVarP(&t.count, "count", "n", 0, "end after so many events; 0: never")
	registerAPI(cmd, &t.api)
	completeList(cmd, "status", allStatuses...)
	complete(cmd, "campaign")
	complete(cmd, "from")
	return cmd
}

func (t *tailing) run(ctx context.Context) error {
	for _, s := range t.statuses {
		if !slices.Contains(allStatuses, s) {
			return client.Usage(fmt.Sprintf("one of %v", allStatuses), "--status: %q is no status of an event", s)
		}
	}
	if t.count < 0 {
		return client.Usage("0 follows for ever", "--count: %d is below 0", t.count)
	}
	c, err := t.api.Client()
	if err != nil {
		return err
	}
	err = c.Events(ctx, t.from, t.heard, func(why error, again time.Duration) {
		fmt.Fprintf(t.errs, "%v; again in %s\n", why, again.Round(100*time.Millisecond))
	})
	if errors.Is(err, context.Canceled) {
		return nil // Ctrl-C is how it ends
	}
	return err
}

// heard prints one event. Events of a type that it does not know are passed
// over, as the contract tells readers to.
func (t *tailing) heard(x client.Event) error {
	if x.Type == "gap" {
		fmt.Fprintf(t.errs, "some events are missing here: they were past the history before they were read\n")
	}
	var e statusEvent
	if json.Unmarshal(x.Data, &e) != nil || e.ID == "" || e.Status == "" {
		return nil
	}
	if len(t.statuses) > 0 && !slices.Contains(t.statuses, e.Status) || t.campaign != "" && e.Campaign != t.campaign {
		return nil
	}
	if err := t.print(x, &e); err != nil {
		return err
	}
	if t.shown++; t.shown == t.count {
		return client.ErrEnough
	}
	return nil
}

func (t *tailing) print(x client.Event, e *statusEvent) error {
	if t.api.JSON {
		// Only a member is added: what this version does not know stays.
		place, err := json.Marshal(x.ID)
		if err != nil {
			return err
		}
		return printJSON(t.out, fmt.Appendf(nil, `{"event":%s,%s`, place, x.Data[1:]))
	}
	notes := e.Error.String()
	if e.Uncertain {
		notes += fmt.Sprintf(" (uncertain, attempt %d)", e.Attempt)
	}
	if e.Late {
		notes += " (late)"
	}
	_, err := fmt.Fprintf(t.out, "%s  %s  %-11s  %-16s  %s%s%s\n", e.At.Local().Format("15:04:05.000"), screen.Clean(e.ID), screen.Clean(e.Status),
		screen.Clean(e.To), screen.Clean(e.Carrier), screen.Clean(orNothing("  ", e.Reference)), screen.Clean(orNothing("  ", notes)))
	return err
}
