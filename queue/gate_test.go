package queue

import (
	"slices"
	"testing"
)

// Urgent pushes go in the next call whatever waits; those of a kind keep their
// order, and the others have half of each call.
func TestGateSendsUrgentPushesFirst(t *testing.T) {
	for _, tc := range []struct {
		name           string
		urgent, others int
		octets         int // of each of the others
		want           []int
	}{
		{"behind a megabyte", 1, 3, maxOctets, []int{2, 1, 1}},
		{"alone", maxTogether + 2, 0, 0, []int{maxTogether, 2}},
		{"a flood", maxTogether + 2, 100, 1, []int{maxTogether, maxTogether, 38}},
		{"none", 0, maxTogether + 1, 1, []int{maxTogether, 1}},
	} {
		g := gate{flying: 1}
		for range tc.urgent {
			g.urgent = append(g.urgent, &waitingPush{blocks: 1})
		}
		for range tc.others {
			g.waiting = append(g.waiting, &waitingPush{blocks: 1, octets: tc.octets})
		}
		all := slices.Concat(g.urgent, g.waiting)
		var sizes []int
		var went []*waitingPush
		for list := g.next(); len(list) > 0; list = g.next() {
			sizes, went = append(sizes, len(list)), append(went, list...)
		}
		if !slices.Equal(sizes, tc.want) || g.flying != 0 {
			t.Errorf("%s: calls of %v, flying %d; want %v, 0", tc.name, sizes, g.flying, tc.want)
		}
		order := func(list, of []*waitingPush) bool {
			return slices.IsSortedFunc(of, func(a, b *waitingPush) int { return slices.Index(list, a) - slices.Index(list, b) })
		}
		if !order(went, all[:tc.urgent]) || !order(went, all[tc.urgent:]) {
			t.Errorf("%s: pushes of a kind are out of order", tc.name)
		}
		if went[0] != all[0] {
			t.Errorf("%s: the first call does not begin with the urgent push", tc.name)
		}
	}
}
