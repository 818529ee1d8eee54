package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// simulation is what `bindery simulate` was told.
type simulation struct {
	smsc     smsctest.Options
	listen   string
	cert     string
	key      string
	duration time.Duration
	quiet    bool
	json     bool
	record   string // file
}

func newSimulateCommand() *cobra.Command {
	sim := &simulation{listen: "127.0.0.1:2776"}
	sim.smsc.Name = "simulator"
	sim.smsc.Record.Mode = smsctest.RecordOff
	sim.smsc.Receipts.When = smsctest.After
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Run a simulated carrier (SMSC)",
		Long: `Run a simulated carrier: an SMSC that takes binds and submit_sm, gives ids and
sends delivery receipts, and that misbehaves as real ones do. Once it listens it
says so on stdout; counts go to stderr, a line a second, until Ctrl-C.

Durations are "20ms" or a range, "20ms..80ms". Shares are 0..1. Statuses are
numbers as in SMPP 3.4 §5.1.3, "0x58" or "88".`,
		Example: `  # a friendly carrier: answers at once, reports as soon as it has answered
  bindery simulate

  # ids in hex, receipts that name them in padded decimal, on whichever bind
  bindery simulate --ids hex --receipt-ids padded --receipt-bind any --receipt-delay 1s..5s

  # 200 a second at most, a window of 10, every fiftieth answer lost
  bindery simulate --rate 200 --window 10 --window-status 0x58 --latency 20ms..80ms --drop 0.02

  # queue full for 1 %, unknown numbers for 2 %; 5 % undelivered, 1 % expired
  bindery simulate --errors 0x14=0.01,0x0B=0.02 --states undelivered=0.05,expired=0.01

  # receipts that overtake their response, three times each
  bindery simulate --receipts before --receipt-repeat 2

  # a link that dies after every thousand messages
  bindery simulate --cut-after 1000`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return sim.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	sim.flags(cmd.Flags())
	return cmd
}

func (sim *simulation) run(ctx context.Context, out, errs io.Writer) error {
	if err := sim.check(); err != nil {
		return err
	}
	l, err := sim.listener()
	if err != nil {
		return err
	}
	keep, err := sim.keepRecord()
	if err != nil {
		return err
	}
	s := smsctest.New(sim.smsc)
	defer s.Close() //nolint:errcheck // the process ends with it
	if err := s.Serve(l); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "listening on %s\n", l.Addr()); err != nil {
		return err
	}
	if sim.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, sim.duration)
		defer cancel()
	}
	sim.watch(ctx, s, errs)
	totals := s.Stats()
	_ = s.Close() // whoever is bound is told by the connection
	if err := keep(); err != nil {
		return err
	}
	if sim.json {
		return json.NewEncoder(out).Encode(summary(totals))
	}
	return nil
}

// keepRecord collects the destinations of what comes through throttle and
// window; keep writes them. It is asked under the SMSC's lock, and only read
// when that is closed.
func (sim *simulation) keepRecord() (keep func() error, err error) {
	if sim.record == "" {
		return func() error { return nil }, nil
	}
	f, err := os.OpenFile(sim.record, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--record: %w", err)
	}
	var book []byte
	sim.smsc.Answers.Decide = func(dest []byte) pdu.CommandStatus {
		book = append(append(book, dest...), '\n')
		return pdu.StatusOK
	}
	return func() error {
		_, err := f.Write(book)
		return errors.Join(err, f.Close())
	}, nil
}

func (sim *simulation) listener() (net.Listener, error) {
	if sim.cert == "" && sim.key == "" {
		return net.Listen("tcp", sim.listen)
	}
	pair, err := tls.LoadX509KeyPair(sim.cert, sim.key)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	return tls.Listen("tcp", sim.listen, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
}

// watch prints counts until ctx is over: a line that stays in its place on a
// terminal, else one line after another, only when something has changed.
func (sim *simulation) watch(ctx context.Context, s *smsctest.SMSC, w io.Writer) {
	f, ok := w.(interface{ Fd() uintptr })
	terminal := ok && term.IsTerminal(int(f.Fd()))
	beat := time.NewTicker(time.Second)
	defer beat.Stop()
	shown := ""
	for {
		select {
		case <-ctx.Done():
			if !sim.quiet {
				sim.print(w, terminal, countLine(s.Stats()), "\n")
			}
			return
		case <-beat.C:
		}
		if line := countLine(s.Stats()); line != shown && !sim.quiet {
			shown = line
			end := "\n"
			if terminal {
				end = ""
			}
			sim.print(w, terminal, line, end)
		}
	}
}

// print ignores errors: counts that nobody can read are no reason to end.
func (sim *simulation) print(w io.Writer, terminal bool, line, end string) {
	if terminal {
		line = "\r\x1b[K" + line // back to the start, clear the line
	}
	_, _ = io.WriteString(w, line+end)
}

func countLine(st smsctest.Stats) string {
	return fmt.Sprintf("binds %d  submits %d (%d/s)  ok %d  throttled %d  errors %d  unanswered %d  receipts %d  acked %d  waiting %d  window %d",
		st.Bound, st.Submits, st.PerSecond, st.ByStatus[pdu.StatusOK], st.ByStatus[pdu.StatusThrottled], refusals(st),
		st.Dropped+st.Lost, st.Receipts, st.Acked, st.Waiting+st.Unacked, st.MaxWindow)
}

func refusals(st smsctest.Stats) (n uint64) {
	for status, k := range st.ByStatus {
		if status != pdu.StatusOK && status != pdu.StatusThrottled {
			n += k
		}
	}
	return n
}

// summary is the object that --json prints, with names in the API's case.
func summary(st smsctest.Stats) map[string]any {
	byStatus := map[string]uint64{}
	for status, n := range st.ByStatus {
		byStatus[fmt.Sprintf("0x%02X", uint32(status))] = n
	}
	return map[string]any{
		"submits": st.Submits, "taken": st.Taken, "unanswered": st.Dropped, "lost": st.Lost, "by_status": byStatus,
		"receipts": st.Receipts, "acked": st.Acked, "redelivered": st.Redelivered, "receipts_waiting": st.Waiting + st.Unacked,
		"binds": st.Binds, "binds_refused": st.Refused, "max_window": st.MaxWindow, "max_per_second": st.MaxPerSecond,
		"window_violations": st.Violations, "malformed": st.Malformed, "unknown": st.Unknown,
	}
}
