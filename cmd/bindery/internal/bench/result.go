package bench

import (
	"cmp"
	"runtime"
	"slices"
	"time"
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
	Peak    map[string]int64   `json:"peak_memory_bytes"`   // of a process, resident, since its start
	Busy    float64            `json:"machine_busy"`        // share of all cores, all processes of the run
	Others  float64            `json:"machine_busy_others"` // what others took of the machine meanwhile

	*Redis
	Notes []string `json:"notes,omitempty"`
}

// Redis is what a run of ours found out about its Redis.
type Redis struct {
	Weights
	Commands []CommandStats `json:"redis_commands"`
	Scripts  []ScriptStats  `json:"redis_scripts"`
}

// Quantiles are in seconds.
type Quantiles struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// CommandStats is what a command cost Redis in a run.
type CommandStats struct {
	Name             string  `json:"command"`
	Calls            float64 `json:"calls_per_message"`
	MicrosPerCall    float64 `json:"us_per_call"`
	MicrosPerMessage float64 `json:"us_per_message"`
}

// result reads the books; the carrier's is closed.
func (r *run) result(record string, counted int) (*Result, error) {
	l, n := r.l, r.messages
	if err := l.readRecord(record); err != nil {
		return nil, err
	}
	x := &Result{Messages: n, Rate: r.rate, Connections: r.queues, Books: l.balance(counted), CPU: map[string]float64{}, Peak: map[string]int64{}}
	x.Accepted, x.Submitted, x.Completed = r.perSecond(l.accepted[:n]), r.perSecond(l.arrived[:n]), r.perSecond(l.ended[:n])
	x.Accept, x.Latency = quantiles(l.due[:n], l.accepted[:n]), quantiles(l.due[:n], l.ended[:n])
	x.Added = quantiles(l.accepted[:n], l.arrived[:n])
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
	whole := r.finished.Sub(r.began).Seconds() * float64(runtime.NumCPU())
	x.Busy = total / whole
	if r.before.machine >= 0 && r.after.machine >= 0 {
		x.Others = max(0, (r.after.machine-r.before.machine).Seconds()/whole-x.Busy)
	}
	return x, nil
}

// perSecond is the rate until the last of them.
func (r *run) perSecond(at []int64) float64 {
	last, count := int64(0), 0
	for _, t := range at {
		if t > 0 {
			last, count = max(last, t), count+1
		}
	}
	if d := time.Duration(last - r.began.UnixNano()); d > 0 {
		return float64(count) / d.Seconds()
	}
	return 0
}

func quantiles(from, to []int64) Quantiles {
	took := make([]int64, 0, len(to))
	for i, t := range to {
		if t > 0 {
			// Finals have whole milliseconds: one may seem to come before its send.
			took = append(took, max(0, t-from[i]))
		}
	}
	slices.Sort(took)
	at := func(q float64) float64 {
		if len(took) == 0 {
			return 0
		}
		return time.Duration(took[min(len(took)-1, int(q*float64(len(took))))]).Seconds()
	}
	return Quantiles{at(.5), at(.9), at(.99), at(.999), at(1)}
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
