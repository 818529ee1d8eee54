package queue

import "context"

// Move takes up to n descriptors (of 1–500 parts each) off the lanes of a route
// and pushes them to another, "" for that of their blocks; it answers how many
// it moved: orphans of a route that is gone, what waits for a carrier that is.
func (q *Queue) Move(ctx context.Context, route string, p Priority, to string, n int) (int, error) {
	moved := 0
	for _, sh := range q.shards {
		accounts, err := q.db.LRange(ctx, sh.ring(route, p), 0, -1).Result()
		if err != nil {
			return moved, mapError(err)
		}
		for _, account := range accounts {
			if moved >= n {
				return moved, nil
			}
			list, err := q.db.LRange(ctx, sh.lane(route, p, account), 0, int64(min(n-moved, 50))-1).Result()
			if err != nil {
				return moved, mapError(err)
			}
			args := []any{route, p.String(), account, to}
			for _, d := range list {
				args = append(args, d)
			}
			r, err := q.run(ctx, moveScript, sh, args...)
			if err != nil {
				return moved, err
			}
			moved += int(r.number())
			if r.time(q); r.err != nil {
				return moved, r.err
			}
		}
	}
	return moved, nil
}
