package report

import (
	"fmt"
	"io"

	"bindery/cmd/bindery/internal/bench"
	"bindery/cmd/bindery/internal/screen"
)

// subject begins a table's first line: what was sent, in what way.
func subject(r *bench.Result) string {
	s := fmt.Sprintf("%d messages by %s over %d connections", r.Messages, r.Form, r.Connections)
	switch {
	case r.Soak != nil:
		s = fmt.Sprintf("%g s of messages by %s over %d connections, %d under way at most", r.Soak.Seconds, r.Form, r.Connections, r.Soak.Most)
	case r.Each:
		s = fmt.Sprintf("%d messages one by one", r.Messages)
	case r.Fair != nil:
		s += fmt.Sprintf(" to %d carriers", r.Fair.Carriers)
	}
	if r.Accounts > 1 {
		s += fmt.Sprintf(" of %d accounts", r.Accounts)
	}
	if r.Keyed {
		s += ", each with a key"
	}
	if r.Priority != "" {
		s += ", priority " + r.Priority
	}
	return s
}

// rows of runs that differ from the usual ones.
func specialRows(row row) {
	urgent := func(name string, value func(*bench.Urgent) string) {
		row("urgent: "+name, func(r *bench.Result) string {
			if r.Urgent == nil {
				return ""
			}
			return value(r.Urgent)
		})
	}
	urgent("messages", func(u *bench.Urgent) string { return fmt.Sprint(u.Messages) })
	urgent("answer to wire, p50", func(u *bench.Urgent) string { return milliseconds(u.Added.P50) })
	urgent("answer to wire, p99", func(u *bench.Urgent) string { return milliseconds(u.Added.P99) })
	urgent("planned to final, p50", func(u *bench.Urgent) string { return milliseconds(u.Latency.P50) })
	urgent("planned to final, p99", func(u *bench.Urgent) string { return milliseconds(u.Latency.P99) })
	fair := func(name string, value func(*bench.Fair) float64) {
		row("submits a carrier, "+name, func(r *bench.Result) string {
			if r.Fair == nil {
				return ""
			}
			return fmt.Sprintf("%.0f", value(r.Fair))
		})
	}
	fair("min", func(f *bench.Fair) float64 { return f.Min })
	fair("median", func(f *bench.Fair) float64 { return f.Median })
	fair("max", func(f *bench.Fair) float64 { return f.Max })
	soakRows(row)
	backlogRows(row)
}

func soakRows(row row) {
	soak := func(name string, value func(*bench.Soak) string) {
		row(name, func(r *bench.Result) string {
			if r.Soak == nil || len(r.Soak.Points) == 0 {
				return ""
			}
			return value(r.Soak)
		})
	}
	soak("completed/s of a window, min", func(s *bench.Soak) string { return fmt.Sprintf("%.0f", s.Min) })
	soak("completed/s of a window, median", func(s *bench.Soak) string { return fmt.Sprintf("%.0f", s.Median) })
	soak("completed/s of a window, max", func(s *bench.Soak) string { return fmt.Sprintf("%.0f", s.Max) })
	for i, name := range []string{"20 %", "50 %", "the end"} {
		soak("gateway, Redis at "+name, func(s *bench.Soak) string {
			return fmt.Sprintf("%d, %d MiB", s.Held[i].Gateway>>20, s.Held[i].Redis>>20)
		})
	}
	soak("AOF at the end", func(s *bench.Soak) string { return fmt.Sprintf("%d MiB", s.Held[len(s.Held)-1].AOF>>20) })
	soak("rewrites of the AOF", func(s *bench.Soak) string { return fmt.Sprint(s.Held[len(s.Held)-1].Rewrites) })
}

func backlogRows(row row) {
	leg := func(name, format string, of func(*bench.Leg) float64) {
		for _, which := range []string{"empty queue: ", "backlog: "} {
			row(which+name, func(r *bench.Result) string {
				switch {
				case r.Backlog == nil:
					return ""
				case which == "backlog: ":
					return fmt.Sprintf(format, of(&r.Backlog.Full))
				}
				return fmt.Sprintf(format, of(&r.Backlog.Empty))
			})
		}
	}
	leg("filled/s", "%.0f", func(l *bench.Leg) float64 { return l.Filled })
	leg("filled/s, first tenth", "%.0f", func(l *bench.Leg) float64 { return l.Fill.First })
	leg("filled/s, last tenth", "%.0f", func(l *bench.Leg) float64 { return l.Fill.Last })
	leg("drained/s", "%.0f", func(l *bench.Leg) float64 { return l.Drained })
	leg("drained/s, first tenth", "%.0f", func(l *bench.Leg) float64 { return l.Drain.First })
	leg("drained/s, last tenth", "%.0f", func(l *bench.Leg) float64 { return l.Drain.Last })
	leg("octets a queued message", "%.0f", func(l *bench.Leg) float64 { return l.Queued })
}

func idleTable(w io.Writer, x *bench.Idle, cores int) error {
	if _, err := fmt.Fprintf(w, "%d carriers of %d binds, idle for %.0f s; %d cores\n\n", x.Carriers, x.Binds, x.Seconds, cores); err != nil {
		return err
	}
	t := screen.NewTable("of one core, %", ">")
	t.Row("gateway", fmt.Sprintf("%.2f", 100*x.Gateway))
	t.Row("redis", fmt.Sprintf("%.2f", 100*x.Redis))
	t.Row("smsc", fmt.Sprintf("%.2f", 100*x.SMSC))
	t.Row("memory, gateway", fmt.Sprintf("%d MiB", x.Resident>>20))
	t.Row("peak memory, gateway", fmt.Sprintf("%d MiB", x.Peak>>20))
	return t.Write(w)
}
