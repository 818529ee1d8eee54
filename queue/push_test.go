package queue

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestPushOfSeveralRoutes: one call for messages of several routes and
// priorities, whole, each in its lane and all in the order they were given.
func TestPushOfSeveralRoutes(t *testing.T) {
	onEach(t, func(r *rig) {
		mixed := func() *Push {
			p := push("acme", 9)
			p.Route = ""
			for i := range p.Messages {
				m := &p.Messages[i]
				m.Route, m.Priority, m.Parts = []string{"default", "other"}[i%2], Priority(i%3), 1+i%4
			}
			p.Key = &Key{Hash: [16]byte{4}, Body: [16]byte{5}, Lines: []uint8{1, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1}, Kept: "\n kept\n\xff"}
			return p
		}
		p := mixed()
		ids := r.accept(p)
		if p.Before || len(ids) != 9 {
			r.Fatalf("%v %v", p.Before, ids)
		}
		for i, id := range ids {
			m := r.get("acme", id).Message
			want := mixed().Messages[i]
			if m.Text != want.Text || m.Route != want.Route || m.Priority != want.Priority || m.Parts != want.Parts {
				r.Errorf("message %d is %+v", i, m)
			}
		}
		again := mixed()
		if diff := cmp.Diff(ids, r.accept(again)); diff != "" || !again.Before {
			r.Errorf("again: %v %s", again.Before, diff)
		}
		rec, err := r.q.Recorded(r.ctx, "acme", [16]byte{4}, 0)
		want := &Record{Body: [16]byte{5}, Kept: "\n kept\n\xff", IDs: []ID{ids[0], "", ids[1], ids[2], ids[3], ids[4], ids[5], ids[6], ids[7], "", ids[8]}}
		if diff := cmp.Diff(want, rec); err != nil || diff != "" {
			r.Errorf("%v %s", err, diff)
		}
		r.checkHome()
		depths, err := r.q.Depths(r.ctx)
		if err != nil || len(depths.Lanes) != 6 {
			r.Errorf("%+v %v", depths, err)
		}
		if l := r.lease(r.owner(), 100); len(l.Parts) != 1+3+1+3+1 { // those of the route default
			r.Errorf("%d parts", len(l.Parts))
		}
	})
}

func TestPushTooLarge(t *testing.T) {
	r := miniRig(t, Options{})
	p := push("acme", 130)
	for i := range p.Messages {
		p.Messages[i].Text = strings.Repeat("x", 127<<10)
	}
	if _, err := r.q.Accept(r.ctx, p); !errors.Is(err, ErrTooLarge) {
		t.Errorf("130 blocks: %v", err)
	}
	p = push("acme", 1)
	p.Messages[0].Text = strings.Repeat("x", 300<<10)
	if _, err := r.q.Accept(r.ctx, p); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one of 300 KiB: %v", err)
	}
	if keys := r.db.Keys(r.ctx, "*:block:*").Val(); len(keys) != 0 {
		t.Errorf("left: %v", keys)
	}
}

// TestLimit: the parts taken in any time are what the rate gives in it, what
// the account may be ahead, and the last push.
func TestLimit(t *testing.T) {
	r := miniRig(t, Options{})
	second := &Limit{Rate: 10, Ahead: time.Second}
	take := func(account string, l *Limit, parts int) error {
		p := push(account, 1)
		p.Messages[0].Parts, p.Limit = parts, l
		_, err := r.q.Accept(r.ctx, p)
		return err
	}
	slow := func(err error, want time.Duration) {
		t.Helper()
		var e *TooFastError
		if !errors.As(err, &e) || e.Wait.Round(time.Millisecond) != want {
			t.Errorf("got %v, want a wait of %v", err, want)
		}
	}
	for i := range 11 { // one second ahead, and the push that goes past it
		if err := take("acme", second, 1); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	slow(take("acme", second, 1), 100*time.Millisecond)
	slow(take("acme", &Limit{Rate: 10}, 1), 1100*time.Millisecond)
	if err := take("bolt", second, 1); err != nil {
		t.Errorf("another account: %v", err)
	}
	r.pass(100 * time.Millisecond)
	if err := take("acme", second, 50); err != nil { // whole, and in debt by it
		t.Fatal(err)
	}
	slow(take("acme", second, 1), 5*time.Second)
	r.pass(6 * time.Second)
	if err := take("acme", &Limit{Rate: 10}, 1); err != nil {
		t.Error(err)
	}
}

// TestLimitCountsOnce: neither a repeat of a key nor a refusal takes of the rate.
func TestLimitCountsOnce(t *testing.T) {
	r := miniRig(t, Options{})
	keyed := func(body byte) *Push {
		p := push("acme", 10)
		p.Key, p.Limit = &Key{Hash: [16]byte{1}, Body: [16]byte{body}}, &Limit{Rate: 10}
		return p
	}
	first := r.accept(keyed(2))
	for range 5 {
		if diff := cmp.Diff(first, r.accept(keyed(2))); diff != "" {
			t.Error(diff)
		}
		if _, err := r.q.Accept(r.ctx, keyed(3)); !errors.Is(err, ErrKeyConflict) {
			t.Error(err)
		}
	}
	r.pass(time.Second)
	p := push("acme", 1)
	p.Limit = &Limit{Rate: 10}
	r.accept(p)
}

// TestLimitOfManyBlocks: what is refused leaves no bodies behind.
func TestLimitOfManyBlocks(t *testing.T) {
	r := miniRig(t, Options{})
	p := push("acme", 1200)
	p.Limit = &Limit{Rate: 100, Ahead: time.Second}
	r.accept(p)
	before := len(r.db.Keys(r.ctx, "*:block:*").Val())
	var e *TooFastError
	if _, err := r.q.Accept(r.ctx, p); !errors.As(err, &e) || e.Wait != 11*time.Second {
		t.Errorf("%v", err)
	}
	if after := len(r.db.Keys(r.ctx, "*:block:*").Val()); after != before {
		t.Errorf("%d bodies, %d before", after, before)
	}
}

// TestLimitAfterTheClockMovedBack: an account is shut out no longer than it was.
func TestLimitAfterTheClockMovedBack(t *testing.T) {
	r := miniRig(t, Options{})
	p := push("acme", 10)
	p.Limit = &Limit{Rate: 10}
	r.accept(p)
	r.pass(-10 * time.Second)
	r.q.clock.set(r.q.clock.now().Add(-10 * time.Second))
	var e *TooFastError
	if _, err := r.q.Accept(r.ctx, p); !errors.As(err, &e) || e.Wait > time.Second {
		t.Errorf("%v", err)
	}
}

// TestRecordsRoundTrip: whatever lines a push has, its record says their ids.
func TestRecordsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &Push{Account: "acme", Key: &Key{Kept: rapid.String().Draw(t, "kept")}}
		for range rapid.IntRange(1, 40).Draw(t, "lines") {
			taken := rapid.IntRange(0, 3).Draw(t, "taken") > 0
			if !taken {
				p.Key.Lines = append(p.Key.Lines, 0)
				continue
			}
			p.Key.Lines = append(p.Key.Lines, 1)
			p.Messages = append(p.Messages, Message{
				Route: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "route"), Priority: Priority(rapid.IntRange(0, 1).Draw(t, "priority")),
				Parts: rapid.SampledFrom([]int{1, 2, 200}).Draw(t, "parts"), Validity: time.Hour,
			})
		}
		if _, err := p.blocks(newShard(0, "s0"), time.Unix(1_800_000_000, 0)); err != nil {
			t.Fatal(err)
		}
		rec, err := parseRecord(p.record(strings.Repeat("0a", 16)))
		if err != nil {
			t.Fatal(err)
		}
		next := 0
		var want []ID
		for _, n := range p.Key.Lines {
			id := ID("")
			if n > 0 {
				id = p.Messages[next].ID
				next++
			}
			want = append(want, id)
		}
		if diff := cmp.Diff(want, rec.IDs); diff != "" || rec.Kept != p.Key.Kept || rec.Body[15] != 10 {
			t.Fatalf("%s %+v", diff, rec)
		}
	})
}

// TestRecordOfASharedBlock: a message of a block that others began.
func TestRecordOfASharedBlock(t *testing.T) {
	b := newBlock(0, time.Unix(1_800_000_000, 0))
	for _, first := range []int{0, 1, 37, maxParts - 2} {
		p := &Push{Key: &Key{}, Messages: []Message{{ID: newID(b, first), Parts: 2}}}
		rec, err := parseRecord(p.record(strings.Repeat("0a", 16)))
		if err != nil || len(rec.IDs) != 1 || rec.IDs[0] != p.Messages[0].ID {
			t.Errorf("part %d: %+v %v", first, rec, err)
		}
	}
	for _, text := range []string{"@", "@-1", "@500", "@1x", "@499"} {
		if rec, err := parseRecord(strings.Repeat("0a", 16) + " " + string(b) + text + ",2x1"); err == nil {
			t.Errorf("%s: %+v", text, rec)
		}
	}
}

// FuzzParseRecord: what lies in Redis is not trusted.
func FuzzParseRecord(f *testing.F) {
	hash := strings.Repeat("00", 16)
	for _, s := range []string{"", hash, hash + " a,1x1", hash + " a,1x1 #0,2x3 -,0x4\nkept", hash + " #0,1x1", hash + " a,1x99999999", hash + " -,1x1", hash + " aaaaaaaaaaaaaaaaaaaaaa@7,1x1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if rec, err := parseRecord(s); err == nil && len(rec.IDs) > maxRecordLines {
			t.Errorf("%d ids", len(rec.IDs))
		}
	})
}
