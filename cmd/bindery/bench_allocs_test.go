package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// The ceilings of what the gateway's process allocates for a message, from the
// octets of a request to the receipt's answer. They are what was reached, and a
// fifth for machines that cut the batches otherwise; the aim was 4. A change that
// goes below one lowers it.
var allocationCeilings = map[string]float64{"--ndjson": 1.4, "--batch": 1.3}

// TestGatewayAllocations counts by the runtime's own counter, which /metrics
// tells, over the whole way: real Redis, sockets and carrier.
func TestGatewayAllocations(t *testing.T) {
	if testing.Short() || raceOn {
		t.Skip("-short, or the race detector, which allocates")
	}
	if _, err := exec.LookPath("redis-server"); err != nil && os.Getenv("BINDERY_REQUIRE") != "1" {
		t.Skip("redis-server is not installed")
	}
	for form, ceiling := range allocationCeilings {
		t.Run(form, func(t *testing.T) {
			cmd := exec.Command("bindery", "bench", form, "--messages", "40000", "--receipts-after", "0s", "--json")
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Allocs float64 `json:"gateway_allocations_per_message"`
			}
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			t.Logf("%.2f allocations a message", got.Allocs)
			if got.Allocs <= 0 || got.Allocs > ceiling {
				t.Errorf("%.2f allocations a message, want at most %g", got.Allocs, ceiling)
			}
		})
	}
}
