package dlr

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"bindery/internal/redisdb"
	"bindery/internal/redistest"
)

func TestPlaces(t *testing.T) {
	for _, good := range []string{"0-0/0", "1795683600123-7/99", "18446744073709551615-18446744073709551615/0"} {
		if p, err := ParsePlace(good); err != nil || p.String() != good {
			t.Errorf("%q: %+v %v", good, p, err)
		}
	}
	for _, bad := range []string{"", "1", "1-1", "1-1/", "/1", "1-1/x", "1-1/-1", "1-1/+1", "1-1/01", "-/1", "1-/1", "a-1/1", "1-1/1/1", "1-1/99999999999", "$/0", "18446744073709551616-0/0"} {
		if p, err := ParsePlace(bad); err == nil {
			t.Errorf("%q passes for %+v", bad, p)
		}
	}
}

// TestStatusStream: whoever reads on from any place, in steps of any size, sees
// each later event once, in order.
func TestStatusStream(t *testing.T) {
	db := redisdb.Wrap(redistest.Start(t).Client(t))
	ctx := context.Background()
	s := NewStatusStream(db, "stream")
	if end, err := s.End(ctx); err != nil || end != StreamBegin {
		t.Fatalf("%v %v", end, err)
	}
	if events, next, gap, err := s.Read(ctx, StreamBegin, 5); err != nil || gap || len(events) != 0 || next != StreamBegin {
		t.Fatalf("%v %v %v %v", events, next, gap, err)
	}
	var all []StatusEvent
	for n := range 40 {
		var lines []string
		for i := range 1 + n*7%13 {
			lines = append(lines, fmt.Sprintf(`{"n":%d,"i":%d}`, n, i))
		}
		id, err := db.XAdd(ctx, &redis.XAddArgs{Stream: "stream", Values: []string{"events", strings.Join(lines, "\n")}}).Result()
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range lines {
			all = append(all, StatusEvent{Place{id, i}, line})
		}
	}
	if end, err := s.End(ctx); err != nil || end != all[len(all)-1].Place {
		t.Errorf("ends at %v, %v", end, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.IntRange(-1, len(all)-1).Draw(t, "from")
		place := StreamBegin
		if from >= 0 {
			place = all[from].Place
		}
		var got []StatusEvent
		for {
			events, next, gap, err := s.Read(ctx, place, rapid.Int64Range(1, 50).Draw(t, "entries"))
			if err != nil || gap {
				t.Fatalf("gap %v, %v", gap, err)
			}
			if place = next; len(events) == 0 {
				break
			}
			got = append(got, events...)
		}
		if want := all[from+1:]; len(got) != len(want) || !cmp.Equal(got, append([]StatusEvent(nil), want...)) {
			t.Fatalf("%d events, want %d", len(got), len(want))
		}
	})
}

// TestStatusStreamGap: a place that is past the history says so and goes on
// with what is there; one ahead of the stream goes on at its end.
func TestStatusStreamGap(t *testing.T) {
	db := redisdb.Wrap(redistest.Start(t).Client(t))
	ctx := context.Background()
	s := NewStatusStream(db, "stream")
	add := func(id string) {
		if err := db.XAdd(ctx, &redis.XAddArgs{Stream: "stream", ID: id, Values: []string{"events", "{}\n{}"}}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	add("5-0")
	add("6-0")
	events, next, gap, err := s.Read(ctx, Place{"4-0", 1}, 10)
	if err != nil || !gap || len(events) != 4 || next != (Place{"6-0", 1}) {
		t.Errorf("%v %v %v %v", events, next, gap, err)
	}
	events, next, gap, err = s.Read(ctx, Place{"9-0", 7}, 10)
	if err != nil || !gap || len(events) != 0 || next != (Place{"6-0", 1}) {
		t.Errorf("%v %v %v %v", events, next, gap, err)
	}
	add("7-0")
	if events, _, gap, err = s.Read(ctx, next, 10); err != nil || gap || len(events) != 2 {
		t.Errorf("%v %v %v", events, gap, err)
	}
	db.XTrimMaxLen(ctx, "stream", 0)
	if events, next, gap, err = s.Read(ctx, Place{"7-0", 1}, 10); err != nil || !gap || len(events) != 0 {
		t.Errorf("%v %v %v %v", events, next, gap, err)
	}
}
