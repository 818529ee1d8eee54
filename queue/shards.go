package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Shards: a home of messages each, and a hash slot each. Their number and tags
// are fixed when a Redis is first used and lie in bindery:shards; an account's
// messages are on the shard that its hash says.

// MaxShards is what an id has room for.
const MaxShards = 256

const hashSlots = 16384

// hashSlot is CLUSTER KEYSLOT of a key that is all hash tag: CRC-16/XMODEM.
func hashSlot(tag string) int {
	crc := uint16(0)
	for i := range len(tag) {
		crc ^= uint16(tag[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc) % hashSlots
}

// shardTags names n shards: tag k is "s<k>" and the first suffix that puts it
// into the k-th of n equal ranges of hash slots, so that each of n masters has
// one ("s0 s1 s2" alone leave the second of three empty).
func shardTags(n int) []string {
	tags := make([]string, n)
	for k := range tags {
		for try := 0; ; try++ {
			tags[k] = fmt.Sprintf("s%d%s", k, suffix(try))
			if slot := hashSlot(tags[k]); slot >= k*hashSlots/n && slot < (k+1)*hashSlots/n {
				break
			}
		}
	}
	return tags
}

// suffix counts "", "a" … "z", "aa" …
func suffix(n int) string {
	s := ""
	for ; n > 0; n = (n - 1) / 26 {
		s = string(rune('a'+(n-1)%26)) + s
	}
	return s
}

// Start reads or writes bindery:shards, loads the scripts and learns the time.
// A Redis that was divided into another number of shards than Options.Shards
// asks for keeps its own: ids name their shard.
func (q *Queue) Start(ctx context.Context) error {
	if err := q.findShards(ctx); err != nil {
		return err
	}
	for _, s := range scripts {
		if err := s.Load(ctx, q.db); err != nil {
			return mapError(err)
		}
	}
	return q.syncClock(ctx)
}

func (q *Queue) findShards(ctx context.Context) error {
	text, err := q.db.Get(ctx, keyShards).Result()
	if isNil(err) {
		n, err := q.wantedShards(ctx)
		if err != nil {
			return err
		}
		// Two instances that start at once: the first decides.
		if err := q.db.SetNX(ctx, keyShards, strings.Join(shardTags(n), " "), 0).Err(); err != nil {
			return mapError(err)
		}
		text, err = q.db.Get(ctx, keyShards).Result()
		if err != nil {
			return mapError(err)
		}
	} else if err != nil {
		return mapError(err)
	}
	shards, err := parseShards(text)
	if err != nil {
		return err
	}
	q.shards = shards
	return nil
}

func (q *Queue) wantedShards(ctx context.Context) (int, error) {
	if q.o.Shards > 0 {
		return min(q.o.Shards, MaxShards), nil
	}
	n, err := q.db.Masters(ctx)
	if err != nil {
		return 0, mapError(err)
	}
	return max(1, min(n, MaxShards)), nil
}

// parseShards checks what bindery:shards says: tags as shardTags draws them.
func parseShards(text string) ([]*shard, error) {
	tags := strings.Fields(text)
	if len(tags) == 0 || len(tags) > MaxShards {
		return nil, fmt.Errorf("queue: %s names %d shards, want 1..%d", keyShards, len(tags), MaxShards)
	}
	var shards []*shard
	for k, want := range shardTags(len(tags)) {
		if tags[k] != want {
			return nil, fmt.Errorf("queue: %s names shard %d %q, want %q", keyShards, k, tags[k], want)
		}
		shards = append(shards, newShard(k, want))
	}
	return shards, nil
}

// StreamKey is the key of an account's status stream.
func (q *Queue) StreamKey(account string) string { return q.shardOf(account).status(account) }

func (q *Queue) syncClock(ctx context.Context) error {
	r, err := q.run(ctx, timeScript, q.shards[0])
	if err != nil {
		return err
	}
	r.time(q)
	return r.err
}

// Full tells whether ingress should stop taking: from 90 % of maxmemory on, so
// that what is queued has room to drain. It asks Redis at most once a second.
func (q *Queue) Full(ctx context.Context) bool { return q.db.Memory(ctx).Filling() }

// each runs f for every shard, also when one of them fails.
func (q *Queue) each(f func(*shard) error) error {
	var errs []error
	for _, sh := range q.shards {
		if err := f(sh); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}
