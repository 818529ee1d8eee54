package main

import (
	"strings"
	"testing"
	"time"
)

// TestDemoTally: what is lost or told twice shows, by carrier, and a final that
// overtakes its 202 counts once.
func TestDemoTally(t *testing.T) {
	carriers, err := startCarriers()
	if err != nil {
		t.Fatal(err)
	}
	defer carriers.close()
	tally, at := newDemoTally(carriers, nil), processBegan.Add(time.Second)
	event := func(id, status, carrier string, after time.Duration) {
		tally.event(demoEvent{ID: id, Status: status, Carrier: carrier, At: at.Add(after)})
	}
	event("early", "delivered", "south", 500*time.Millisecond)
	tally.accept("early", "urgent", "world", 1, at)
	tally.accept("twice", "bulk", "korea", 2, at)
	tally.accept("lost", "bulk", "korea", 1, at)
	event("twice", "submitted", "north", 0)
	event("twice", "rejected", "north", 2*time.Second)
	event("twice", "rejected", "north", 2*time.Second)
	if c := tally.counts(); c.accepted != 3 || c.ended != 2 || c.delivered != 1 || c.lately["urgent"] != 500*time.Millisecond || c.lately["bulk"] != 2*time.Second {
		t.Errorf("%+v", c)
	}
	if tally.done(3) || !tally.done(2) {
		t.Error("done")
	}
	if tally.changed = time.Now().Add(-time.Hour); !tally.done(3) {
		t.Error("it waits for ever")
	}
	var b strings.Builder
	tally.summary(time.Now().Add(-time.Second)).write(&b, carriers, 80)
	for _, want := range []string{"half in 0.50 s, 99 % in 2.00 s (accepted", "accepted       3      2      1", "delivered      1      0      1", "rejected       1      1      0", "lost           1      1      0", "told twice     1      1      0", "repeated       0      0      0", "1.50 s after the start"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	b.Reset()
	tally.summary(time.Now()).write(&b, carriers, 20)
	if !strings.Contains(b.String(), "\n  lost           1\n") {
		t.Errorf("%s", b.String())
	}
}
