// Package bench measures the gateway as its users meet it: redis-server, a
// gateway, a simulated carrier and the load each in a process of their own (the
// load is this one), all on this machine, so that what a message costs is told
// by process and nobody's cost is hidden. `bindery bench` calls it; it knows the
// gateway only by its HTTP API, its status stream and its /metrics. Kannel is
// measured in the same way: bearerbox and smsbox in the places of gateway and
// Redis, HTTP sendsms in, callbacks (dlr-url) out.
//
// A run keeps three books that do not know of each other: what the API
// accepted, what the status stream (the callbacks) told, and what the carrier
// wrote down. Lost and repeated are the differences between them.
//
// Concurrency: the senders and who follows (one reader of the stream; Kannel's
// callbacks, under a mutex) are goroutines of one run; each side writes its own
// columns of the ledger, by message, so that only counters are shared, and those
// are atomic. All are over when the run is. A bench that is killed leaves its
// children; one that is interrupted ends them.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"bindery/cmd/bindery/internal/bench/child"
)

// Form is how messages are sent.
type Form string

// The three forms of a send.
const (
	Single Form = "single" // one JSON object a request
	NDJSON Form = "ndjson" // lines of a few long requests
	Batch  Form = "batch"  // one text, many recipients a request
)

// Rates that are no number.
const (
	Full = 0  // as fast as it is taken
	Half = -1 // a run at full speed, then one at half of what it reached
)

// Options say what is measured.
type Options struct {
	Self          string // this program, for the gateway and the carrier
	Messages      int    // of a run
	Forms         []Form
	Connections   int             // 0: as suits the form
	Recipients    int             // of a batch
	Rate          float64         // messages a second; Full, Half
	ReceiptsAfter []time.Duration // a run for each
	Binds, Window int
	Fsync         string // of the AOF: always, everysec, no

	Kannel         bool // beside it
	KannelMessages int  // 0: as many
}

// Validate tells what cannot be measured.
func (o *Options) Validate() error {
	switch {
	case o.Messages < 100 || o.Messages > 10_000_000:
		return fmt.Errorf("--messages: %d is not within 100 to 10000000", o.Messages)
	case o.Connections < 0 || o.Connections > 1000:
		return fmt.Errorf("--connections: %d is not within 0 to 1000", o.Connections)
	case o.Recipients < 1 || o.Recipients > 10_000:
		return fmt.Errorf("--recipients: %d is not within 1 to 10000", o.Recipients)
	case o.Binds < 1 || o.Binds > 100:
		return fmt.Errorf("--binds: %d is not within 1 to 100", o.Binds)
	case o.Window < 1 || o.Window > 10_000:
		return fmt.Errorf("--window: %d is not within 1 to 10000", o.Window)
	case o.Fsync != "always" && o.Fsync != "everysec" && o.Fsync != "no":
		return fmt.Errorf("--fsync: %q is none of always, everysec, no", o.Fsync)
	case len(o.ReceiptsAfter) == 0:
		return errors.New("--receipts-after: no time is given")
	}
	if o.KannelMessages != 0 && !o.Kannel {
		return errors.New("--kannel-messages: goes with --vs-kannel")
	}
	if o.KannelMessages != 0 && (o.KannelMessages < 100 || o.KannelMessages > 10_000_000) {
		return fmt.Errorf("--kannel-messages: %d is not within 100 to 10000000", o.KannelMessages)
	}
	for _, d := range o.ReceiptsAfter {
		if d < 0 || d > time.Minute {
			return fmt.Errorf("--receipts-after: %s is not within 0s to 1m", d)
		}
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		return errors.New("redis-server is not in PATH: Debian has it as redis-server (./scripts/test installs it)")
	}
	if o.Kannel {
		_, _, err := kannelPrograms()
		return err
	}
	return nil
}

func (o *Options) connections(f Form) int {
	switch {
	case o.Connections > 0:
		return o.Connections
	case f == Single:
		return 64
	}
	return 4
}

// Outcome is what a bench found.
type Outcome struct {
	Machine child.Machine
	Runs    []*Result // of Bindery: forms, within them receipts, within them rates
	Kannel  []*Result // the same of its variants; nil: not asked for
}

// Run measures, telling progress. When Kannel fails there is an outcome without
// it beside the error.
func Run(ctx context.Context, o Options, progress io.Writer) (*Outcome, error) {
	out := &Outcome{}
	for _, form := range o.Forms {
		more, err := o.each(func(after time.Duration, rate float64) (*Result, error) {
			return measure(ctx, &o, form, after, rate, progress)
		})
		if err != nil {
			return nil, err
		}
		out.Runs = append(out.Runs, more...)
	}
	var bearerbox string
	var err error
	if o.Kannel {
		bearerbox, err = out.beside(ctx, &o, progress)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	out.Machine = child.ThisMachine(bearerbox)
	return out, err
}

// beside measures Kannel.
func (out *Outcome) beside(ctx context.Context, o *Options, progress io.Writer) (bearerbox string, err error) {
	bearerbox, smsbox, err := kannelPrograms()
	if err != nil {
		return "", err
	}
	for _, variant := range Variants {
		more, err := o.each(func(after time.Duration, rate float64) (*Result, error) {
			return measureKannel(ctx, o, &kannel{bearerboxFile: bearerbox, smsboxFile: smsbox, variant: variant}, after, rate, progress)
		})
		if err != nil {
			return bearerbox, err
		}
		out.Kannel = append(out.Kannel, more...)
	}
	return bearerbox, nil
}

// each measures each time of receipts at each rate.
func (o *Options) each(one func(after time.Duration, rate float64) (*Result, error)) (results []*Result, err error) {
	for _, after := range o.ReceiptsAfter {
		rate := o.Rate
		if rate == Half {
			rate = Full
		}
		for {
			r, err := one(after, rate)
			if err != nil {
				return nil, err
			}
			r.ReceiptsAfter = after.Seconds()
			results = append(results, r)
			if o.Rate != Half || rate != Full {
				break
			}
			if rate = r.Completed / 2; rate < 1 {
				return nil, fmt.Errorf("half of %.2f messages/s is too slow to measure", r.Completed)
			}
		}
	}
	return results, nil
}

// measure is one run on a fresh stack.
func measure(ctx context.Context, o *Options, form Form, after time.Duration, rate float64, progress io.Writer) (x *Result, err error) {
	s, err := startStack(ctx, o, form, after)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	more := o.held() + o.logged(form)
	r := newRun(s, o.Messages, more+o.held(), o.connections(form), rate, progress)
	r.prepare = func(ctx context.Context) error { return s.weighQueued(ctx, r) }
	r.weigh = func(ctx context.Context) error { return errors.Join(s.splitScripts(ctx, r), s.weighLive(ctx, r)) }
	if err := r.all(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err() // whatever was in the midst
		}
		return nil, s.explain(err)
	}
	if err := s.closeBooks(); err != nil {
		return nil, err
	}
	if x, err = r.result(s.record, o.Messages+warmMessages+more); err != nil {
		return nil, err
	}
	x.Form, x.Binds, x.Window, x.Fsync = form, o.Binds, o.Window, o.Fsync
	s.weights.Ended = float64(r.after.memory-r.before.memory) / float64(o.Messages)
	s.weights.AOF = float64(r.after.aof-r.before.aof) / float64(o.Messages)
	x.Redis = &Redis{s.weights, r.commands(), s.scripts}
	return x, nil
}
