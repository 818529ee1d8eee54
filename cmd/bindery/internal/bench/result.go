package bench

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"bindery/cmd/bindery/internal/bench/ledger"
)

// Result is what a run found; its JSON is what `bindery bench --json` prints.
type Result struct {
	Form          Form    `json:"form"`
	Kannel        Variant `json:"kannel_variant,omitempty"` // empty: Bindery
	Messages      int     `json:"messages"`
	Rate          float64 `json:"rate"` // planned, a second; 0: as fast as it goes
	ReceiptsAfter float64 `json:"receipts_after_seconds"`
	Connections   int     `json:"connections"`
	Binds         int     `json:"binds"`
	Window        int     `json:"window"`
	Fsync         string  `json:"appendfsync,omitempty"`

	Accepted  float64 `json:"accepted_per_second"`
	Submitted float64 `json:"submitted_per_second"`
	Completed float64 `json:"completed_per_second"`
	Books
	Accept  Quantiles          `json:"accept_seconds"`  // from the planned moment to the answer
	Added   Quantiles          `json:"added_seconds"`   // from the answer until the carrier reads the submit_sm
	Latency Quantiles          `json:"latency_seconds"` // from the planned moment to the final
	CPU     map[string]float64 `json:"cpu_us_per_message"`
	Peak    map[string]int64   `json:"peak_memory_bytes"` // of a process, resident, since its start
	Allocs  float64            `json:"gateway_allocations_per_message,omitempty"`
	Busy    float64            `json:"machine_busy"`        // share of all cores, all processes of the run
	Others  float64            `json:"machine_busy_others"` // what others took of the machine meanwhile

	*Redis
	Special
	Notes []string `json:"notes,omitempty"`
}

// Special is how a run of ours differs from the usual one, and what it found.
type Special struct {
	Accounts int      `json:"accounts,omitempty"`
	Keyed    bool     `json:"keyed,omitempty"`
	Priority string   `json:"priority,omitempty"`
	Urgent   *Urgent  `json:"urgent,omitempty"`
	Soak     *Soak    `json:"soak,omitempty"`
	Backlog  *Backlog `json:"backlog,omitempty"`
	Fair     *Fair    `json:"carriers,omitempty"`
	Each     bool     `json:"one_by_one,omitempty"` // each message after the final of the one before
}

// Scenario says whether it is another than that of sending a number of messages.
func (s *Special) Scenario() bool {
	return s.Soak != nil || s.Backlog != nil || s.Fair != nil || s.Each
}

// Redis is what a run of ours found out about its Redis.
type Redis struct {
	Weights
	Commands []CommandStats `json:"redis_commands"`
	Scripts  []ScriptStats  `json:"redis_scripts"`
}

// Quantiles are in seconds, Books the differences between the three.
type (
	Quantiles = ledger.Quantiles
	Books     = ledger.Books
)

// CommandStats is what a command cost Redis in a run.
type CommandStats struct {
	Name             string  `json:"command"`
	Calls            float64 `json:"calls_per_message"`
	MicrosPerCall    float64 `json:"us_per_call"`
	MicrosPerMessage float64 `json:"us_per_message"`
}

// result reads the books; the carrier's has been read.
func (r *run) result(counted int) (*Result, error) {
	x := &Result{Rate: r.rate, Connections: r.queues, Books: r.l.Balance(counted), CPU: map[string]float64{}, Peak: map[string]int64{}, Special: r.special}
	if r.messages == 0 { // as many as there was time for
		r.messages = int(r.l.Accepted()) - warmMessages
	}
	n := r.messages
	if n <= 0 {
		return nil, errors.New("no message was accepted")
	}
	f := r.l.Figures(0, n, r.began)
	x.Messages, x.Accepted, x.Submitted, x.Completed = n, f.Accepted, f.Submitted, f.Completed
	x.Accept, x.Added, x.Latency = f.Accept, f.Added, f.Latency
	if r.urgents > 0 {
		u := r.l.Figures(r.urgentFirst, r.urgentFirst+r.urgents, r.began)
		x.Urgent = &Urgent{r.urgents, u.Accept, u.Added, u.Latency}
	}
	total := 0.0
	for p, after := range r.after.cpu {
		before := r.before.cpu[p]
		if before < 0 || after < 0 {
			continue // not known here
		}
		x.CPU[p] = float64((after - before).Microseconds()) / float64(n)
		total += (after - before).Seconds()
	}
	for p, peak := range r.after.peak {
		if peak >= 0 {
			x.Peak[p] = peak
		}
	}
	x.Allocs = (r.after.allocations - r.before.allocations) / float64(n)
	whole := r.finished.Sub(r.began).Seconds() * float64(runtime.NumCPU())
	x.Busy = total / whole
	if r.before.machine >= 0 && r.after.machine >= 0 {
		x.Others = max(0, (r.after.machine-r.before.machine).Seconds()/whole-x.Busy)
	}
	return x, nil
}

// readRecord reads the carrier's.
func readRecord(l *ledger.Ledger, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("the carrier's record: %w", err)
	}
	return errors.Join(l.ReadRecord(f), f.Close())
}

func (r *run) commands() []CommandStats {
	var list []CommandStats
	n := float64(r.messages)
	for name, c := range r.after.commands {
		c.calls -= r.before.commands[name].calls
		c.micros -= r.before.commands[name].micros
		if c.calls > 0 {
			list = append(list, CommandStats{name, c.calls / n, c.micros / c.calls, c.micros / n})
		}
	}
	slices.SortFunc(list, func(a, b CommandStats) int {
		return cmp.Or(cmp.Compare(b.MicrosPerMessage, a.MicrosPerMessage), cmp.Compare(a.Name, b.Name))
	})
	return list
}
