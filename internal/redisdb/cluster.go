package redisdb

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Masters is the number of masters: 1 but for a cluster.
func (db *DB) Masters(ctx context.Context) (int, error) {
	c, ok := db.UniversalClient.(*redis.ClusterClient)
	if !ok {
		return 1, nil
	}
	n, mu := 0, sync.Mutex{} // mu guards n: go-redis calls from several goroutines
	err := c.ForEachMaster(ctx, func(context.Context, *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		n++
		return nil
	})
	return n, err
}

// probe reads the memory of the fullest master.
func (db *DB) probe(ctx context.Context) Memory {
	c, ok := db.UniversalClient.(*redis.ClusterClient)
	if !ok {
		return parseMemory(db.info(ctx, "memory"))
	}
	var fullest Memory
	mu := sync.Mutex{} // guards fullest
	_ = c.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error {
		m := parseMemory(Wrap(master).info(ctx, "memory"))
		mu.Lock()
		defer mu.Unlock()
		if m.share() >= fullest.share() {
			fullest = m
		}
		return nil
	})
	return fullest
}
