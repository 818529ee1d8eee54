package budget

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"bindery/internal/redisdb"
	"bindery/internal/redistest"
)

// Many carriers have their shares by few round trips, also after the server
// forgot the script.
func TestTogether(t *testing.T) {
	const carriers = 120
	c := redistest.Start(t).Client(t)
	db := redisdb.Wrap(c)
	together := NewTogether(db)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	shares := make(chan int, carriers)
	for i := range carriers {
		b := NewBinds(db, BindsOptions{
			Carrier: fmt.Sprintf("c%d", i), Instance: "a", Binds: 2, Together: together, Share: func(n int) { shares <- n },
		})
		wg.Go(func() { _ = b.Run(ctx) })
	}
	deadline := time.After(30 * time.Second)
	for range carriers {
		select {
		case n := <-shares:
			if n != 2 {
				t.Errorf("share %d, want 2", n)
			}
		case <-deadline:
			t.Fatal("not all have a share")
		}
	}
	if err := c.ScriptFlush(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	b := NewBinds(db, BindsOptions{Carrier: "another", Instance: "a", Binds: 2})
	if v, err := b.call(timed(t), b.renewal(false), together); err != nil || v[0] != 2 {
		t.Errorf("after a flush of scripts: %v, %v", v, err)
	}
}

func timed(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// A call that Redis does not take is everybody's error.
func TestTogetherRefused(t *testing.T) {
	s := redistest.Start(t)
	db := redisdb.Wrap(s.Client(t))
	together := NewTogether(db)
	b := NewBinds(db, BindsOptions{Carrier: "alpha", Instance: "a", Binds: 2})
	if _, err := b.call(timed(t), b.renewal(false), together); err != nil {
		t.Fatal(err)
	}
	s.Kill(t)
	if _, err := b.call(timed(t), b.renewal(false), together); err == nil || !isRefusal(err) || !strings.Contains(err.Error(), "bind") {
		t.Errorf("with nobody listening: %v", err)
	}
}

func TestTurn(t *testing.T) {
	every := time.Second
	seen := map[time.Duration]int{}
	for i := range 1000 {
		carrier := fmt.Sprintf("carrier-%d", i)
		now := time.Unix(1000, 0).Add(time.Duration(i) * time.Millisecond)
		wait := turn(carrier, now, every, every)
		if wait < every/groups || wait >= every+every/groups {
			t.Fatalf("%s waits %s", carrier, wait)
		}
		at := now.Add(wait)
		if next := turn(carrier, at, every, every); next != every {
			t.Fatalf("%s: a turn after the next is %s later", carrier, next)
		}
		seen[time.Duration(at.UnixNano())%every]++
		if soon := turn(carrier, now, every, every/4); soon != every/4 {
			t.Fatalf("out of turn: %s", soon)
		}
	}
	if len(seen) != groups {
		t.Errorf("carriers renew at %d moments of a second, want %d", len(seen), groups)
	}
	for at, n := range seen {
		if n > 200 {
			t.Errorf("%d of 1000 renew at %s", n, at)
		}
	}
}
