package report

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"bindery/cmd/bindery/internal/bench"
	"bindery/cmd/bindery/internal/bench/child"
	"bindery/cmd/bindery/internal/bench/ledger"
)

func results() []*bench.Result {
	ours := &bench.Redis{Weights: bench.Weights{Queued: 79, Ended: 470}, Commands: []bench.CommandStats{{Name: "evalsha", Calls: .01, MicrosPerCall: 100, MicrosPerMessage: 1}}, Scripts: []bench.ScriptStats{{Name: "settle", Calls: .002, MicrosPerCall: 300, MicrosPerMessage: .6}}}
	return []*bench.Result{
		{Form: bench.NDJSON, Messages: 100, Completed: 50, Latency: bench.Quantiles{P99: 9}, CPU: map[string]float64{"redis": 1.5, "gateway": 2, "smsc": 3, "load": 4}, Peak: map[string]int64{"redis": 1 << 20}},
		{Form: bench.NDJSON, Messages: 100, Completed: 25, Rate: 25, Latency: bench.Quantiles{P99: .1}},
		{Form: bench.NDJSON, Messages: 100, Completed: 40, ReceiptsAfter: .05, Latency: bench.Quantiles{P99: 8}, Books: bench.Books{Lost: 1}, Redis: ours},
		{Form: bench.NDJSON, Messages: 100, Completed: 20, ReceiptsAfter: .05, Rate: 20, Latency: bench.Quantiles{P99: .2}, Books: bench.Books{Repeated: 2}},
	}
}

func outcome() *bench.Outcome {
	kannel := func(v bench.Variant, after, completed float64, notes ...string) *bench.Result {
		return &bench.Result{Kannel: v, Form: bench.Single, Messages: 100, ReceiptsAfter: after, Completed: completed, Connections: 16, Notes: notes,
			Binds: 4, Window: 500, Busy: .9,
			CPU: map[string]float64{"bearerbox": 100, "smsbox": 90, "smsc": 3, "load": 30}, Peak: map[string]int64{"bearerbox": 1 << 24}}
	}
	asItComes := func(after, completed float64) *bench.Result {
		r := kannel(bench.KannelDefault, after, completed)
		r.Binds, r.Window, r.Busy, r.Messages = 1, 10, .2, 50
		return r
	}
	batch := *results()[2]
	batch.Form, batch.Books = bench.Batch, bench.Books{}
	return &bench.Outcome{
		Machine: child.Machine{CPU: "A <fast> & good one", Cores: 2, Redis: "7.0.15", Kannel: "1.4.5", Commit: "0123abcd", Date: "2026-11-25"},
		Runs:    append(results(), &batch),
		Kannel: []*bench.Result{asItComes(0, 2), asItComes(.05, 2.5), kannel(bench.KannelFile, 0, 5), kannel(bench.KannelFile, .05, 4, "3 of 3 lost messages never came to the carrier"),
			kannel(bench.KannelMemory, 0, 10), kannel(bench.KannelMemory, .05, 8)},
	}
}

func TestTheSlowestIsQuoted(t *testing.T) {
	w := Worst(results())
	if w.Completed != 40 || w.Latency.P99 != .2 || w.Lost != 1 || w.Repeated != 2 || w.ReceiptsAfter != .05 {
		t.Errorf("%+v", w)
	}
}

// The members that CONTRACT.md names are there, under these names.
func TestJSONHasTheContractsShape(t *testing.T) {
	var b bytes.Buffer
	if err := JSON(&b, &bench.Outcome{Runs: results()[:1]}); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"messages", "accepted_per_second", "submitted_per_second", "completed_per_second", "lost", "repeated"} {
		if _, ok := got[name].(float64); !ok {
			t.Errorf("%s is %v", name, got[name])
		}
	}
	for object, members := range map[string][]string{"latency_seconds": {"p50", "p99"}, "cpu_us_per_message": {"redis", "gateway", "smsc", "load"}} {
		for _, name := range members {
			if _, ok := got[object].(map[string]any)[name].(float64); !ok {
				t.Errorf("%s.%s is not there", object, name)
			}
		}
	}
}

// A scraper finds Kannel's figures under the same names, by variant.
func TestJSONHasKannelByVariant(t *testing.T) {
	var b bytes.Buffer
	if err := JSON(&b, outcome()); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Completed float64 `json:"completed_per_second"`
		Lost      int     `json:"lost"`
		Kannel    map[string]struct {
			Completed float64            `json:"completed_per_second"`
			Times     float64            `json:"bindery_times"`
			Costs     *float64           `json:"cpu_times"`
			CPU       map[string]float64 `json:"cpu_us_per_message"`
			Runs      []json.RawMessage  `json:"runs"`
			Queued    *float64           `json:"queued_bytes_per_message"`
		} `json:"kannel"`
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	d, f, m := got.Kannel["default"], got.Kannel["file"], got.Kannel["memory"]
	if got.Completed != 40 || got.Lost != 1 || len(got.Kannel) != 3 || d.Completed != 2 || d.Times != 20 || d.Costs != nil || f.Completed != 4 || f.Times != 10 || m.Times != 5 || f.CPU["smsbox"] != 90 || len(m.Runs) != 2 || f.Queued != nil {
		t.Errorf("%+v", got)
	}
}

// What is compared by CPU is what stands in for another, not the load and the
// carrier, which both have.
func TestCostsAreComparedWithoutTheLoad(t *testing.T) {
	out := outcome()
	out.Runs = out.Runs[:1]
	var b bytes.Buffer
	if err := JSON(&b, out); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Kannel map[string]struct {
			Costs float64 `json:"cpu_times"`
		} `json:"kannel"`
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || got.Kannel["file"].Costs != 190/3.5 {
		t.Errorf("%v %+v", err, got)
	}
	if cell := cpuBeside(out.Runs[0], out.Kannel, bench.KannelFile); cell != "3.5 : 190, 1/54" {
		t.Errorf("%q", cell)
	}
	if cell := cpuBeside(results()[1], out.Kannel, bench.KannelFile); cell != "" {
		t.Errorf("a run at half speed has %q", cell)
	}
}

// A reader is told what was changed, and that a Kannel as it comes waits, when it
// does.
func TestSetupsAreTold(t *testing.T) {
	out := outcome()
	const want = "Kannel as it comes: 1 bind, 10 unanswered submit_sm, and a file store; it waits, with 20 % of the machine busy at most, and so do load and carrier, which cost more a message by it; tuned: 4 binds, 500 unanswered submit_sm each"
	if got := setups(out); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	out.Kannel[1].Busy = .9
	if got := setups(out); strings.Contains(got, "waits") {
		t.Error(got)
	}
}

func TestTableTellsEveryRun(t *testing.T) {
	var b bytes.Buffer
	if err := Table(&b, outcome()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"  50ms, 20/s  ", "CPU µs/message, sum", "unknown", "machine busy with others, %", "evalsha", "completed/s", "Redis, receipts after 50ms (", "settle", "kannel file 50ms: 3 of 3 lost messages never came",
		"times Kannel as it comes", "times Kannel tuned, file store", "times Kannel tuned, in memory", " 25.0 ×", " 10.0 ×", " 5.0 ×", "gateway + redis : Kannel as it comes", "  3.5 : 190, 1/54", "tuned: 4 binds, 500 unanswered", "kannel default 50ms", "CPU µs/message, bearerbox", "peak memory, bearerbox", "octets a queued message", "100 messages by batch"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// Each scenario has rows of its own, and no unknown where it does not weigh.
func TestTableTellsScenarios(t *testing.T) {
	run := func(s bench.Special) *bench.Outcome {
		return &bench.Outcome{Runs: []*bench.Result{{Form: bench.Batch, Messages: 7, Allocs: 3.25, Redis: &bench.Redis{}, Special: s}}}
	}
	leg := bench.Leg{Filled: 10, Drained: 20, Fill: ledger.Pair{First: 11, Last: 12}, Drain: ledger.Pair{First: 21, Last: 22}, Queued: 99}
	points := []bench.Point{{Rate: 5, Gateway: 2 << 20, Redis: 3 << 20}, {Rate: 6}, {Rate: 7, AOF: 4 << 20, Rewrites: 9}}
	for name, c := range map[string]struct {
		out  *bench.Outcome
		want []string
		not  string
	}{
		"soak": {run(bench.Special{Soak: &bench.Soak{Seconds: 600, Most: 50_000, Min: 5, Median: 6, Max: 7, Points: points, Held: points}}),
			[]string{"600 s of messages by batch", "window, min 5\n", "window, median 6\n", "Redis at 20 % 2, 3 MiB\n", "AOF at the end 4 MiB\n", "rewrites of the AOF 9\n", "allocations a message 3.2\n"}, "octets"},
		"backlog": {run(bench.Special{Backlog: &bench.Backlog{Empty: bench.Leg{Filled: 9}, Full: leg}}),
			[]string{"empty queue: filled/s 9\n", "backlog: filled/s, first tenth 11\n", "backlog: filled/s, last tenth 12\n", "backlog: drained/s 20\n", "backlog: drained/s, last tenth 22\n", "backlog: octets a queued message 99\n"}, "urgent"},
		"carriers": {run(bench.Special{Fair: &bench.Fair{Carriers: 250, Binds: 4, Min: 1, Median: 2, Max: 3}}),
			[]string{"to 250 carriers", "submits a carrier, min 1\n", "submits a carrier, max 3\n"}, "octets a"},
		"one by one": {run(bench.Special{Each: true}), []string{"7 messages one by one; "}, "octets a"},
		"urgent": {run(bench.Special{Accounts: 5, Priority: bench.Mixed, Urgent: &bench.Urgent{Messages: 3, Added: bench.Quantiles{P99: .004}}}),
			[]string{"of 5 accounts, priority mixed; ", "urgent: messages 3\n", "urgent: answer to wire, p99 4.0 ms\n"}, "window, min"},
		"idle": {&bench.Outcome{Idle: &bench.Idle{Carriers: 200, Binds: 4, Seconds: 20, Gateway: .0125, Resident: 64 << 20}},
			[]string{"200 carriers of 4 binds, idle for 20 s", "gateway 1.25\n", "memory, gateway 64 MiB\n"}, "lost"},
	} {
		var b bytes.Buffer
		if err := Table(&b, c.out); err != nil {
			t.Fatal(err)
		}
		got := regexp.MustCompile(" +").ReplaceAllString(b.String(), " ")
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", name, want, got)
			}
		}
		if strings.Contains(got, c.not) {
			t.Errorf("%s: %q in\n%s", name, c.not, got)
		}
	}
}

func TestJSONOfIdleCarriers(t *testing.T) {
	var b bytes.Buffer
	if err := JSON(&b, &bench.Outcome{Idle: &bench.Idle{Carriers: 200, Gateway: .5}}); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || got["carriers"] != 200.0 || got["gateway_core_share"] != .5 {
		t.Errorf("%v %v", got, err)
	}
}
