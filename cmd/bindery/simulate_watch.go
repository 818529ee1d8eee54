package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"bindery/cmd/bindery/internal/screen"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

// watch prints counts until ctx is over: a line that stays in its place on a
// terminal, else one line after another, only when something has changed.
func (sim *simulation) watch(ctx context.Context, s *smsctest.SMSC, w io.Writer) {
	lines := screen.New(w)
	beat := time.NewTicker(time.Second)
	defer beat.Stop()
	shown := countLine(s.Stats())
	if lines.Live() && !sim.quiet {
		lines.Progress(shown)
	}
	for {
		select {
		case <-ctx.Done():
			lines.End()
			return
		case <-beat.C:
		}
		if line := countLine(s.Stats()); line != shown && !sim.quiet {
			shown = line
			lines.Progress(line)
		}
	}
}

func countLine(st smsctest.Stats) string {
	return fmt.Sprintf("binds %d  submits %d (%d/s)  ok %d  throttled %d  errors %d  unanswered %d  receipts %d  acked %d  waiting %d  window %d",
		st.Bound, st.Submits, st.PerSecond, st.ByStatus[pdu.StatusOK], st.ByStatus[pdu.StatusThrottled], refusals(st),
		st.Dropped+st.Lost, st.Receipts, st.Acked, st.Waiting+st.Unacked, st.MaxWindow)
}

func refusals(st smsctest.Stats) (n uint64) {
	for status, k := range st.ByStatus {
		if status != pdu.StatusOK && status != pdu.StatusThrottled {
			n += k
		}
	}
	return n
}

// tally is what is said at the end. What never happened is left out, but for
// the first lines.
func tally(w io.Writer, st smsctest.Stats, took time.Duration) {
	fmt.Fprintf(w, "after %s:\n", took.Round(100*time.Millisecond))
	line := func(name string, n uint64, note string) {
		if n > 0 || note != "" {
			fmt.Fprintf(w, "  %-22s %9d%s\n", name, n, note)
		}
	}
	line("binds", st.Binds, fmt.Sprintf("  (refused: %d)", st.Refused))
	line("submits", st.Submits, fmt.Sprintf("  (most in a second: %d; most unanswered on a bind: %d)", st.MaxPerSecond, st.MaxWindow))
	for _, status := range slices.Sorted(maps.Keys(st.ByStatus)) {
		line("  "+statusName(status), st.ByStatus[status], "")
	}
	line("  not answered", st.Dropped, "")
	line("  not taken", st.Lost, "")
	line("  beyond the window", st.Violations, "")
	line("receipts", st.Receipts, fmt.Sprintf("  (acknowledged: %d; not out yet: %d)", st.Acked, st.Waiting+st.Unacked))
	line("  refused", st.AckErrors, "")
	line("  told again", st.Redelivered, "")
	line("malformed PDUs", st.Malformed, "")
	line("unknown PDUs", st.Unknown, "")
	line("unexpected responses", st.Unexpected, "")
	line("generic_nacks received", st.Nacks, "")
}

// statusName is as short as a table wants it.
func statusName(status pdu.CommandStatus) string {
	number := fmt.Sprintf("0x%02X", uint32(status))
	if name := status.Name(); name != "" {
		return number + " " + name
	}
	return number
}

// summary is the object that --json prints, with names in the API's case.
func summary(st smsctest.Stats) map[string]any {
	byStatus := map[string]uint64{}
	for status, n := range st.ByStatus {
		byStatus[fmt.Sprintf("0x%02X", uint32(status))] = n
	}
	return map[string]any{
		"submits": st.Submits, "taken": st.Taken, "unanswered": st.Dropped, "lost": st.Lost, "by_status": byStatus,
		"receipts": st.Receipts, "acked": st.Acked, "redelivered": st.Redelivered, "receipts_waiting": st.Waiting + st.Unacked,
		"binds": st.Binds, "binds_refused": st.Refused, "max_window": st.MaxWindow, "max_per_second": st.MaxPerSecond,
		"window_violations": st.Violations, "malformed": st.Malformed, "unknown": st.Unknown,
	}
}
