package queue

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limit holds a push to its account's rate. The account has one theoretical
// arrival time for all instances (GCRA), in its shard: a push is taken whole or
// refused by it in the same step that takes it, so one that is refused for
// another reason, or was taken before under its key, costs nothing.
type Limit struct {
	Rate int // parts a second
	// Ahead is how far the account may be ahead of its rate for the push to be
	// taken. 0: it must have caught up.
	Ahead time.Duration
}

// TooFastError refuses a push of an account that is ahead of its rate.
type TooFastError struct {
	Wait time.Duration // until it may be tried again
}

func (e *TooFastError) Error() string {
	return fmt.Sprintf("queue: the account is over its rate for %s more", e.Wait)
}

// Cost is what n parts take of the account's time.
func (l *Limit) Cost(n int) time.Duration {
	return time.Duration(int64(n) * int64(time.Second) / int64(l.Rate))
}

// cost and ahead of a push; 0 for one without a limit.
func (p *Push) cost() (cost, ahead time.Duration) {
	if p.Limit == nil {
		return 0, 0
	}
	parts := 0
	for i := range p.Messages {
		parts += p.Messages[i].Parts
	}
	return max(p.Limit.Cost(parts), time.Microsecond), max(0, p.Limit.Ahead)
}

// withinLimit looks before bodies are written whether the account is ahead of
// its rate, so that what is refused leaves nothing in Redis. accept decides.
func (q *Queue) withinLimit(ctx context.Context, sh *shard, p *Push) error {
	if p.Limit == nil {
		return nil
	}
	text, err := q.db.Get(ctx, sh.rate(p.Account)).Result()
	if isNil(err) {
		return nil
	}
	if err != nil {
		return mapError(err)
	}
	at, _, _ := strings.Cut(text, " ")
	us, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return nil // accept sees to it
	}
	if ahead := time.UnixMicro(us).Sub(q.clock.now()); ahead > p.Limit.Ahead {
		return &TooFastError{Wait: ahead - p.Limit.Ahead}
	}
	return nil
}
