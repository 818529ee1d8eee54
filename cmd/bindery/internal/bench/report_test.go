package bench

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func results() []*Result {
	return []*Result{
		{Form: NDJSON, Messages: 100, Completed: 50, Latency: Quantiles{P99: 9}, CPU: map[string]float64{"redis": 1.5, "gateway": 2, "smsc": 3, "load": 4}},
		{Form: NDJSON, Messages: 100, Completed: 25, Rate: 25, Latency: Quantiles{P99: .1}},
		{Form: NDJSON, Messages: 100, Completed: 40, ReceiptsAfter: .05, Latency: Quantiles{P99: 8}, books: books{Lost: 1}, Commands: []CommandStats{{"evalsha", .01, 100, 1}}},
		{Form: NDJSON, Messages: 100, Completed: 20, ReceiptsAfter: .05, Rate: 20, Latency: Quantiles{P99: .2}, books: books{Repeated: 2}},
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
	if err := WriteJSON(&b, results()[:1]); err != nil {
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

func TestTableTellsEveryRun(t *testing.T) {
	var b bytes.Buffer
	if err := WriteTable(&b, results()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{" 50ms, 20/s\n", "CPU µs/message, sum", "unknown", "machine busy with others, %", "evalsha", "completed/s", "Redis, receipts after 50ms ("} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
