package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"bindery/cmd/bindery/internal/bench"
)

// Markdown writes the table of the README: a row a run, ours and Kannel's, what
// a message weighs, and where and when it was measured.
func Markdown(w io.Writer, out *bench.Outcome) error {
	var b strings.Builder
	b.WriteString("| | receipts after | messages/s planned | accepted/s | completed/s |")
	rule := "\n|---|---|---|---|---|"
	if len(out.Kannel) > 0 {
		fmt.Fprintf(&b, " × Kannel: %s | %s: %[1]s |", kannelNames(), ownCPU)
		rule += "---|---|"
	}
	b.WriteString(" answer to wire, p50 / p99 | planned to final, p50 / p99 | CPU µs a message | machine busy: the run + others | lost | repeated |" + rule + "---|---|---|---|---|---|\n")
	for _, r := range slices.Concat(out.Runs, out.Kannel) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |", name(r, out), after(r), planned(r), thousands(r.Accepted), thousands(r.Completed))
		if len(out.Kannel) > 0 {
			fmt.Fprintf(&b, " %s | %s |", allTimes(r, out), allCosts(r, out))
		}
		fmt.Fprintf(&b, " %s / %s | %s / %s | %s | %.0f + %.0f %% | %d | %d |\n", milliseconds(r.Added.P50), milliseconds(r.Added.P99),
			milliseconds(r.Latency.P50), milliseconds(r.Latency.P99), split(r), 100*r.Busy, 100*r.Others, r.Lost, r.Repeated)
	}
	weights(&b, out)
	lines := footer(out)
	for _, r := range slices.Concat(out.Runs, out.Kannel) {
		for _, note := range r.Notes {
			if !slices.Contains(lines, note+".") {
				lines = append(lines, note+".")
			}
		}
	}
	b.WriteString("\n" + strings.Join(lines, "\n\n") + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

var forms = map[bench.Form]string{bench.NDJSON: "lines (NDJSON)", bench.Batch: "batches", bench.Single: "one message a request"}

func name(r *bench.Result, out *bench.Outcome) string {
	if r.Kannel != "" {
		return fmt.Sprintf("Kannel %s %s, %d connections", out.Machine.Kannel, variants[r.Kannel], r.Connections)
	}
	return fmt.Sprintf("%s, %d connections", forms[r.Form], r.Connections)
}

var variants = map[bench.Variant]string{bench.KannelDefault: "as it comes", bench.KannelFile: "tuned, file store", bench.KannelMemory: "tuned, in memory"}

func kannelNames() string {
	var names []string
	for _, v := range bench.Variants {
		names = append(names, variants[v])
	}
	return strings.Join(names, " / ")
}

// after says 50 ms, as prose does.
func after(r *bench.Result) string {
	d := time.Duration(r.ReceiptsAfter * float64(time.Second))
	switch {
	case d == 0:
		return "0"
	case d < time.Second:
		return fmt.Sprintf("%g ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%g s", d.Seconds())
}

func planned(r *bench.Result) string {
	if r.Rate == 0 {
		return "full"
	}
	return thousands(r.Rate)
}

// allTimes is a cell with how many times a run is of each variant, empty when
// it is held against none.
func allTimes(r *bench.Result, out *bench.Outcome) string {
	return joined(func(v bench.Variant) string { return strings.TrimSuffix(times(r, out.Kannel, v), " ×") })
}

// allCosts is "3.5 : 230 / 190 / 180".
func allCosts(r *bench.Result, out *bench.Outcome) string {
	theirs := joined(func(v bench.Variant) string {
		if k := rival(r, out.Kannel, v); k != nil && own(k) > 0 {
			return micros(own(k))
		}
		return ""
	})
	if theirs == "" || own(r) == 0 {
		return ""
	}
	return micros(own(r)) + " : " + theirs
}

func joined(cell func(bench.Variant) string) string {
	var cells []string
	said := false
	for _, v := range bench.Variants {
		cells = append(cells, cell(v))
		said = said || cell(v) != ""
	}
	if !said {
		return ""
	}
	return strings.Join(cells, " / ")
}

var shortNames = map[string]string{"smsc": "carrier", "redis": "Redis"}

// split is the cost by process, "gateway 6.3 + Redis 7.7 + … = 16.5".
func split(r *bench.Result) string {
	var parts []string
	for _, p := range bench.Processes {
		if used, known := r.CPU[p]; known {
			parts = append(parts, processName(p)+" "+micros(used))
		}
	}
	return strings.Join(parts, " + ") + " = " + micros(sum(r))
}

func processName(p string) string {
	if short, ok := shortNames[p]; ok {
		return short
	}
	return p
}

// micros has as many digits as mean something: the clock ticks in 10 ms.
func micros(us float64) string {
	if us >= 20 {
		return fmt.Sprintf("%.0f", us)
	}
	return fmt.Sprintf("%.1f", us)
}

// thousands writes 69305 as "69,305".
func thousands(x float64) string {
	s := fmt.Sprintf("%.0f", x)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func weights(b *strings.Builder, out *bench.Outcome) {
	b.WriteString("\n| octets of Redis a message | queued | with the carrier | ended | of AOF | peak memory of Redis / gateway |\n|---|---|---|---|---|---|\n")
	for _, runs := range byForm(out.Runs) {
		r := Worst(runs)
		if r.Redis == nil {
			continue
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %.0f | %s / %s |\n", forms[r.Form], known(r.Queued), known(r.Live), known(r.Ended), r.AOF, mebi(r, "redis"), mebi(r, "gateway"))
	}
}

func known(x float64) string {
	if x == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.0f", x)
}

func mebi(r *bench.Result, process string) string {
	if peak, ok := r.Peak[process]; ok {
		return fmt.Sprintf("%.0f MiB", float64(peak)/(1<<20))
	}
	return "unknown"
}

// kannelMessages is how many were sent through Kannel, by variant; "" if none.
func kannelMessages(out *bench.Outcome) string {
	low, high := 0, 0
	for _, k := range out.Kannel {
		if low == 0 || k.Messages < low {
			low = k.Messages
		}
		high = max(high, k.Messages)
	}
	switch {
	case high == 0:
		return ""
	case low == high:
		return thousands(float64(high))
	}
	return fmt.Sprintf("as it comes %s, tuned %s", thousands(float64(low)), thousands(float64(high)))
}

// footer says what was measured, where and when.
func footer(out *bench.Outcome) []string {
	m, first := out.Machine, out.Runs[0]
	what := thousands(float64(first.Messages)) + " messages a run"
	if sent := kannelMessages(out); sent != "" && sent != thousands(float64(first.Messages)) {
		what += fmt.Sprintf(" (Kannel: %s)", sent)
	}
	low, high := 1.0, 0.0
	for _, r := range slices.Concat(out.Runs, out.Kannel) {
		low, high = min(low, r.Others), max(high, r.Others)
	}
	books := Books(out.Runs)
	what += fmt.Sprintf(", texts of 160 characters that differ by 8 digits, a receipt for each; AOF %s. Lost %d, repeated %d", first.Fsync, books.Lost, books.Repeated)
	if len(out.Kannel) > 0 {
		theirs := Books(out.Kannel)
		what += fmt.Sprintf(" (Kannel: %d, %d)", theirs.Lost, theirs.Repeated)
	}
	what += fmt.Sprintf(". Everything on one machine, of which other work took %.0f to %.0f %% meanwhile.", 100*low, 100*high)
	var where []string
	for _, p := range [][2]string{{"", fmt.Sprintf("%d cores of %s", m.Cores, m.CPU)}, {"", m.OS}, {"Redis ", m.Redis}, {"Kannel ", m.Kannel}, {"", m.Go}, {"commit ", m.Commit}, {"", m.Date}} {
		if p[1] != "" {
			where = append(where, p[0]+p[1])
		}
	}
	lines := []string{what, strings.Join(where, ", ") + "."}
	if len(out.Kannel) > 0 {
		lines = slices.Insert(lines, 1, setups(out)+".")
	}
	return lines
}
