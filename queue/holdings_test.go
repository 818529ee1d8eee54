package queue

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"
)

// TestHoldings: by block or not, they are what a map by part would be.
func TestHoldings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h holdings
		model := map[Part]holding{}
		part := func() Part {
			return Part{Block(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "block")), uint16(rapid.IntRange(0, 5).Draw(t, "index"))}
		}
		number := func() LeaseNumber { return LeaseNumber(rapid.IntRange(0, 2).Draw(t, "lease")) }
		t.Repeat(map[string]func(*rapid.T){
			"set": func(*rapid.T) {
				p, held := part(), holding{number() + 1, int32(rapid.IntRange(0, 9).Draw(t, "place"))}
				h.set(p, held.lease, int(held.place))
				model[p] = held
			},
			"drop": func(*rapid.T) {
				p, lease := part(), number()
				h.drop(p, lease)
				if model[p].lease == lease {
					delete(model, p)
				}
			},
			"": func(t *rapid.T) {
				want, got := map[LeaseNumber]int{}, map[LeaseNumber]int{}
				blocks := map[Block]bool{}
				for p, held := range model {
					blocks[p.Block] = true
					want[held.lease]++
				}
				h.count(func(n LeaseNumber) { got[n]++ })
				if !maps.Equal(want, got) || len(h.blocks) != len(blocks) {
					t.Fatalf("counts %v of %d blocks, want %v of %d", got, len(h.blocks), want, len(blocks))
				}
				for _, b := range []Block{"a", "b", "c"} {
					for i := range uint16(7) {
						if got := h.get(Part{b, i}); got != model[Part{b, i}] {
							t.Fatalf("%s/%d: %v, want %v", b, i, got, model[Part{b, i}])
						}
					}
				}
			},
		})
	})
}

// TestHoldingsOfNoLease: what nobody holds is not dropped from what is.
func TestHoldingsOfNoLease(t *testing.T) {
	var h holdings
	h.set(Part{"a", 1}, 7, 3)
	h.drop(Part{"a", 0}, 0)
	if got := fmt.Sprint(h.get(Part{"a", 1})); got != "{7 3}" {
		t.Errorf("held: %s", got)
	}
}
