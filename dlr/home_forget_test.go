package dlr

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"bindery/queue"
)

// What is packed comes out as it was, in its order.
func TestForgettingIsPacked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		block := rapid.SampledFrom([]queue.Block{"0000000000000000000001", "0000000000000000000002", "zzzzzzzzzzzzzzzzzzzzzz"})
		id := rapid.OneOf(rapid.StringMatching(`[0-9a-f]{1,40}`), rapid.StringN(1, 20, maxForgetID))
		var b bucket
		var want, got []string
		for range rapid.IntRange(0, 50).Draw(t, "ids") {
			k := Known{id.Draw(t, "id"), queue.Part{Block: block.Draw(t, "block"), Index: rapid.Uint16().Draw(t, "part")}}
			b.add(&k)
			want = append(want, fmt.Sprintf("%s %s", k.ID, appendPart(nil, k.Part)))
		}
		b.each(func(id, part []byte) { got = append(got, fmt.Sprintf("%s %s", id, part)) })
		if fmt.Sprint(got) != fmt.Sprint(want) || b.n != len(want) {
			t.Fatalf("%d: %q, want %q", b.n, got, want)
		}
	})
}

// Ten seconds of a busy carrier are a million ids: of one block in turn they
// take 12 octets each.
func TestForgettingIsSmall(t *testing.T) {
	var b bucket
	for i := range 500 {
		b.add(&Known{fmt.Sprintf("%016x", i), queue.Part{Block: "0000000000000000000001", Index: uint16(i)}})
	}
	if n := len(b.octets); n > 500*12 {
		t.Errorf("%d octets", n)
	}
}
