// Package bench measures the gateway as its users meet it: redis-server, a
// gateway, a simulated carrier and the load each in a process of their own (the
// load is this one), all on this machine, so that what a message costs is told
// by process and nobody's cost is hidden. `bindery bench` calls it; it knows the
// gateway only by its HTTP API, its status stream and its /metrics. Kannel is
// measured in the same way: bearerbox and smsbox in the places of gateway and
// Redis, HTTP sendsms in, callbacks (dlr-url) out.
//
// A run keeps three books that do not know of each other (package ledger). Lost
// and repeated are the differences between them.
//
// Concurrency: the senders and who follows (one reader of the streams; Kannel's
// callbacks, under a mutex) are goroutines of one run; a soak has one more, which
// reads the carrier's record while it is written. They meet in the ledger. All
// are over when the run is. A bench that is killed leaves its
// children; one that is interrupted ends them.
package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"

	"bindery/cmd/bindery/internal/bench/child"
	"bindery/cmd/bindery/internal/bench/ledger"
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

	Accounts   int           // that send, in turn
	Keyed      bool          // each request of a single message has an Idempotency-Key
	Priority   string        // of the messages: normal, urgent, bulk, mixed
	History    time.Duration // that the gateway keeps; 0: its own default
	AOFRewrite int           // growth that lets the AOF be rewritten, %; 0: 400, and not in a short run

	// At most one of these is measured instead of sending a number of messages;
	// with IdleCarriers the duration is for how long they are looked at.
	Duration     time.Duration // sends for so long
	Backlog      int           // fills a queue with so many first
	IdleLatency  bool          // sends one by one
	BusyCarriers int           // sends to so many
	IdleCarriers int           // sends nothing to so many
	IdleBinds    int           // of each of them

	Kannel         bool // beside it
	KannelMessages int  // 0: as many
}

// Validate tells what cannot be measured.
func (o *Options) Validate() error {
	for _, n := range []struct {
		flag            string
		value, from, to int
	}{
		{"messages", o.Messages, 100, 10_000_000},
		{"connections", o.Connections, 0, 1000},
		{"recipients", o.Recipients, 1, 10_000},
		{"binds", o.Binds, 1, 100},
		{"window", o.Window, 1, 10_000},
		{"accounts", o.Accounts, 1, 10_000},
		{"aof-rewrite", o.AOFRewrite, 0, 10_000},
		{"backlog", o.Backlog, 0, 20_000_000},
		{"busy-carriers", o.BusyCarriers, 0, ledger.FanMost},
		{"idle-carriers", o.IdleCarriers, 0, 1000},
		{"idle-binds", o.IdleBinds, 1, 100},
	} {
		if n.value < n.from || n.value > n.to {
			return fmt.Errorf("--%s: %d is not within %d to %d", n.flag, n.value, n.from, n.to)
		}
	}
	if !slices.Contains([]string{"always", "everysec", "no"}, o.Fsync) {
		return fmt.Errorf("--fsync: %q is none of always, everysec, no", o.Fsync)
	}
	if !slices.Contains([]string{Normal, urgent, Bulk, Mixed}, o.Priority) {
		return fmt.Errorf("--priority: %q is none of normal, urgent, bulk, mixed", o.Priority)
	}
	if o.Keyed && slices.ContainsFunc(o.Forms, func(f Form) bool { return f != Single }) {
		return errors.New("--keyed: goes with --single")
	}
	if err := cmp.Or(o.validateTimes(), o.validateScenario(), o.validateKannel()); err != nil {
		return err
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		return errors.New("redis-server is not in PATH: Debian has it as redis-server (./scripts/test installs it)")
	}
	return nil
}

func (o *Options) validateTimes() error {
	if len(o.ReceiptsAfter) == 0 {
		return errors.New("--receipts-after: no time is given")
	}
	for _, d := range o.ReceiptsAfter {
		if d < 0 || d > time.Minute {
			return fmt.Errorf("--receipts-after: %s is not within 0s to 1m", d)
		}
	}
	if d := o.History; d != 0 && (d < 2*time.Minute || d > 720*time.Hour) {
		return fmt.Errorf("--history: %s is not within 2m to 720h", d)
	}
	if d := o.Duration; d != 0 && (d < 5*time.Second || d > 24*time.Hour) {
		return fmt.Errorf("--duration: %s is not within 5s to 24h", d)
	}
	return nil
}

func (o *Options) validateScenario() error {
	var asked []string
	for name, is := range map[string]bool{"--duration": o.Duration > 0 && o.IdleCarriers == 0, "--backlog": o.Backlog > 0,
		"--idle-latency": o.IdleLatency, "--busy-carriers": o.BusyCarriers > 0, "--idle-carriers": o.IdleCarriers > 0} {
		if is {
			asked = append(asked, name)
		}
	}
	slices.Sort(asked)
	switch {
	case len(asked) > 1:
		return fmt.Errorf("%s: one at a time", strings.Join(asked, ", "))
	case len(asked) == 0:
		return nil
	case o.Kannel:
		return fmt.Errorf("%s: not with --vs-kannel", asked[0])
	case o.Priority == Mixed:
		return fmt.Errorf("%s: not with --priority mixed", asked[0])
	case o.Rate == Half, o.Rate != Full && o.Duration == 0 && o.BusyCarriers == 0:
		return fmt.Errorf("%s: not with --rate", asked[0])
	case o.Backlog > 0 && o.Backlog < 100:
		return fmt.Errorf("--backlog: %d is not within 100 to 20000000", o.Backlog)
	case o.BusyCarriers > 0 && o.Messages/o.BusyCarriers >= ledger.FanEach:
		return fmt.Errorf("--messages: %d are more than %d a carrier", o.Messages, ledger.FanEach-1)
	}
	return nil
}

func (o *Options) validateKannel() error {
	switch {
	case !o.Kannel && o.KannelMessages != 0:
		return errors.New("--kannel-messages: goes with --vs-kannel")
	case o.KannelMessages != 0 && (o.KannelMessages < 100 || o.KannelMessages > 10_000_000):
		return fmt.Errorf("--kannel-messages: %d is not within 100 to 10000000", o.KannelMessages)
	case o.Kannel && (o.Priority == Mixed || o.Accounts > 1):
		return errors.New("--vs-kannel: not with --priority mixed, nor with --accounts")
	case o.Kannel:
		_, _, err := kannelPrograms()
		return err
	}
	return nil
}

// soaks says whether a run has no number of messages.
func (o *Options) soaks() bool { return o.Duration > 0 && o.IdleCarriers == 0 }

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
	Idle    *Idle     // instead of runs; nil: not asked for
}

// Run measures, telling progress. When Kannel fails there is an outcome without
// it beside the error.
func Run(ctx context.Context, o Options, progress io.Writer) (*Outcome, error) {
	out := &Outcome{}
	if o.IdleCarriers > 0 {
		var err error
		if out.Idle, err = measureIdle(ctx, &o); err != nil {
			return nil, err
		}
		out.Machine = child.ThisMachine("")
		return out, nil
	}
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
	r, counted := s.plan(rate, progress)
	if o.Accounts > 1 {
		r.special.Accounts = o.Accounts
	}
	r.special.Keyed = o.Keyed
	if o.Priority != Normal {
		r.special.Priority = o.Priority
	}
	if err := r.all(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err() // whatever was in the midst
		}
		return nil, s.explain(err)
	}
	if err := s.closeBooks(r.l); err != nil {
		return nil, err
	}
	if x, err = r.result(counted); err != nil {
		return nil, err
	}
	x.Form, x.Binds, x.Window, x.Fsync = form, o.Binds, o.Window, o.Fsync
	if !r.special.Scenario() {
		s.weights.Ended = weight(r.after.memory-r.before.memory, o.Messages)
		s.weights.AOF = float64(r.after.aof-r.before.aof) / float64(o.Messages)
	}
	x.Redis = &Redis{s.weights, r.commands(), s.scripts}
	return x, nil
}

// plan is the run that was asked for, and how many messages of it are in the
// books.
func (s *stack) plan(rate float64, progress io.Writer) (r *run, counted int) {
	o := s.o
	switch {
	case o.Duration > 0:
		r = s.soak(rate, progress)
	case o.Backlog > 0:
		r = s.backlog(progress)
	case o.IdleLatency:
		r = s.oneByOne(progress)
	case o.BusyCarriers > 0:
		r = s.busy(rate, progress)
	default:
		return s.usual(rate, progress)
	}
	return r, r.l.Size()
}

// usual sends a number of messages, and finds what they weigh before and after.
func (s *stack) usual(rate float64, progress io.Writer) (r *run, counted int) {
	o, urgents := s.o, 0
	if o.Priority == Mixed {
		urgents = urgentMost
	}
	counted = o.Messages + urgents + warmMessages + o.held() + o.logged(s.form)
	r = newRun(s, ledger.New(counted+o.held(), 1), o.Messages, o.connections(s.form), rate, progress)
	r.next += urgents
	if urgents > 0 {
		r.main = func(ctx context.Context) error { return s.mixed(ctx, r, o.Messages) }
	}
	r.prepare = func(ctx context.Context) error { return s.weighQueued(ctx, r) }
	r.weigh = func(ctx context.Context) error { return errors.Join(s.splitScripts(ctx, r), s.weighLive(ctx, r)) }
	return r, counted
}
