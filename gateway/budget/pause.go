package budget

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Pause stops a carrier on all instances; its binds stay up. Others learn it
// with their next renewal.
func (b *Binds) Pause(ctx context.Context) error { return b.setPaused(ctx, true) }

// Resume lets a paused carrier go on.
func (b *Binds) Resume(ctx context.Context) error { return b.setPaused(ctx, false) }

func (b *Binds) setPaused(ctx context.Context, paused bool) error {
	key, word := stateKey(b.o.Carrier), rand.Text()
	for range 5 {
		seen, err := b.db.HGet(ctx, key, "pauses").Result()
		if errors.Is(err, redis.Nil) {
			seen, err = "0", nil
		}
		if err != nil {
			return fmt.Errorf("budget: pause of %s: %w", b.o.Carrier, err)
		}
		reply, err := pauseScript.Run(ctx, b.db, []string{key}, bit(paused), seen, word)
		if err != nil {
			return fmt.Errorf("budget: pause of %s: %w", b.o.Carrier, err)
		}
		if reply == int64(1) {
			b.mu.Lock()
			b.state.Paused = paused
			b.mu.Unlock()
			signal(b.kick)
			return nil
		}
	}
	return fmt.Errorf("budget: pause of %s: others change it all the time", b.o.Carrier)
}
