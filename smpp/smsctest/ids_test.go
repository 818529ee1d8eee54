package smsctest

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestIDForms(t *testing.T) {
	for _, tc := range []struct {
		form  IDForm
		n     uint64
		width int
		want  string
	}{
		{Hex, 0xABC, 0, "abc"},
		{HexUpper, 0xABC, 0, "ABC"},
		{HexPadded, 0xABC, 0, "0000000000000abc"},
		{HexUpperPad, 0xABC, 8, "00000ABC"},
		{Decimal, 0xABC, 0, "2748"},
		{Padded, 0xABC, 0, "00000000000000002748"},
		{Padded, 0xABC, 10, "0000002748"},
		{Padded, 1<<64 - 1, 3, "18446744073709551615"},
		{HexPadded, 1<<64 - 1, 0, "ffffffffffffffff"},
	} {
		if got := string(tc.form.append([]byte("id:"), tc.n, tc.width)); got != "id:"+tc.want {
			t.Errorf("form %d of %d: %q, want %q", tc.form, tc.n, got, tc.want)
		}
	}
}

func TestUUIDs(t *testing.T) {
	seen := map[string]uint64{}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64().Draw(t, "n")
		id := string(UUID.append(nil, n, 0))
		parts := strings.Split(id, "-")
		if len(id) != 36 || len(parts) != 5 || len(parts[0]) != 8 || len(parts[4]) != 12 || parts[2][0] != '4' || !strings.Contains("89ab", parts[3][:1]) {
			t.Fatalf("%q is no UUID of version 4", id)
		}
		if m, ok := seen[id]; ok && m != n {
			t.Fatalf("%d and %d share %q", m, n, id)
		}
		seen[id] = n
	})
}

// The same number in any two numeric forms is one message.
func TestFormsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64().Draw(t, "n")
		for _, f := range []struct {
			form IDForm
			base int
		}{{Hex, 16}, {HexUpper, 16}, {HexPadded, 16}, {HexUpperPad, 16}, {Decimal, 10}, {Padded, 10}} {
			id := string(f.form.append(nil, n, rapid.IntRange(0, 24).Draw(t, "width")))
			if m, err := strconv.ParseUint(id, f.base, 64); err != nil || m != n {
				t.Fatalf("form %d of %d: %q", f.form, n, id)
			}
		}
	})
}

func TestIDSources(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	reused := IDs{Source: Reused, Modulus: 3}
	counter := IDs{Source: Counter, First: 100}
	for i, want := range []uint64{1, 2, 3, 1, 2} {
		if got := reused.next(r, uint64(i)); got != want {
			t.Errorf("reused %d: %d, want %d", i, got, want)
		}
		if got := counter.next(r, uint64(i)); got != 100+uint64(i) {
			t.Errorf("counter %d: %d", i, got)
		}
	}
	var random IDs
	if a, b := random.next(r, 0), random.next(r, 0); a == b {
		t.Errorf("random ids %d and %d", a, b)
	}
}
