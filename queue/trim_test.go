package queue

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// A stream that gets more than 10,000 entries between two cuts is cut as far as
// one that gets few: at full load its history grew without end.
func TestTrimOfABusyStream(t *testing.T) {
	onEach(t, func(r *rig) {
		r.accept(push("acme", 1)) // so that the account is known
		events := strings.Repeat("x", 5000)
		pipe := r.db.Pipeline()
		const entries = 10_600
		for i := range entries {
			pipe.XAdd(r.ctx, &redis.XAddArgs{Stream: r.q.shardOf("acme").status("acme"), ID: fmt.Sprintf("1000-%d", i), Values: []any{"events", events}})
			if pipe.Len() == 1000 || i == entries-1 {
				if _, err := pipe.Exec(r.ctx); err != nil {
					r.Fatal(err)
				}
			}
		}
		if _, err := r.q.stepTrim(r.ctx); err != nil {
			r.Fatal(err)
		}
		if n := r.db.XLen(r.ctx, r.q.shardOf("acme").status("acme")).Val(); n > 1 {
			r.Errorf("%d entries are left", n)
		}
	})
}
