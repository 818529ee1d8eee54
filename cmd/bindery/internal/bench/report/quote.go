package report

import (
	"encoding/json"
	"io"

	"bindery/cmd/bindery/internal/bench"
	"bindery/cmd/bindery/internal/bench/child"
)

// Worst are the figures to quote of runs of one form: throughput and cost of the
// slowest run at full speed, latency of the slowest at a rate where there is
// one; the books are the sum of all.
func Worst(results []*bench.Result) *bench.Result {
	var speed, latency *bench.Result
	for _, r := range results {
		if speed == nil || (r.Rate == 0 && speed.Rate > 0) || (r.Rate == 0) == (speed.Rate == 0) && r.Completed < speed.Completed {
			speed = r
		}
		if latency == nil || (r.Rate > 0 && latency.Rate == 0) || (r.Rate > 0) == (latency.Rate > 0) && r.Latency.P99 > latency.Latency.P99 {
			latency = r
		}
	}
	w := *speed
	w.Accept, w.Added, w.Latency = latency.Accept, latency.Added, latency.Latency
	w.Books, w.Notes = bench.Books{}, nil
	for _, r := range results {
		w.Add(r.Books)
		w.Notes = append(w.Notes, r.Notes...)
	}
	return &w
}

// Books are the sum of all runs, which must have no difference.
func Books(runs []*bench.Result) (b bench.Books) {
	for _, r := range runs {
		b.Add(r.Books)
	}
	return b
}

// variant is what JSON has of a variant of Kannel: the figures to quote, as of
// ours, and every run.
type variant struct {
	*bench.Result
	Times float64         `json:"bindery_times,omitempty"` // completed/s of the figures to quote, ours by Kannel's
	Costs float64         `json:"cpu_times,omitempty"`     // CPU of a message, Kannel's (bearerbox, smsbox) by ours (gateway, Redis)
	Runs  []*bench.Result `json:"runs"`
}

// JSON prints the figures to quote (those of the first form, the books of all),
// every run, and Kannel's.
func JSON(w io.Writer, out *bench.Outcome) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if out.Idle != nil {
		return e.Encode(struct {
			*bench.Idle
			Cores   int           `json:"cores"`
			Machine child.Machine `json:"machine"`
		}{out.Idle, out.Machine.Cores, out.Machine})
	}
	worst := Worst(byForm(out.Runs)[0])
	worst.Books = Books(out.Runs)
	kannel := map[bench.Variant]variant{}
	for _, v := range bench.Variants {
		if runs := of(v, out.Kannel); len(runs) > 0 {
			x := variant{Result: Worst(runs), Runs: runs}
			if x.Completed > 0 && x.Rate == 0 && worst.Rate == 0 {
				x.Times = worst.Completed / x.Completed
				if ours := own(worst); ours > 0 {
					x.Costs = own(x.Result) / ours
				}
			}
			kannel[v] = x
		}
	}
	return e.Encode(struct {
		*bench.Result
		Cores   int                       `json:"cores"`
		Machine child.Machine             `json:"machine"`
		Runs    []*bench.Result           `json:"runs"`
		Kannel  map[bench.Variant]variant `json:"kannel,omitempty"`
	}{worst, out.Machine.Cores, out.Machine, out.Runs, kannel})
}

func of(v bench.Variant, runs []*bench.Result) (list []*bench.Result) {
	for _, r := range runs {
		if r.Kannel == v {
			list = append(list, r)
		}
	}
	return list
}
