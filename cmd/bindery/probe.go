package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"bindery/cmd/bindery/internal/client"
	"bindery/cmd/bindery/internal/probe"
	"bindery/cmd/bindery/internal/screen"
	"bindery/config"
	"bindery/gateway"
)

// probing is what `bindery probe` was told.
type probing struct {
	file    string
	address string
	json    bool
	hex     bool
	o       probe.Options
}

func newProbeCommand() *cobra.Command {
	p := &probing{o: probe.Options{Driver: "native"}}
	cmd := &cobra.Command{
		Use:   "probe CARRIER --config FILE",
		Short: "Try a carrier's link step by step: is it us or the carrier?",
		Long: `Takes a carrier's settings from the configuration and tries each of its
addresses: resolve, connect, TLS, bind, enquire_link, unbind; with --to also one
submit_sm and its receipt. Each step has a line with its time; one that failed
says what that means and what to do next. It needs no Redis and no running
gateway, and exits with 0 when all is well, 1 when a step failed, 2 when it was
called wrongly.

A probe's bind comes on top of those of running gateways. Carriers count it, the
gateways' bind slots do not: where they already hold all that the account has,
the probe is refused (ESME_RALYBND). What the carrier delivers to the probe
besides the receipt of its own message is answered ESME_RX_T_APPN, so that it is
repeated to the gateway. With --to a real message is sent, and charged.

--driver go-smpp speaks SMPP by an independent codec instead of the gateway's own
session: if both fail alike, it is not us. Passwords are never shown, not by
--hex either.`,
		Example: `  bindery probe alpha --config bindery.yaml
  bindery probe alpha --config bindery.yaml --driver go-smpp
  bindery probe alpha --config bindery.yaml --to +821012345678 --from 1544 --wait 2m
  bindery probe alpha --config bindery.yaml --address smsc2.example:2775 --hex
  bindery probe alpha --config bindery.yaml --json | jq '.addresses[].steps[] | select(.ok | not)'`,
		Args: exactlyOne("carrier"),
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			return p.check(cmd.Flags().Changed)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.run(cmd.Context(), args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	configFlag(cmd, &p.file)
	f.StringVar(&p.o.Driver, "driver", p.o.Driver, "who speaks SMPP: "+strings.Join(probe.Drivers, ", "))
	f.StringVar(&p.address, "address", "", "host:port to try instead of the configured ones")
	f.DurationVar(&p.o.Timeout, "timeout", 10*time.Second, "of each step")
	f.StringVar(&p.o.To, "to", "", "recipient of a message, as in +821012345678; empty: none is sent")
	f.StringVar(&p.o.From, "from", "", "its sender; empty: the carrier's choice")
	f.StringVar(&p.o.Text, "text", "bindery probe", "its text, one part")
	f.DurationVar(&p.o.Wait, "wait", 30*time.Second, "for its receipt; 0: it is not waited for")
	f.BoolVar(&p.hex, "hex", false, "print each PDU as it goes over the wire")
	f.BoolVar(&p.json, "json", false, "one JSON object for scripts; --hex then goes to stderr")
	complete(cmd, "driver", probe.Drivers...)
	for _, anything := range []string{"address", "timeout", "to", "from", "text", "wait"} {
		complete(cmd, anything)
	}
	cmd.ValidArgsFunction = p.completeCarrier
	return cmd
}

func exactlyOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return client.Usage(cmd.UseLine(), "want one %s, got %d", what, len(args))
		}
		return nil
	}
}

// completeCarrier offers the carriers of the configuration that is named.
func (p *probing) completeCarrier(_ *cobra.Command, args []string, _ string) (ids []string, _ cobra.ShellCompDirective) {
	cfg, err := config.Load(p.file)
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for i := range cfg.Carriers {
		if cfg.Carriers[i].Accept == nil {
			ids = append(ids, cfg.Carriers[i].ID)
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

var recipient = regexp.MustCompile(`^\+?[0-9]{3,20}$`)

// check finds what single flags cannot.
func (p *probing) check(changed func(string) bool) error {
	if err := configGiven(p.file); err != nil {
		return err
	}
	o := &p.o
	if !slices.Contains(probe.Drivers, o.Driver) {
		return fmt.Errorf("--driver: %q is none of %s", o.Driver, strings.Join(probe.Drivers, ", "))
	}
	if o.Timeout <= 0 || o.Wait < 0 {
		return fmt.Errorf("--timeout, --wait: %v, %v: below what makes sense", o.Timeout, o.Wait)
	}
	if p.address != "" {
		if _, port, err := net.SplitHostPort(p.address); err != nil || port == "" {
			return fmt.Errorf("--address: %q is not host:port", p.address)
		}
	}
	if o.To != "" && !recipient.MatchString(o.To) {
		return fmt.Errorf("--to: %q is no number such as +821012345678", o.To)
	}
	for _, name := range []string{"from", "text", "wait"} {
		if o.To == "" && changed(name) {
			return fmt.Errorf("--%s: is for a message, and --to is missing", name)
		}
	}
	return nil
}

func (p *probing) run(ctx context.Context, id string, out, errs io.Writer) error {
	cfg, err := loadConfig(errs, p.file)
	if err != nil {
		return err
	}
	c, err := dialled(cfg, id)
	if err != nil {
		fmt.Fprintf(errs, "bindery: %v\n", err)
		return exitError(exitUsage)
	}
	if p.o.Link, err = gateway.LinkTo(*c); err != nil {
		return err
	}
	p.o.Carrier, p.o.Addresses = c.ID, c.Addresses
	if p.address != "" {
		p.o.Addresses = []string{p.address}
	}
	r, err := p.tell(ctx, out, errs)
	if err == nil && !r.OK {
		err = exitError(exitFailed)
	}
	return err
}

// dialled is the carrier named id, which is one that we connect to.
func dialled(cfg *config.Config, id string) (*config.Carrier, error) {
	var known []string
	for i := range cfg.Carriers {
		c := &cfg.Carriers[i]
		if c.ID == id && c.Accept != nil {
			return nil, fmt.Errorf("carrier %s binds to us: there is nothing to connect to", id)
		}
		if c.ID == id {
			return c, nil
		}
		known = append(known, c.ID)
	}
	return nil, fmt.Errorf("no carrier %q in the configuration; it has: %s", id, strings.Join(known, ", "))
}

// tell runs the probe and prints it.
func (p *probing) tell(ctx context.Context, out, errs io.Writer) (probe.Report, error) {
	v := &probeView{w: out, marks: [2]string{"FAILED", "ok"}}
	if screen.New(out).Live() {
		v.marks = [2]string{"✗", "✓"}
	}
	if p.hex {
		p.o.PDU = v.pdu
	}
	if p.json {
		v.w = errs
		r, err := probe.Run(ctx, p.o)
		if err != nil {
			return r, err
		}
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return r, enc.Encode(r)
	}
	p.o.Began, p.o.Ended = v.began, v.step
	v.printf("probe of %s, driver %s\nnote: %s\n", p.o.Carrier, p.o.Driver, probe.Note)
	r, err := probe.Run(ctx, p.o)
	if len(r.Notes) > 0 {
		for _, n := range r.Notes[1:] { // the first is out
			v.printf("note: %s\n", n)
		}
	}
	return r, err
}

// probeView prints a probe for people, while it runs.
type probeView struct {
	mu    sync.Mutex // guards w: PDUs come from the sessions
	w     io.Writer
	marks [2]string // failed, ok
}

func (v *probeView) printf(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	fmt.Fprintf(v.w, format, args...)
}

func (v *probeView) began(address string) { v.printf("%s\n", address) }

func (v *probeView) pdu(f probe.Frame) { v.printf("      %s\n", probe.Hex(f)) }

func (v *probeView) step(s probe.Step) {
	mark, name := v.marks[1], s.Name
	if !s.OK {
		mark = v.marks[0]
	}
	if s.Bind != "" && s.Bind != "transceiver" {
		name += " " + s.Bind
	}
	v.printf("  %-6s %-25s %9.1f ms  %s\n", mark, name, s.TookMS, screen.Clean(s.Detail))
	if s.Note != "" {
		v.printf("         note:  %s\n", screen.Clean(s.Note))
	}
	if s.Fault != nil {
		v.printf("         means: %s\n         next:  %s\n", screen.Clean(s.Means), screen.Clean(s.Next))
	}
}
