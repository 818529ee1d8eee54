package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"time"

	"bindery/cmd/bindery/internal/screen"
)

// Worst are the figures to quote: throughput and cost of the slowest run at full
// speed, latency of the slowest at a rate where there is one.
func Worst(results []*Result) *Result {
	var speed, latency *Result
	for _, r := range results {
		if speed == nil || (r.Rate == 0 && speed.Rate > 0) || (r.Rate == 0) == (speed.Rate == 0) && r.Completed < speed.Completed {
			speed = r
		}
		if latency == nil || (r.Rate > 0 && latency.Rate == 0) || (r.Rate > 0) == (latency.Rate > 0) && r.Latency.P99 > latency.Latency.P99 {
			latency = r
		}
	}
	w := *speed
	w.Accept, w.Latency = latency.Accept, latency.Latency
	w.books = books{}
	for _, r := range results {
		w.Lost += r.Lost
		w.Repeated += r.Repeated
		w.ToldTwice += r.ToldTwice
		w.Strange += r.Strange
	}
	return &w
}

// WriteJSON prints the figures to quote, and every run.
func WriteJSON(w io.Writer, results []*Result) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		*Result
		Cores int       `json:"cores"`
		Runs  []*Result `json:"runs"`
	}{Worst(results), runtime.NumCPU(), results})
}

// WriteTable prints a column a run, and what Redis did in the one to quote.
func WriteTable(w io.Writer, results []*Result) error {
	first := results[0]
	if _, err := fmt.Fprintf(w, "%d messages by %s over %d connections; %d binds, window %d; AOF %s; %d cores\n\n",
		first.Messages, first.Form, first.Connections, first.Binds, first.Window, first.Fsync, runtime.NumCPU()); err != nil {
		return err
	}
	heads := []string{"receipts after"}
	for _, r := range results {
		heads = append(heads, ">"+heading(r))
	}
	t := screen.NewTable(heads...)
	row := func(name, format string, value func(*Result) any) {
		cells := []any{name}
		for _, r := range results {
			cells = append(cells, fmt.Sprintf(format, value(r)))
		}
		t.Row(cells...)
	}
	row("accepted/s", "%.0f", func(r *Result) any { return r.Accepted })
	row("submitted/s", "%.0f", func(r *Result) any { return r.Submitted })
	row("completed/s", "%.0f", func(r *Result) any { return r.Completed })
	latencyRows(row)
	costRows(row)
	row("lost", "%d", func(r *Result) any { return r.Lost })
	row("repeated", "%d", func(r *Result) any { return r.Repeated })
	row("told twice", "%d", func(r *Result) any { return r.ToldTwice })
	row("in one book only", "%d", func(r *Result) any { return r.Strange })
	if err := t.Write(w); err != nil {
		return err
	}
	return writeCommands(w, Worst(results))
}

func heading(r *Result) string {
	s := time.Duration(r.ReceiptsAfter * float64(time.Second)).String()
	if r.Rate > 0 {
		s += fmt.Sprintf(", %.0f/s", r.Rate)
	}
	return s
}

func milliseconds(seconds float64) any { return fmt.Sprintf("%.1f ms", seconds*1000) }

func latencyRows(row func(name, format string, value func(*Result) any)) {
	row("to the answer, p50", "%s", func(r *Result) any { return milliseconds(r.Accept.P50) })
	row("to the answer, p99", "%s", func(r *Result) any { return milliseconds(r.Accept.P99) })
	row("to the final, p50", "%s", func(r *Result) any { return milliseconds(r.Latency.P50) })
	row("to the final, p90", "%s", func(r *Result) any { return milliseconds(r.Latency.P90) })
	row("to the final, p99", "%s", func(r *Result) any { return milliseconds(r.Latency.P99) })
	row("to the final, p99.9", "%s", func(r *Result) any { return milliseconds(r.Latency.P999) })
	row("to the final, max", "%s", func(r *Result) any { return milliseconds(r.Latency.Max) })
}

func costRows(row func(name, format string, value func(*Result) any)) {
	for _, p := range processes {
		row("CPU µs/message, "+p, "%s", func(r *Result) any {
			if used, known := r.CPU[p]; known {
				return fmt.Sprintf("%.1f", used)
			}
			return "unknown"
		})
	}
	row("CPU µs/message, sum", "%.1f", func(r *Result) any {
		sum := 0.0
		for _, used := range r.CPU {
			sum += used
		}
		return sum
	})
	row("machine busy, %", "%.0f", func(r *Result) any { return 100 * r.Busy })
	row("machine busy with others, %", "%.0f", func(r *Result) any { return 100 * r.Others })
	row("octets a queued message", "%.0f", func(r *Result) any { return r.QueuedBytes })
	row("octets an ended message", "%.0f", func(r *Result) any { return r.EndedBytes })
	row("octets of AOF a message", "%.0f", func(r *Result) any { return r.AOFBytes })
}

// commandsShown is how many commands are worth a line.
const commandsShown = 16

func writeCommands(w io.Writer, r *Result) error {
	if _, err := fmt.Fprintf(w, "\nRedis, receipts after %s (what scripts call counts in evalsha too)\n", heading(r)); err != nil {
		return err
	}
	t := screen.NewTable("COMMAND", ">CALLS/MESSAGE", ">µS/CALL", ">µS/MESSAGE")
	for _, c := range r.Commands[:min(len(r.Commands), commandsShown)] {
		t.Row(c.Name, fmt.Sprintf("%.3f", c.Calls), fmt.Sprintf("%.2f", c.MicrosPerCall), fmt.Sprintf("%.2f", c.MicrosPerMessage))
	}
	return t.Write(w)
}
