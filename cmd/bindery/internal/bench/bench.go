// Package bench measures the gateway as its users meet it: redis-server, a
// gateway, a simulated carrier and the load each in a process of their own (the
// load is this one), all on this machine, so that what a message costs is told
// by process and nobody's cost is hidden. `bindery bench` calls it; it knows the
// gateway only by its HTTP API, its status stream and its /metrics.
//
// A run keeps three books that do not know of each other: what the API
// accepted, what the status stream told, and what the carrier wrote down. Lost
// and repeated are the differences between them.
//
// Concurrency: the senders and the reader of the stream are goroutines of one
// run; each writes its own columns of the ledger, by message, so that only
// counters are shared, and those are atomic. All are over when the run is. A
// bench that is killed leaves its children; one that is interrupted ends them.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
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
	Form          Form
	Connections   int             // 0: as suits the form
	Recipients    int             // of a batch
	Rate          float64         // messages a second; Full, Half
	ReceiptsAfter []time.Duration // a run for each
	Binds, Window int
	Fsync         string // of the AOF: always, everysec, no
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
	for _, d := range o.ReceiptsAfter {
		if d < 0 || d > time.Minute {
			return fmt.Errorf("--receipts-after: %s is not within 0s to 1m", d)
		}
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		return errors.New("redis-server is not in PATH: Debian has it as redis-server (./scripts/test installs it)")
	}
	return nil
}

func (o *Options) connections() int {
	switch {
	case o.Connections > 0:
		return o.Connections
	case o.Form == Single:
		return 64
	}
	return 4
}

// Run measures and answers a result a run, telling progress.
func Run(ctx context.Context, o Options, progress io.Writer) ([]*Result, error) {
	var results []*Result
	for _, after := range o.ReceiptsAfter {
		rate := o.Rate
		if rate == Half {
			rate = Full
		}
		for {
			r, err := measure(ctx, &o, after, rate, progress)
			if err != nil {
				return results, err
			}
			results = append(results, r)
			if o.Rate != Half || rate != Full {
				break
			}
			if rate = r.Completed / 2; rate < 1 {
				return results, fmt.Errorf("half of %.2f messages/s is too slow to measure", r.Completed)
			}
		}
	}
	return results, nil
}

// measure is one run on a fresh stack.
func measure(ctx context.Context, o *Options, after time.Duration, rate float64, progress io.Writer) (result *Result, err error) {
	s, err := startStack(ctx, o, after)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	r, err := newRun(o, s, rate, progress)
	if err != nil {
		return nil, err
	}
	if err := r.all(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err() // whatever was in the midst
		}
		return nil, s.explain(err)
	}
	return r.result(after)
}
