package report

import (
	"fmt"
	"strings"

	"bindery/cmd/bindery/internal/bench"
)

// rival is Kannel's run that a run of ours at full speed is held against: the
// same receipts, full speed too; nil: there is none.
func rival(r *bench.Result, kannel []*bench.Result, v bench.Variant) *bench.Result {
	for _, k := range kannel {
		if k.Kannel == v && r.Kannel == "" && k.Rate == 0 && r.Rate == 0 && k.ReceiptsAfter == r.ReceiptsAfter {
			return k
		}
	}
	return nil
}

// times is how many of Kannel's messages a second ours are.
func times(r *bench.Result, kannel []*bench.Result, v bench.Variant) string {
	if k := rival(r, kannel, v); k != nil && k.Completed > 0 {
		return fmt.Sprintf("%.1f ×", r.Completed/k.Completed)
	}
	return ""
}

// ownCPU is what cpuBeside compares.
const ownCPU = "CPU µs a message, gateway + Redis to bearerbox + smsbox"

// cpuBeside is "10.4 : 330, 1/32".
func cpuBeside(r *bench.Result, kannel []*bench.Result, v bench.Variant) string {
	k := rival(r, kannel, v)
	if k == nil || own(r) == 0 || own(k) == 0 {
		return ""
	}
	return fmt.Sprintf("%s : %s, 1/%.0f", micros(own(r)), micros(own(k)), own(k)/own(r))
}

// own is the CPU of what is compared, without the load and the carrier: those
// are ours in every run, and a slow run keeps them waiting, which costs them more
// a message. 0: not known.
func own(r *bench.Result) float64 {
	return r.CPU["gateway"] + r.CPU["redis"] + r.CPU["bearerbox"] + r.CPU["smsbox"]
}

// setups says what was changed of Kannel, and how idle it left the machine where
// nothing was.
func setups(out *bench.Outcome) string {
	var parts []string
	if runs := of(bench.KannelDefault, out.Kannel); len(runs) > 0 {
		s := fmt.Sprintf("as it comes: %s, and a file store", shape(runs[0]))
		busiest, full := 0.0, false
		for _, r := range runs {
			if r.Rate == 0 {
				busiest, full = max(busiest, r.Busy), true
			}
		}
		if full && busiest < 0.5 {
			s += fmt.Sprintf("; it waits, with %.0f %% of the machine busy at most, and so do load and carrier, which cost more a message by it", 100*busiest)
		}
		parts = append(parts, s)
	}
	for _, r := range out.Kannel {
		if r.Kannel.Tuned() {
			parts = append(parts, "tuned: "+shape(r))
			break
		}
	}
	return "Kannel " + strings.Join(parts, "; ")
}

// shape is "4 binds, 500 unanswered submit_sm each".
func shape(r *bench.Result) string {
	if r.Binds == 1 {
		return fmt.Sprintf("1 bind, %d unanswered submit_sm", r.Window)
	}
	return fmt.Sprintf("%d binds, %d unanswered submit_sm each", r.Binds, r.Window)
}
