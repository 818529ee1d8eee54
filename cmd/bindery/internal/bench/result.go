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
	Messages      int     `json:"messages"`
	Rate          float64 `json:"rate"` // planned, a second; 0: as fast as it goes
	ReceiptsAfter float64 `json:"receipts_after_seconds"`
	Connections   int     `json:"connections"`
	Binds         int     `json:"binds"`
	Window        int     `json:"window"`
	Fsync         string  `json:"appendfsync"`

	Accepted  float64 `json:"accepted_per_second"`
	Submitted float64 `json:"submitted_per_second"`
	Completed float64 `json:"completed_per_second"`
	books
	Accept  Quantiles          `json:"accept_seconds"`  // from the planned moment to the answer
	Latency Quantiles          `json:"latency_seconds"` // from the planned moment to the final
	CPU     map[string]float64 `json:"cpu_us_per_message"`
	Busy    float64            `json:"machine_busy"`        // share of all cores, all four processes
	Others  float64            `json:"machine_busy_others"` // what others took of the machine meanwhile

	QueuedBytes float64        `json:"queued_bytes_per_message"` // of Redis' memory
	EndedBytes  float64        `json:"ended_bytes_per_message"`
	AOFBytes    float64        `json:"aof_bytes_per_message"`
	Commands    []CommandStats `json:"redis_commands"`
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

// result closes the books.
func (r *run) result(after time.Duration) (*Result, error) {
	if err := r.s.closeBooks(); err != nil {
		return nil, err
	}
	if err := r.l.readRecord(r.s.record); err != nil {
		return nil, err
	}
	n := r.o.Messages
	x := &Result{
		Form: r.o.Form, Messages: n, Rate: r.rate, ReceiptsAfter: after.Seconds(), Connections: r.o.connections(),
		Binds: r.o.Binds, Window: r.o.Window, Fsync: r.o.Fsync, books: r.l.balance(), CPU: map[string]float64{},
		QueuedBytes: r.heldBytes, EndedBytes: r.endBytes, AOFBytes: float64(r.after.aof-r.before.aof) / float64(n),
	}
	l := r.l
	x.Accepted, x.Submitted, x.Completed = r.perSecond(l.accepted[:n]), r.perSecond(l.moved[:n]), r.perSecond(l.ended[:n])
	x.Accept, x.Latency = quantiles(l.due[:n], l.accepted[:n]), quantiles(l.due[:n], l.ended[:n])
	total := 0.0
	for _, p := range processes {
		used := r.after.cpu[p] - r.before.cpu[p]
		if r.before.cpu[p] < 0 || r.after.cpu[p] < 0 {
			continue // not known here
		}
		x.CPU[p] = float64(used.Microseconds()) / float64(n)
		total += used.Seconds()
	}
	whole := r.finished.Sub(r.began).Seconds() * float64(runtime.NumCPU())
	x.Busy = total / whole
	if r.before.machine >= 0 && r.after.machine >= 0 {
		x.Others = max(0, (r.after.machine-r.before.machine).Seconds()/whole-x.Busy)
	}
	x.Commands = r.commands()
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
	n := float64(r.o.Messages)
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
