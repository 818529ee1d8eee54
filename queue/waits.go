package queue

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Waits are routes of which one wants to know, again and again, whether
// something waits on them.
type Waits struct {
	routes []string
	fields []any
}

// NewWaits is for these routes, also "@<carrier>".
func NewWaits(routes []string) *Waits {
	w := &Waits{routes: slices.Clone(routes)}
	for _, route := range w.routes {
		for _, p := range priorityWords {
			w.fields = append(w.fields, "q:"+route+":"+p)
		}
	}
	return w
}

// Waiting tells of each of the routes whether a lane of it has something that
// can be leased now, on any shard; with an error, on those that answered. It
// costs one command a shard.
func (q *Queue) Waiting(ctx context.Context, w *Waits) ([]bool, error) {
	has := make([]bool, len(w.routes))
	if len(has) == 0 {
		return has, nil
	}
	pipe := q.db.Pipeline()
	var asked []*redis.SliceCmd
	for _, sh := range q.shards {
		cmd := redis.NewSliceCmd(ctx, append([]any{"HMGET", sh.counts()}, w.fields...)...)
		_ = pipe.Process(ctx, cmd) // queued only
		asked = append(asked, cmd)
	}
	_, err := pipe.Exec(ctx) // of several shards some may have answered
	for _, cmd := range asked {
		if cmd.Err() != nil {
			continue
		}
		for i, v := range cmd.Val() {
			if text, ok := v.(string); ok {
				n, _ := strconv.Atoi(text) // Redis counts: it is a number
				has[i/len(priorityWords)] = has[i/len(priorityWords)] || n > 0
			}
		}
	}
	return has, mapError(err)
}

// Bell has f told of each route where a lane that was empty got something, by
// any process. Run must be running; f must not block. The doorbell may be missed
// (Redis was away): ask Waiting every 200 ms all the same.
func (q *Queue) Bell(f func(route string)) {
	q.wakeMu.Lock()
	defer q.wakeMu.Unlock()
	q.bells = append(q.bells, f)
}

// ring passes on one doorbell: "<route>:<priority>".
func (q *Queue) ring(bell string) {
	route := bell[:max(0, strings.LastIndexByte(bell, ':'))]
	q.wakeMu.Lock()
	defer q.wakeMu.Unlock()
	for _, f := range q.bells {
		f(route)
	}
}
