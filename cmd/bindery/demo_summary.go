package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"bindery/cmd/bindery/internal/screen"
)

// demoSummary says where every message went, by counts that are taken apart from
// each other: the answers of the API, the stream, and what the carriers saw.
type demoSummary struct {
	rows    []demoCount
	parts   int
	elapsed time.Duration
	took    map[string][]time.Duration
	first   time.Duration // from the start of the process; 0: nothing was delivered
}

// demoCount is a row of the summary.
type demoCount struct {
	name string
	n    [2]int // by carrier
}

func (d demoCount) all() int { return d.n[0] + d.n[1] }

func (t *demoTally) summary(began time.Time) demoSummary {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := demoSummary{parts: t.parts[0] + t.parts[1], elapsed: time.Since(began), took: t.took}
	s.rows = append(s.rows, demoCount{"accepted", t.number})
	for _, status := range finalStatuses {
		c := demoCount{status, [2]int{t.finals[0][status], t.finals[1][status]}}
		if c.all() > 0 || status == "delivered" || status == "undelivered" {
			s.rows = append(s.rows, c)
		}
	}
	lost, twice, repeated := demoCount{name: "lost"}, demoCount{name: "told twice"}, demoCount{name: "repeated"}
	for id, a := range t.accepted {
		if t.ended[id] == 0 {
			lost.n[a.carrier]++
		}
		twice.n[a.carrier] += max(0, t.ended[id]-1)
	}
	for i, c := range t.carriers {
		repeated.n[i] = max(0, int(c.smsc.Stats().Taken)-t.parts[i])
	}
	s.rows = append(s.rows, lost, repeated, twice)
	if !t.first.IsZero() {
		s.first = t.first.Sub(processBegan)
	}
	return s
}

func (s demoSummary) count(name string) int {
	for _, r := range s.rows {
		if r.name == name {
			return r.all()
		}
	}
	return 0
}

// write prints it for a width.
func (s demoSummary) write(w io.Writer, carriers demoCarriers, width int) {
	columns := []screen.Column{{Head: "", Left: true}, {Head: "ALL"}, {Head: carriers[0].id, Spare: 2}, {Head: carriers[1].id, Spare: 1}}
	var rows [][]screen.Text
	for _, r := range s.rows {
		rows = append(rows, []screen.Text{plain("  " + r.name), plain(r.all()), plain(r.n[0]), plain(r.n[1])})
	}
	fmt.Fprintf(w, "\nWhere every message went\n")
	for _, line := range screen.Grid(columns, rows, width) {
		fmt.Fprintln(w, line.Text())
	}
	fmt.Fprintln(w)
	say := func(name, value string) { fmt.Fprintf(w, "  %-15s  %s\n", name, value) }
	say("messages/s", fmt.Sprintf("%.0f (%d in %.1f s, as %d parts)", float64(s.count("accepted"))/s.elapsed.Seconds(), s.count("accepted"), s.elapsed.Seconds(), s.parts))
	var all []time.Duration
	for _, took := range s.took {
		all = append(all, took...)
	}
	say("latency", halfAndMost(all)+" (accepted to final)")
	for _, p := range demoPriorities {
		if len(s.took[p]) > 0 {
			say("  "+p, halfAndMost(s.took[p]))
		}
	}
	if s.first > 0 {
		say("first delivered", fmt.Sprintf("%.2f s after the start", s.first.Seconds()))
	}
}

func halfAndMost(took []time.Duration) string {
	sorted := slices.Clone(took)
	return fmt.Sprintf("half in %.2f s, 99 %% in %.2f s", quantile(sorted, .5).Seconds(), quantile(sorted, .99).Seconds())
}
