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
	"strconv"
	"time"

	"bindery/cmd/bindery/internal/client"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"

	"github.com/spf13/cobra"
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

func newSimulation() *simulation {
	sim := &simulation{listen: "127.0.0.1:2776"}
	sim.smsc.Name = "simulator"
	sim.smsc.Record.Mode = smsctest.RecordOff
	sim.smsc.Receipts.When = smsctest.After
	return sim
}

func newSimulateCommand() *cobra.Command {
	sim := newSimulation()
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Run a simulated carrier (SMSC)",
		Long: `Run a simulated carrier: an SMSC that takes binds and submit_sm, gives ids and
sends delivery receipts, and that misbehaves as real ones do. Once it listens it
says so on stdout; counts go to stderr, on a terminal in one line that stays in
its place, else a line a second while something changes. Ctrl-C, SIGTERM or
--duration end it with a tally.

It is for trying a gateway against a carrier that you do not have: before the
first real bind, or to see what becomes of messages when a carrier loses answers,
throttles, or reports late. --record and --json are for scripts.

Durations are "20ms" or a range, "20ms..80ms". Shares are 0..1. Statuses are
numbers as in SMPP 3.4 §5.1.3, "0x58" or "88". "a bind" is one connection that is
bound; counts of octets are those of a connection.

Exit code: 0 ended as asked; 2 wrong flags, an address that is taken, or a file
that cannot be read or written.`,
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
  bindery simulate --cut-after 1000

  # TLS, one account, two binds at most
  bindery simulate --listen 127.0.0.1:3550 --tls-cert server.pem --tls-key server.key --system-id acme --password sesame --max-binds 2

  # for a script: ten seconds, then the totals as JSON
  bindery simulate --duration 10s --quiet --json`,
		Args: noArguments(""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := sim.check(cmd.Flags()); err != nil {
				return err
			}
			return sim.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	sim.flags(cmd.Flags())
	sim.complete(cmd)
	return cmd
}

func (sim *simulation) run(ctx context.Context, out, errs io.Writer) error {
	sim.smsc.Link.Faults.Reset = sim.smsc.Link.Reset
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
	began := time.Now()
	sim.watch(ctx, s, errs)
	totals := s.Stats()
	if !sim.quiet {
		tally(errs, totals, time.Since(began))
	}
	_ = s.Close() // whoever is bound is told by the connection
	if err := keep(); err != nil {
		return err
	}
	if sim.json {
		return json.NewEncoder(out).Encode(summary(totals))
	}
	return nil
}

// keepRecord collects destination and moment of what comes through throttle and
// window, and writes them in pieces; keep writes the rest. It is asked under the
// SMSC's lock, and only read when that is closed.
func (sim *simulation) keepRecord() (keep func() error, err error) {
	if sim.record == "" {
		return func() error { return nil }, nil
	}
	f, err := os.OpenFile(sim.record, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, client.Usage("a file that can be written", "--record: %w", err)
	}
	const piece = 64 << 10
	var failed error
	book := make([]byte, 0, piece+100)
	write := func() {
		if _, err := f.Write(book); failed == nil {
			failed = err
		}
		book = book[:0]
	}
	sim.smsc.Answers.Decide = func(dest []byte) pdu.CommandStatus {
		book = append(strconv.AppendInt(append(append(book, dest...), ' '), time.Now().UnixNano(), 10), '\n')
		if len(book) >= piece {
			write()
		}
		return pdu.StatusOK
	}
	return func() error {
		write()
		return errors.Join(failed, f.Close())
	}, nil
}

func (sim *simulation) listener() (net.Listener, error) {
	var pair tls.Certificate
	if sim.cert != "" {
		var err error
		if pair, err = tls.LoadX509KeyPair(sim.cert, sim.key); err != nil {
			return nil, client.Usage("two PEM files that belong together", "--tls-cert, --tls-key: %w", err)
		}
	}
	l, err := net.Listen("tcp", sim.listen)
	if err != nil {
		return nil, client.Usage("another address; port 0 takes a free one and says which", "--listen: %w", err)
	}
	if sim.cert == "" {
		return l, nil
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}), nil
}
