package queue

import (
	"context"
	"strconv"
	"time"
)

// History is what the queue keeps of ended messages.
type History struct {
	Bytes  int64         // about what they and their events take
	Age    time.Duration // effective: how far back it reaches, at most HistoryAge
	Oldest time.Time     // when the oldest that is left ended; zero: none is left
}

// History tells what the last trimming left.
func (q *Queue) History() History {
	if h := q.history.Load(); h != nil {
		return *h
	}
	return History{Age: q.o.HistoryAge}
}

// add takes in what another shard keeps: the shortest reach counts.
func (h *History) add(o History) {
	h.Bytes += o.Bytes
	h.Age = min(h.Age, o.Age)
	if h.Oldest.IsZero() || !o.Oldest.IsZero() && o.Oldest.Before(h.Oldest) {
		h.Oldest = o.Oldest
	}
}

// forgetPerCall is the most blocks that one call removes.
const forgetPerCall = 100

// forget removes blocks past the history's age or bound; more tells that one
// call did not do.
func (q *Queue) forget(ctx context.Context, sh *shard, all *History) (more bool, err error) {
	r, err := q.run(ctx, forgetScript, sh, q.o.HistoryAge.Milliseconds(), q.o.HistoryBytes/int64(len(q.shards)), forgetPerCall, MinHistoryAge.Milliseconds())
	if err != nil {
		return false, err
	}
	removed, now, bytes, oldest := r.number(), r.time(q), r.number(), r.number()
	if r.err != nil {
		return false, r.err
	}
	h := History{Bytes: bytes, Age: q.o.HistoryAge}
	if oldest >= 0 {
		h.Oldest = time.UnixMilli(oldest).UTC()
	}
	if bound := q.o.HistoryBytes; bound > 0 && bytes > bound/10*9 && oldest >= 0 {
		h.Age = max(MinHistoryAge, min(h.Age, now.Sub(h.Oldest)))
	}
	all.add(h)
	return removed == forgetPerCall, nil
}

// stepTrim cuts the status streams off at the history's age. What webhooks or
// upstreams are still owed (Options.Owed) holds a stream back.
func (q *Queue) stepTrim(ctx context.Context) (time.Duration, error) {
	cut := q.clock.now().Add(-q.History().Age).UnixMilli()
	for _, sh := range q.shards {
		accounts, err := q.db.SMembers(ctx, sh.accounts()).Result()
		if err != nil {
			return 0, mapError(err)
		}
		for _, account := range accounts {
			from := strconv.FormatInt(max(0, cut), 10)
			if q.o.Owed != nil {
				if owed := q.o.Owed(account); owed != "" && streamBefore(owed, cut) {
					from = owed
				}
			}
			if err := q.trim(ctx, sh.status(account), from); err != nil {
				return 0, mapError(err)
			}
		}
	}
	return trimEvery, nil
}

// trimPerCall is the most entries that one call cuts off: one of 100 events has a
// node of its own, and Redis does nothing else meanwhile.
const trimPerCall = 500

// trim cuts off all that is older. Without a limit of ours Redis has one of its
// own, 10,000 a call, and a busy stream would outgrow it.
func (q *Queue) trim(ctx context.Context, stream, from string) error {
	for {
		n, err := q.db.Do(ctx, "XTRIM", stream, "MINID", "~", from, "LIMIT", trimPerCall).Int64()
		if err != nil || n < trimPerCall {
			return err
		}
	}
}

// streamBefore tells whether a stream id is older than ms.
func streamBefore(id string, ms int64) bool {
	at, ok := parseMillis(id)
	return ok && at.UnixMilli() < ms
}

// parseMillis reads the leading digits as ms of Unix time.
func parseMillis(s string) (time.Time, bool) {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	ms, err := strconv.ParseInt(s[:n], 10, 64)
	return time.UnixMilli(ms), err == nil
}
