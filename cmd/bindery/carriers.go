package main

import (
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"bindery/cmd/bindery/internal/client"
	"bindery/cmd/bindery/internal/screen"
)

// carrierView is a carrier as GET /v1/carriers answers it. Rates are
// submit_sm a second.
type carrierView struct {
	ID          string  `json:"id"`
	State       string  `json:"state"`
	Binds       int     `json:"binds"`
	BindsUp     int     `json:"binds_up"`
	Window      int     `json:"window"`
	WindowInUse int     `json:"window_in_use"`
	Rate        float64 `json:"rate"`
	PresentRate float64 `json:"present_rate"`
	Silent      bool    `json:"silent"` // it answers nothing
}

const adminNote = "The key must be of an account with admin: true.\n\n"

func newCarriersCommand() *cobra.Command {
	var api client.Flags
	cmd := &cobra.Command{
		Use:   "carriers",
		Short: "Show the carriers; pause and resume them",
		Long: `Shows every carrier: its state, how many of its binds are up, how much of its
windows is in use, its rate and what it is sent at present.

` + adminNote + client.Environment,
		Example: "  bindery carriers\n  bindery carriers --json | jq -r '.carriers[] | select(.state != \"up\").id'\n  bindery carriers pause alpha\n  bindery carriers resume alpha",
		Args:    noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := api.Client()
			if err != nil {
				return err
			}
			var list struct {
				Carriers []carrierView `json:"carriers"`
			}
			body, err := c.Get(cmd.Context(), "/v1/carriers", &list)
			if err != nil {
				return err
			}
			return printCarriers(cmd.OutOrStdout(), body, list.Carriers, api.JSON)
		},
	}
	registerAPI(cmd, &api)
	cmd.AddCommand(
		newCarrierCommand("pause", "Stop sending to carriers", `A pause holds for every instance until it is taken back. Binds stay up and
receipts keep coming; messages wait, or go by the next carrier of their route.`),
		newCarrierCommand("resume", "Send to paused carriers again", "What waits goes on at the carrier's rate."),
	)
	return cmd
}

func newCarrierCommand(verb, short, long string) *cobra.Command {
	var api client.Flags
	cmd := &cobra.Command{
		Use:     verb + " CARRIER [CARRIER …]",
		Short:   short,
		Long:    long + "\n\n" + adminNote + client.Environment,
		Example: "  bindery carriers " + verb + " alpha\n  bindery carriers " + verb + " alpha beta --json",
		Args:    some("carrier"),
		RunE: func(cmd *cobra.Command, ids []string) error {
			c, err := api.Client()
			if err != nil {
				return err
			}
			return forEach(ids, func(id string) error {
				var one carrierView
				body, err := c.Post(cmd.Context(), "/v1/carriers/"+url.PathEscape(id)+"/"+verb, &one)
				if err != nil {
					return err
				}
				return printCarriers(cmd.OutOrStdout(), body, []carrierView{one}, api.JSON)
			})
		},
	}
	registerAPI(cmd, &api)
	cmd.ValidArgsFunction = completeCarriers(&api)
	return cmd
}

func printCarriers(w io.Writer, body []byte, list []carrierView, asJSON bool) error {
	if asJSON {
		return printJSON(w, body)
	}
	t := screen.NewTable("CARRIER", "STATE", ">BINDS", ">WINDOW", ">RATE", ">PRESENT")
	for _, c := range list {
		rate := "no limit"
		if c.Rate > 0 {
			rate = fmt.Sprintf("%.4g/s", c.Rate)
		}
		state := c.State
		if c.Silent {
			state += ", silent"
		}
		t.Row(c.ID, state, fmt.Sprintf("%d/%d", c.BindsUp, c.Binds), fmt.Sprintf("%d/%d", c.WindowInUse, c.Window*c.Binds), rate, fmt.Sprintf("%.4g/s", c.PresentRate))
	}
	return t.Write(w)
}
