// Package redisdb opens a Redis of any kind by its URL, checks it at start and
// runs scripts on it. It knows no key.
package redisdb

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// DB is a Redis: one server, a cluster, or a sentinel's master.
type DB struct{ redis.UniversalClient }

// Open parses url (redis://, rediss://, redis+cluster://h1:p,h2:p,
// redis+sentinel://h1:p,h2:p/master) and returns a client; nothing is dialled.
func Open(url string) (*DB, error) { panic("skeleton") }

// Wrap makes a DB of a client (miniredis in tests and the demo).
func Wrap(c redis.UniversalClient) *DB { return &DB{c} }

// Script is a Lua script, loaded when first run on a DB.
type Script struct{}

// NewScript takes a script's name (for errors) and source.
func NewScript(name, source string) *Script { panic("skeleton") }

// Run executes the script: EVALSHA, on NOSCRIPT EVAL; on a Redis that rejects
// the "#!lua" line (miniredis) the source without it.
func (s *Script) Run(ctx context.Context, db *DB, keys []string, args ...any) (any, error) {
	panic("skeleton")
}
