// Package report prints what a bench found: a table for people, JSON for
// scripts, the README's table in Markdown, and its picture in SVG. `bindery
// bench` calls it with what package bench measured; it asks nothing itself.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"bindery/cmd/bindery/internal/bench"
	"bindery/cmd/bindery/internal/screen"
)

// Table prints, for each form, a column a run, Kannel's beside them, and what
// Redis did in the run to quote.
func Table(w io.Writer, out *bench.Outcome) error {
	if out.Idle != nil {
		return idleTable(w, out.Idle, out.Machine.Cores)
	}
	for i, runs := range byForm(out.Runs) {
		if i > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		if err := formTable(w, runs, out); err != nil {
			return err
		}
	}
	return notes(w, slices.Concat(out.Runs, out.Kannel))
}

func byForm(runs []*bench.Result) (groups [][]*bench.Result) {
	for i, r := range runs {
		if i == 0 || r.Form != runs[i-1].Form {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], r)
	}
	return groups
}

func formTable(w io.Writer, runs []*bench.Result, out *bench.Outcome) error {
	first := runs[0]
	if _, err := fmt.Fprintf(w, "%s; %d binds, window %d; AOF %s; %d cores\n",
		subject(first), first.Binds, first.Window, first.Fsync, out.Machine.Cores); err != nil {
		return err
	}
	if len(out.Kannel) > 0 {
		k := out.Kannel[0]
		if _, err := fmt.Fprintf(w, "Kannel %s: %s messages by sendsms over %d connections\n%s\n",
			out.Machine.Kannel, kannelMessages(out), k.Connections, setups(out)); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	heads := []string{"receipts after"}
	columns := slices.Concat(runs, out.Kannel)
	for _, r := range columns {
		heads = append(heads, ">"+heading(r))
	}
	t := screen.NewTable(heads...)
	resultRows(func(name string, value func(*bench.Result) string) {
		cells, said := []any{name}, false
		for _, r := range columns {
			cell := value(r)
			cells, said = append(cells, cell), said || cell != ""
		}
		if said {
			t.Row(cells...)
		}
	}, out)
	if err := t.Write(w); err != nil {
		return err
	}
	return redisTables(w, Worst(runs))
}

func heading(r *bench.Result) string {
	s := time.Duration(r.ReceiptsAfter * float64(time.Second)).String()
	if r.Rate > 0 {
		s += fmt.Sprintf(", %.0f/s", r.Rate)
	}
	if r.Kannel != "" {
		s = "kannel " + string(r.Kannel) + " " + s
	}
	return s
}

// row adds a row, unless the value is empty for all.
type row func(name string, value func(*bench.Result) string)

func resultRows(row row, out *bench.Outcome) {
	number := func(name, format string, value func(*bench.Result) any) {
		row(name, func(r *bench.Result) string { return fmt.Sprintf(format, value(r)) })
	}
	number("accepted/s", "%.0f", func(r *bench.Result) any { return r.Accepted })
	number("submitted/s", "%.0f", func(r *bench.Result) any { return r.Submitted })
	number("completed/s", "%.0f", func(r *bench.Result) any { return r.Completed })
	for _, v := range bench.Variants {
		row("times Kannel "+variants[v], func(r *bench.Result) string { return times(r, out.Kannel, v) })
	}
	specialRows(row)
	latencyRows(row)
	costRows(row, out)
	number("lost", "%d", func(r *bench.Result) any { return r.Lost })
	number("repeated", "%d", func(r *bench.Result) any { return r.Repeated })
	number("told twice", "%d", func(r *bench.Result) any { return r.ToldTwice })
	number("ended otherwise", "%d", func(r *bench.Result) any { return r.Other })
	number("in one book only", "%d", func(r *bench.Result) any { return r.Strange })
}

func milliseconds(seconds float64) string { return fmt.Sprintf("%.1f ms", seconds*1000) }

func latencyRows(row row) {
	for _, q := range []struct {
		name string
		of   func(*bench.Result) float64
	}{
		{"planned to answer, p50", func(r *bench.Result) float64 { return r.Accept.P50 }},
		{"planned to answer, p99", func(r *bench.Result) float64 { return r.Accept.P99 }},
		{"answer to wire, p50", func(r *bench.Result) float64 { return r.Added.P50 }},
		{"answer to wire, p99", func(r *bench.Result) float64 { return r.Added.P99 }},
		{"planned to final, p50", func(r *bench.Result) float64 { return r.Latency.P50 }},
		{"planned to final, p90", func(r *bench.Result) float64 { return r.Latency.P90 }},
		{"planned to final, p99", func(r *bench.Result) float64 { return r.Latency.P99 }},
		{"planned to final, p99.9", func(r *bench.Result) float64 { return r.Latency.P999 }},
		{"planned to final, max", func(r *bench.Result) float64 { return r.Latency.Max }},
	} {
		row(q.name, func(r *bench.Result) string { return milliseconds(q.of(r)) })
	}
}

func costRows(row row, out *bench.Outcome) {
	for _, p := range bench.Processes {
		row("CPU µs/message, "+p, func(r *bench.Result) string { return cost(r, p) })
	}
	row("CPU µs/message, sum", func(r *bench.Result) string { return fmt.Sprintf("%.1f", sum(r)) })
	for _, v := range bench.Variants {
		row("gateway + redis : Kannel "+variants[v], func(r *bench.Result) string { return cpuBeside(r, out.Kannel, v) })
	}
	for _, p := range bench.Processes {
		row("peak memory, "+p, func(r *bench.Result) string {
			if peak, known := r.Peak[p]; known && p != "smsc" {
				return fmt.Sprintf("%.0f MiB", float64(peak)/(1<<20))
			}
			return ""
		})
	}
	row("gateway allocations a message", func(r *bench.Result) string {
		if r.Allocs == 0 {
			return "" // Kannel's
		}
		return fmt.Sprintf("%.1f", r.Allocs)
	})
	row("machine busy, %", func(r *bench.Result) string { return fmt.Sprintf("%.0f", 100*r.Busy) })
	row("machine busy with others, %", func(r *bench.Result) string { return fmt.Sprintf("%.0f", 100*r.Others) })
	for _, x := range []struct {
		name string
		of   func(*bench.Redis) float64
	}{
		{"octets a queued message", func(r *bench.Redis) float64 { return r.Queued }},
		{"octets a live message", func(r *bench.Redis) float64 { return r.Live }},
		{"octets an ended message", func(r *bench.Redis) float64 { return r.Ended }},
		{"octets of AOF a message", func(r *bench.Redis) float64 { return r.AOF }},
	} {
		row(x.name, func(r *bench.Result) string {
			switch {
			case r.Redis == nil, x.of(r.Redis) == 0 && r.Scenario():
				return ""
			case x.of(r.Redis) == 0:
				return "unknown"
			}
			return fmt.Sprintf("%.0f", x.of(r.Redis))
		})
	}
}

// cost is empty for a process that the run does not have.
func cost(r *bench.Result, p string) string {
	used, known := r.CPU[p]
	_, has := r.Peak[p]
	switch {
	case known:
		return fmt.Sprintf("%.1f", used)
	case has || p == "load":
		return "unknown"
	}
	return ""
}

func sum(r *bench.Result) float64 {
	sum := 0.0
	for _, used := range r.CPU {
		sum += used
	}
	return sum
}

// commandsShown is how many commands are worth a line.
const commandsShown = 16

func redisTables(w io.Writer, r *bench.Result) error {
	if r.Redis == nil {
		return nil
	}
	if _, err := fmt.Fprintf(w, "\nRedis, receipts after %s (what scripts call counts in evalsha too)\n", heading(r)); err != nil {
		return err
	}
	t := screen.NewTable("COMMAND", ">CALLS/MESSAGE", ">µS/CALL", ">µS/MESSAGE")
	line := func(name string, calls, each, message float64) {
		t.Row(name, fmt.Sprintf("%.3f", calls), fmt.Sprintf("%.2f", each), fmt.Sprintf("%.2f", message))
	}
	for _, c := range r.Commands[:min(len(r.Commands), commandsShown)] {
		line(c.Name, c.Calls, c.MicrosPerCall, c.MicrosPerMessage)
	}
	if err := t.Write(w); err != nil || len(r.Scripts) == 0 {
		return err
	}
	if _, err := fmt.Fprint(w, "\nits scripts, in a short phase of their own behind the run\n"); err != nil {
		return err
	}
	t = screen.NewTable("SCRIPT", ">CALLS/MESSAGE", ">µS/CALL", ">µS/MESSAGE")
	for _, s := range r.Scripts {
		line(s.Name, s.Calls, s.MicrosPerCall, s.MicrosPerMessage)
	}
	return t.Write(w)
}

// notes says each once, with the runs that have it.
func notes(w io.Writer, runs []*bench.Result) error {
	var order []string
	whose := map[string][]string{}
	for _, r := range runs {
		for _, note := range r.Notes {
			if whose[note] == nil {
				order = append(order, note)
			}
			whose[note] = append(whose[note], heading(r))
		}
	}
	for _, note := range order {
		if _, err := fmt.Fprintf(w, "\n%s: %s\n", strings.Join(whose[note], "; "), screen.Clean(note)); err != nil {
			return err
		}
	}
	return nil
}
