package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"bindery/internal/redistest"
)

// TestMetricsSuitPrometheus: promtool reads what /metrics says and finds
// nothing to complain of.
func TestMetricsSuitPrometheus(t *testing.T) {
	p := serve(t, configFor(redistest.Start(t).URL(), "127.0.0.1:1", ""))
	p.ready()
	p.send("+821012345678", "hi")
	text := p.do("GET", "/metrics", "", "").body
	for _, want := range []string{
		`bindery_messages_total{account="acme",route="default"} 1`, `bindery_submits_total{carrier="alpha",status="uncertain"} 0`,
		`bindery_receipts_total{carrier="alpha",status="unmatched"} 0`, `bindery_bind_up{bind="0",carrier="alpha"} 0`,
		`bindery_queue_depth{priority="normal",route="default"} 1`, `bindery_queue_depth{priority="bulk",route="default"} 0`,
	} {
		if !strings.Contains(string(text), want+"\n") {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if _, err := exec.LookPath("promtool"); err != nil {
		missing(t, "promtool")
		return
	}
	check := exec.Command("promtool", "check", "metrics")
	check.Stdin = bytes.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}
