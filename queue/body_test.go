package queue

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func drawMessages(t *rapid.T) []Message {
	at := time.UnixMilli(1_800_000_000_123).UTC()
	var ms []Message
	for range rapid.IntRange(1, 6).Draw(t, "messages") {
		m := Message{
			To: "+8210" + rapid.StringMatching(`[0-9]{4,8}`).Draw(t, "to"), From: rapid.SampledFrom([]string{"1544", "SHOP", ""}).Draw(t, "from"),
			Text:     rapid.SampledFrom([]string{"Hi ", "Hello "}).Draw(t, "a") + rapid.String().Draw(t, "text") + rapid.SampledFrom([]string{"", "!"}).Draw(t, "z"),
			Encoding: rapid.SampledFrom([]string{"", "ucs2"}).Draw(t, "encoding"), Reference: rapid.String().Draw(t, "reference"),
			Campaign: rapid.SampledFrom([]string{"", "spring", `"quoted" <&>`}).Draw(t, "campaign"),
			Callback: rapid.SampledFrom([]string{"", "https://x.example/y"}).Draw(t, "callback"),
			Hold:     rapid.Bool().Draw(t, "hold"), ValidityNamed: rapid.Bool().Draw(t, "named"),
			Parts: rapid.IntRange(1, 5).Draw(t, "parts"), ConcatRef: rapid.Uint16().Draw(t, "ref"),
			Validity: time.Duration(rapid.OneOf(rapid.Just(86400_000), rapid.IntRange(1, 7*86400_000)).Draw(t, "validity")) * time.Millisecond,
			Account:  "acme", Route: "default", Priority: Bulk, AcceptedAt: at,
		}
		if rapid.Bool().Draw(t, "scheduled") {
			m.SendAt = at.Add(time.Hour)
		}
		ms = append(ms, m)
	}
	return ms
}

func TestBodyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := drawMessages(t)
		block, parts := newBlock(3, ms[0].AcceptedAt), 0
		for i := range ms {
			ms[i].ID = newID(block, parts)
			parts += ms[i].Parts
		}
		raw, err := appendBody(nil, "acme", "default", Bulk, ms, parts)
		if err != nil {
			t.Fatal(err)
		}
		b, err := parseBody(string(raw))
		if err != nil {
			t.Fatal(err)
		}
		for i := range ms {
			p, err := ms[i].ID.Parse()
			if err != nil || p.Block != block {
				t.Fatalf("%v %v", p, err)
			}
			got, err := b.message(block, int(p.Index))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&ms[i], got); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

func TestSharedTextIsStoredOnce(t *testing.T) {
	ms := push("acme", 100).Messages
	text := strings.Repeat("the same text for all, ", 40)
	for i := range ms {
		ms[i].Text, ms[i].Priority, ms[i].AcceptedAt = text, Normal, time.Unix(1_800_000_000, 0)
	}
	raw, err := appendBody(nil, "acme", "default", Normal, ms, 100)
	if err != nil || len(raw) > len(text)+100*60 {
		t.Errorf("%d octets for 100 times %d, %v", len(raw), len(text), err)
	}
}

// FuzzBody: what lies in Redis is never trusted; no octets may do more than
// make an error.
func FuzzBody(f *testing.F) {
	ms := push("acme", 3).Messages
	ms[1].Reference, ms[1].Campaign, ms[2].Parts, ms[2].From = "r", "c", 3, "OTHER"
	raw, err := appendBody(nil, "acme", "default", Normal, ms, 5)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(raw), 2)
	f.Add(string(raw[:40]), 0)
	f.Add("", 0)
	f.Fuzz(func(t *testing.T, raw string, part int) {
		b, err := parseBody(raw)
		if err != nil {
			return
		}
		m, err := b.message("0006p1nabb0cabc7d9xtts", part)
		if err == nil && (m.Parts < 1 || m.Parts > maxPerMsg || len(m.Text) > 2*len(raw) || m.Priority > Bulk) {
			t.Errorf("%+v", m)
		}
	})
}

func TestBodyOfAnotherFormat(t *testing.T) {
	ms := push("acme", 1).Messages
	raw, _ := appendBody(nil, "acme", "default", Normal, ms, 1)
	raw[0] = 9
	if _, err := parseBody(string(raw)); err == nil || !strings.Contains(err.Error(), "format 9") {
		t.Errorf("%v", err)
	}
}

// An older program leaves the extension area of a newer one unread.
func TestBodyExtension(t *testing.T) {
	ms := push("acme", 2).Messages
	ms[0].AcceptedAt, ms[1].AcceptedAt = time.Unix(1_800_000_000, 0), time.Unix(1_800_000_000, 0)
	raw, _ := appendBody(nil, "acme", "default", Normal, ms, 2)
	table := be16(string(raw), 2)
	const more = 7
	longer := string(raw[:2]) + string([]byte{byte((table + more) >> 8), byte(table + more)}) + string(raw[4:table]) + "newer!!" + string(raw[table:])
	out := []byte(longer)
	for i := range 3 {
		for _, o := range []int{4, 8} {
			at := table + more + i*entrySize + o
			v := be32(longer, at) + more
			out[at], out[at+1], out[at+2], out[at+3] = byte(v>>24), byte(v>>16), byte(v>>8), byte(v)
		}
	}
	b, err := parseBody(string(out))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := b.message("0006p1nabb0cabc7d9xtts", 1); err != nil || m.Text != "hello 1" {
		t.Errorf("%+v %v", m, err)
	}
}

func FuzzConstant(f *testing.F) {
	f.Add("+8210", `a"b`, "spring")
	f.Fuzz(func(t *testing.T, to, reference, campaign string) {
		if !utf8.ValidString(to) || !utf8.ValidString(reference) || !utf8.ValidString(campaign) || len(to)+len(reference)+len(campaign) > 9000 {
			return
		}
		m := Message{To: to, Reference: reference, Campaign: campaign}
		var got Message
		if err := got.parseConstant(string(appendConstant(nil, &m, 17))); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTicks(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	for _, d := range []time.Duration{0, time.Second, -time.Hour, 300 * 24 * time.Hour, -300 * 24 * time.Hour} {
		at := now.Add(d)
		if got := fromTick(toTick(at), now); got.Sub(at).Abs() > tick {
			t.Errorf("%v comes back as %v", at, got)
		}
	}
}

func TestIDs(t *testing.T) {
	at := time.Unix(1_900_000_001, 0)
	a, b := newBlock(0, at), newBlock(0, at.Add(time.Second))
	if a >= b || !a.AcceptedAt().Equal(at) || len(newID(a, 499)) != 26 {
		t.Errorf("%s %s %v", a, b, a.AcceptedAt())
	}
	if n, ok := newBlock(255, at).shard(); !ok || n != 255 {
		t.Errorf("shard %d", n)
	}
	for _, bad := range []ID{"", "x", ID(strings.Repeat("u", 26)), ID(strings.Repeat("z", 26)), newID(a, 500), newID(a, 0) + "0"} {
		if p, err := bad.Parse(); err == nil {
			t.Errorf("%q parses as %v", bad, p)
		}
	}
}

func TestErrorNumbers(t *testing.T) {
	for _, code := range []string{"", "smpp:0x0B", "smpp:0x00", "smpp:0x4FF", "receipt:045", "receipt:999", "validity", "malformed"} {
		if got := errOf(errNumber(code)).Code; got != code {
			t.Errorf("%q comes back as %q", code, got)
		}
	}
	for _, code := range []string{"receipt:12", "receipt:1x3", "smpp:0xFFFFF", "other"} {
		if n := errNumber(code); n != 0 {
			t.Errorf("%q has the number %d", code, n)
		}
	}
}

func TestRouteNumberIsFNV(t *testing.T) {
	if got := routeNumber("foobar"); got != 0xbf9cf968 { // of the FNV test suite
		t.Errorf("%x", got)
	}
}
