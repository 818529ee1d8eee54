package budget

import (
	"fmt"
	"testing"
	"time"
)

func TestVoucher(t *testing.T) {
	const lease = 10 * time.Second
	type event struct {
		at   int // seconds
		what string
	}
	tests := []struct {
		name   string
		events []event
		until  int // the last second at which the slots are held
	}{
		{"never answered", []event{{0, "silence"}}, -1},
		{"never answered but refused", []event{{0, "refusal"}, {1, "refusal"}, {12, "refusal"}}, -1},
		{"answered", []event{{0, "answer"}}, 9},
		{"answered again", []event{{0, "answer"}, {5, "answer"}}, 14},
		{"silence", []event{{0, "answer"}, {3, "silence"}, {8, "silence"}, {12, "silence"}}, 9},
		{"refused beyond the lease", []event{{0, "answer"}, {5, "refusal"}, {12, "refusal"}, {21, "refusal"}}, 30},
		{"refused, then silent", []event{{0, "answer"}, {3, "refusal"}, {8, "refusal"}, {9, "silence"}}, 9},
		{"refused beyond the lease, then silent", []event{{0, "answer"}, {3, "refusal"}, {13, "refusal"}, {14, "silence"}}, 22},
		{"one silence among refusals begins their count anew", []event{{0, "answer"}, {1, "refusal"}, {6, "silence"}, {7, "refusal"}, {12, "refusal"}, {13, "silence"}}, 12},
		{"stopped while refused", []event{{0, "answer"}, {2, "refusal"}}, 11},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := voucher{lease: lease}
			from := time.Unix(1000, 0)
			next := 0
			for s := range 60 {
				now := from.Add(time.Duration(s) * time.Second)
				for next < len(tt.events) && tt.events[next].at == s {
					switch tt.events[next].what {
					case "answer":
						v.answered(now)
					default:
						v.failed(now, tt.events[next].what == "refusal")
					}
					next++
				}
				if next > 0 && v.holds(now) != (s <= tt.until) {
					t.Fatalf("second %d: holds is %v, want it until %d", s, v.holds(now), tt.until)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for text, want := range map[string]bool{
		"LOADING Redis is loading the dataset in memory": true,
		"CLUSTERDOWN The cluster is down":                true,
		"MASTERDOWN Link with MASTER is down":            true,
		"OOM command not allowed":                        false,
		"i/o timeout":                                    false,
	} {
		if got := isRefusal(fmt.Errorf("bind: %w", respError{fmt.Errorf("%s", text)})); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}
