package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"bindery/cmd/bindery/internal/bench"
	"bindery/cmd/bindery/internal/bench/report"
	"bindery/cmd/bindery/internal/client"
)

// benching is what `bindery bench` was told.
type benching struct {
	o                     bench.Options
	single, ndjson, batch bool
	rate                  string
	json                  bool
	markdown, svg         string // files
}

func newBenchCommand() *cobra.Command {
	b := &benching{}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure it on this machine",
		Long: `Starts a redis-server (AOF on), a gateway and a simulated carrier, each a process
of its own in a directory of its own, loads them, and prints what came of it:
messages a second accepted, submitted and completed, latency, what a message
costs each process, what Redis did, and how many messages were lost or repeated.

A run holds three books against each other: what the API accepted, what the
status stream told, and what the carrier wrote down. There is a run for each
time of --receipts-after; the slower is the one to quote.

At full speed latency is that of a queue which is always full. --rate sends in an
open loop instead: each message has its moment, and its latency counts from that
moment even when its sender was held up (no coordinated omission). --rate half
first measures full speed, then runs at half of it.

Several forms are measured one after the other. --vs-kannel measures Kannel, too:
bearerbox and smsbox on the same carrier with the same text, sendsms in and
callbacks of final receipts out. It is measured as it comes ("default" in JSON:
one bind, 10 unanswered submit_sm, and a file store), which is slow, so give
--kannel-messages; and tuned (4 binds, 500 unanswered), with its file store and
in memory. How many times Bindery is of each is told in messages a second and in
the CPU of gateway and Redis beside that of bearerbox and smsbox.

Other measurements than that of a number of messages, one at a time:
--duration keeps sending and tells every 10 s what the processes hold; --backlog
fills a paused queue and drains it; --idle-latency sends each message when the one
before has its final; --busy-carriers sends to many carriers in turn and tells how
even; --idle-carriers sends nothing and tells what their binds cost.

Needs redis-server in PATH. Exit code 1 when Bindery lost or repeated a message.`,
		Example: `  bindery bench
  bindery bench --messages 300000 --rate half
  bindery bench --single --connections 128 --json > single.json
  bindery bench --batch --recipients 10000 --receipts-after 50ms
  bindery bench --ndjson --batch --single --vs-kannel --svg bench.svg --markdown bench.md
  bindery bench --duration 10m --history 2m --aof-rewrite 400 --receipts-after 50ms
  bindery bench --backlog 5000000 --receipts-after 0s
  bindery bench --priority mixed --messages 300000
  bindery bench --single --accounts 1000 --priority urgent
  bindery bench --single --keyed
  bindery bench --idle-carriers 200 --idle-binds 4
  bindery bench --rate 5000 --messages 50000 --fsync always --binds 4 --window 100`,
		Args: cobra.NoArgs,
		RunE: b.run,
	}
	f := cmd.Flags()
	f.IntVarP(&b.o.Messages, "messages", "n", 100_000, "messages of a run")
	f.BoolVar(&b.ndjson, "ndjson", false, "send lines of a few long requests (the default)")
	f.BoolVar(&b.single, "single", false, "send one message a request")
	f.BoolVar(&b.batch, "batch", false, "send one text to many recipients a request")
	f.IntVar(&b.o.Connections, "connections", 0, "of the load (default 64 with --single, 32 to Kannel, else 4)")
	f.IntVar(&b.o.Recipients, "recipients", 1000, "of a batch")
	f.StringVar(&b.rate, "rate", "full", "messages a second in an open loop, half, or full")
	f.DurationSliceVar(&b.o.ReceiptsAfter, "receipts-after", []time.Duration{0, 50 * time.Millisecond}, "from the response to the receipt, a run for each")
	f.IntVar(&b.o.Binds, "binds", 2, "of the carrier")
	f.IntVar(&b.o.Window, "window", 500, "unanswered submit_sm of a bind")
	f.StringVar(&b.o.Fsync, "fsync", "everysec", "of the AOF: always, everysec or no")
	f.IntVar(&b.o.Accounts, "accounts", 1, "that send, in turn")
	f.BoolVar(&b.o.Keyed, "keyed", false, "give each request of --single an Idempotency-Key")
	f.StringVar(&b.o.Priority, "priority", bench.Normal, "of the messages: normal, urgent, bulk, or mixed (bulk, and an urgent one every 5 ms)")
	f.DurationVar(&b.o.History, "history", 0, "for how long the gateway keeps ended messages (default its own, 24h)")
	f.IntVar(&b.o.AOFRewrite, "aof-rewrite", 0, "growth that lets Redis rewrite its AOF, in %, from 16 MiB on (default 400, from 64 MiB on)")
	f.DurationVar(&b.o.Duration, "duration", 0, "send for so long instead of --messages; with --idle-carriers, look on for so long (default 20s)")
	f.IntVar(&b.o.Backlog, "backlog", 0, "messages that fill a paused queue, which is then drained")
	f.BoolVar(&b.o.IdleLatency, "idle-latency", false, "send up to 200 messages one by one")
	f.IntVar(&b.o.BusyCarriers, "busy-carriers", 0, "carriers of --binds each that get the messages in turn")
	f.IntVar(&b.o.IdleCarriers, "idle-carriers", 0, "carriers that get nothing")
	f.IntVar(&b.o.IdleBinds, "idle-binds", 4, "of each of --idle-carriers")
	f.BoolVar(&b.o.Kannel, "vs-kannel", false, "measure Kannel beside it (Debian package kannel)")
	f.IntVar(&b.o.KannelMessages, "kannel-messages", 0, "messages of a run of Kannel (default those of --messages; as it comes at most 5,000)")
	f.BoolVar(&b.json, "json", false, "print JSON, for scripts")
	f.StringVar(&b.markdown, "markdown", "", "file that gets a table of the runs in Markdown")
	f.StringVar(&b.svg, "svg", "", "file that gets a picture of the runs")
	complete(cmd, "rate", "full", "half")
	complete(cmd, "fsync", "always", "everysec", "no")
	complete(cmd, "priority", bench.Normal, "urgent", bench.Bulk, bench.Mixed)
	return cmd
}

func (b *benching) run(cmd *cobra.Command, _ []string) error {
	if err := b.options(); err != nil {
		return err
	}
	out, failed := bench.Run(cmd.Context(), b.o, cmd.ErrOrStderr())
	if out == nil {
		return failed
	}
	write := report.Table
	if b.json {
		write = report.JSON
	}
	if err := errors.Join(failed, write(cmd.OutOrStdout(), out), b.save(b.markdown, out, report.Markdown), b.save(b.svg, out, report.SVG)); err != nil {
		return err
	}
	if w := report.Books(out.Runs); w.Lost+w.Repeated+w.ToldTwice+w.Other+w.Strange > 0 {
		return fmt.Errorf("the books differ: %d lost, %d repeated, %d told twice, %d ended otherwise, %d in one book only", w.Lost, w.Repeated, w.ToldTwice, w.Other, w.Strange)
	}
	return nil
}

func (b *benching) save(file string, out *bench.Outcome, write func(io.Writer, *bench.Outcome) error) error {
	if file == "" {
		return nil
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(write(f, out), f.Close())
}

func (b *benching) options() error {
	const next = "bindery bench --help"
	for _, f := range []struct {
		asked bool
		form  bench.Form
	}{{b.ndjson || !b.batch && !b.single, bench.NDJSON}, {b.batch, bench.Batch}, {b.single, bench.Single}} {
		if f.asked {
			b.o.Forms = append(b.o.Forms, f.form)
		}
	}
	switch b.rate {
	case "full":
		b.o.Rate = bench.Full
	case "half":
		b.o.Rate = bench.Half
	default:
		rate, err := strconv.ParseFloat(b.rate, 64)
		if err != nil || !(rate >= 1 && rate <= 1e6) {
			return client.Usage(next, "--rate: %q is none of full, half, or 1 to 1000000 messages a second", b.rate)
		}
		b.o.Rate = rate
	}
	for flag, file := range map[string]string{"markdown": b.markdown, "svg": b.svg} {
		dir := filepath.Dir(file)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return client.Usage(next, "--%s: %s is no directory", flag, dir) // said now, not after the runs
		}
	}
	if b.o.IdleCarriers > 0 && b.markdown+b.svg != "" {
		return client.Usage(next, "--idle-carriers: not with --markdown or --svg")
	}
	if err := b.o.Validate(); err != nil {
		return client.Usage(next, "%w", err)
	}
	var err error
	b.o.Self, err = self()
	return err
}

// self is this program's file. It is looked for by the name under which it was
// called, since a program may behave by its name.
func self() (string, error) {
	if path, err := exec.LookPath(os.Args[0]); err == nil {
		return path, nil
	}
	return os.Executable()
}
