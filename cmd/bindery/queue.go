package main

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"bindery/cmd/bindery/internal/client"
	"bindery/cmd/bindery/internal/screen"
)

func newQueueCommand() *cobra.Command {
	var api client.Flags
	cmd := &cobra.Command{
		Use:   "queue",
		Short: "Show what waits; cancel messages",
		Long: `Shows how many messages wait on each route, by priority, how long the oldest has
waited, and how many are scheduled for later.

` + adminNote + client.Environment,
		Example: "  bindery queue\n  bindery queue --json | jq '[.queues[].depth] | add'\n  bindery queue cancel 06FJ2K7R0W5T3M8QX9VZ41CDEA",
		Args:    noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := api.Client()
			if err != nil {
				return err
			}
			return showQueues(cmd, c, api.JSON)
		},
	}
	registerAPI(cmd, &api)
	cmd.AddCommand(newCancelCommand())
	return cmd
}

func showQueues(cmd *cobra.Command, c *client.Client, asJSON bool) error {
	var q struct {
		Queues []struct {
			Route    string  `json:"route"`
			Priority string  `json:"priority"`
			Depth    int     `json:"depth"`
			Oldest   float64 `json:"oldest_seconds"`
		} `json:"queues"`
		Scheduled int `json:"scheduled"`
	}
	body, err := c.Get(cmd.Context(), "/v1/queues", &q)
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if asJSON {
		return printJSON(w, body)
	}
	t := screen.NewTable("ROUTE", "PRIORITY", ">DEPTH", ">OLDEST")
	for _, r := range q.Queues {
		t.Row(r.Route, r.Priority, r.Depth, time.Duration(r.Oldest*float64(time.Second)).Round(100*time.Millisecond))
	}
	if err := t.Write(w); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "scheduled for later: %d\n", q.Scheduled)
	return err
}

func newCancelCommand() *cobra.Command {
	var api client.Flags
	cmd := &cobra.Command{
		Use:   "cancel ID [ID …]",
		Short: "Cancel messages that were not sent yet",
		Long: `Cancels what is queued, scheduled or held and was surely never sent; anything else
is refused. Messages are the account's own; no admin is needed.

` + client.Environment,
		Example: "  bindery queue cancel 06FJ2K7R0W5T3M8QX9VZ41CDEA\n  bindery queue cancel --json 06FJ2K7R0W5T3M8QX9VZ41CDEA | jq -r .status",
		Args:    some("id"),
		RunE: func(cmd *cobra.Command, ids []string) error {
			c, err := api.Client()
			if err != nil {
				return err
			}
			return forEach(ids, func(id string) error {
				body, err := c.JSON(cmd.Context(), client.Request{Method: http.MethodDelete, Path: "/v1/messages/" + url.PathEscape(id)})
				if err != nil {
					return err
				}
				if api.JSON {
					return printJSON(cmd.OutOrStdout(), body)
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s  canceled\n", id)
				return err
			})
		},
	}
	registerAPI(cmd, &api)
	cmd.ValidArgsFunction = completeNothing
	return cmd
}
