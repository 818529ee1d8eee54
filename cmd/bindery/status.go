package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"bindery/cmd/bindery/internal/client"
	"bindery/cmd/bindery/internal/screen"
)

// messageView is what GET /v1/messages/{id} answers.
type messageView struct {
	ID        string     `json:"id"`
	Status    string     `json:"status"`
	To        string     `json:"to"`
	From      string     `json:"from"`
	Carrier   string     `json:"carrier"`
	Route     string     `json:"route"`
	Parts     int        `json:"parts"`
	Reference string     `json:"reference"`
	Campaign  string     `json:"campaign"`
	Error     *codeError `json:"error"`
	Timeline  []struct {
		At      time.Time  `json:"at"`
		Status  string     `json:"status"`
		Carrier string     `json:"carrier"`
		Error   *codeError `json:"error"`
	} `json:"timeline"`
}

// codeError is an error of a message.
type codeError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *codeError) String() string {
	if e == nil {
		return ""
	}
	return e.Code + orNothing(" ", e.Message)
}

func newStatusCommand() *cobra.Command {
	var api client.Flags
	var batch bool
	cmd := &cobra.Command{
		Use:   "status ID [ID …]",
		Short: "Show what became of messages",
		Long: `Shows each message with its timeline. With --batch the ids are those of batches,
and each is shown by how many of its messages have which status.

` + client.Environment,
		Example: "  bindery status 06FJ2K7R0W5T3M8QX9VZ41CDEA\n  bindery status --json 06FJ2K7R0W5T3M8QX9VZ41CDEA | jq -r .status\n  bindery status --batch 06FJ2K9S1Y6V4N0RZ8XW52BFGC",
		Args:    some("id"),
		RunE: func(cmd *cobra.Command, ids []string) error {
			c, err := api.Client()
			if err != nil {
				return err
			}
			show := showMessage
			if batch {
				show = showBatch
			}
			return forEach(ids, func(id string) error { return show(cmd.Context(), c, cmd.OutOrStdout(), id, api.JSON) })
		},
	}
	cmd.Flags().BoolVar(&batch, "batch", false, "the ids are those of batches")
	registerAPI(cmd, &api)
	cmd.ValidArgsFunction = completeNothing
	return cmd
}

// forEach goes on after what the gateway refused; it ends where nobody answers.
func forEach(ids []string, do func(id string) error) error {
	var failed error
	for _, id := range ids {
		err := do(id)
		var p *client.Problem
		if errors.As(err, &p) && p.Status > 0 && p.Exit == client.ExitRefused && len(ids) > 1 {
			p.What = id + ": " + p.What
			failed = errors.Join(failed, err)
			continue
		}
		if err != nil {
			return errors.Join(failed, err)
		}
	}
	return failed
}

func showMessage(ctx context.Context, c *client.Client, w io.Writer, id string, asJSON bool) error {
	var m messageView
	body, err := c.Get(ctx, "/v1/messages/"+url.PathEscape(id), &m)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, body)
	}
	fmt.Fprintf(w, "%s  %s\n", screen.Clean(m.ID), screen.Clean(m.Status))
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "  %-10s %s\n", name, screen.Clean(value))
		}
	}
	line("to", m.To)
	line("from", m.From)
	line("parts", fmt.Sprint(m.Parts))
	line("route", m.Route+orNothing(", carrier ", m.Carrier))
	line("reference", m.Reference)
	line("campaign", m.Campaign)
	line("error", m.Error.String())
	for _, t := range m.Timeline {
		line(t.At.Local().Format("15:04:05.000"), t.At.Local().Format(time.DateOnly)+"  "+t.Status+orNothing("  ", t.Carrier)+orNothing("  ", t.Error.String()))
	}
	return nil
}

func showBatch(ctx context.Context, c *client.Client, w io.Writer, id string, asJSON bool) error {
	var b struct {
		Batch    string         `json:"batch"`
		Accepted int            `json:"accepted"`
		Statuses map[string]int `json:"statuses"`
	}
	body, err := c.Get(ctx, "/v1/batches/"+url.PathEscape(id), &b)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, body)
	}
	fmt.Fprintf(w, "%s  %d accepted\n", screen.Clean(cmp.Or(b.Batch, id)), b.Accepted)
	for _, status := range slices.Sorted(maps.Keys(b.Statuses)) {
		if n := b.Statuses[status]; n > 0 {
			fmt.Fprintf(w, "  %-12s %d\n", screen.Clean(status), n)
		}
	}
	return nil
}
