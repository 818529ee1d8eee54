package redisdb

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Dialects of scripts.
const (
	dialectUnknown = iota
	dialectFlagged // understands "#!lua flags=…" (Redis 7)
	dialectPlain   // does not (miniredis)
)

// Script is a Lua script, loaded when first run on a DB.
type Script struct {
	name           string
	flagged, plain program
}

type program struct{ source, sha string }

func newProgram(source string) program {
	sum := sha1.Sum([]byte(source))
	return program{source, hex.EncodeToString(sum[:])}
}

// NewScript takes a script's name (for errors) and source. A source may begin
// with a line "#!lua …"; a server that rejects it is sent the rest.
func NewScript(name, source string) *Script {
	s := &Script{name: name, flagged: newProgram(source)}
	s.plain = s.flagged
	if strings.HasPrefix(source, "#!") {
		_, rest, _ := strings.Cut(source, "\n")
		s.plain = newProgram("\n" + rest) // line numbers of errors stay right
	}
	for _, sha := range s.Hashes() {
		names.Store(sha, name)
	}
	return s
}

// names of all scripts of this program, by the sums of Hashes.
var names sync.Map

// NameOf tells which script of this program a server knows by sha; "" is none.
// Whoever reads a server's books (MONITOR, SLOWLOG) asks.
func NameOf(sha string) string {
	name, _ := names.Load(sha)
	text, _ := name.(string)
	return text
}

// Name is the script's name, as errors say it.
func (s *Script) Name() string { return s.name }

// Hashes are the SHA-1 sums by which servers know the script, with and without
// its first line: tests tell by them which script a command runs.
func (s *Script) Hashes() []string { return []string{s.flagged.sha, s.plain.sha} }

var argPool = sync.Pool{New: func() any { s := make([]any, 0, 64); return &s }}

// Run executes the script: EVALSHA, on NOSCRIPT EVAL; on a Redis that rejects
// the "#!lua" line (miniredis) the source without it. Arguments are strings,
// byte slices or integers; nothing is kept of them. The reply is what go-redis
// makes of RESP: nil, int64, string, []any.
func (s *Script) Run(ctx context.Context, db *DB, keys []string, args ...any) (any, error) {
	p, err := s.program(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	reply, err := eval(ctx, db, "EVALSHA", p.sha, keys, args)
	if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
		reply, err = eval(ctx, db, "EVAL", p.source, keys, args)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return reply, nil
}

// Load makes the script known to the servers, so that the first Run does not
// send the source. It may be left out.
func (s *Script) Load(ctx context.Context, db *DB) error {
	p, err := s.program(ctx, db)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if err := db.ScriptLoad(ctx, p.source).Err(); err != nil {
		return fmt.Errorf("%s: load: %w", s.name, err)
	}
	return nil
}

func (s *Script) program(ctx context.Context, db *DB) (program, error) {
	switch db.dialect.Load() {
	case dialectFlagged:
		return s.flagged, nil
	case dialectPlain:
		return s.plain, nil
	}
	d, err := askDialect(ctx, db)
	if err != nil {
		return program{}, err
	}
	db.dialect.Store(d)
	if d == dialectPlain {
		return s.plain, nil
	}
	return s.flagged, nil
}

// askDialect learns by the server's own error whether it takes the first line.
// Two callers at once learn the same.
func askDialect(ctx context.Context, db *DB) (int32, error) {
	// A full Redis must answer too: a gateway that starts then has to drain it.
	err := db.Eval(ctx, "#!lua flags=allow-oom\nreturn 1", nil).Err()
	switch {
	case err == nil:
		return dialectFlagged, nil
	case strings.Contains(err.Error(), "compiling script"):
		return dialectPlain, nil
	}
	return dialectUnknown, err
}

// eval sends one command by a pooled argument slice: a typed go-redis command
// costs 1.0–1.8 µs and 7 allocations, this a third.
func eval(ctx context.Context, db *DB, verb, program string, keys []string, args []any) (any, error) {
	pooled := argPool.Get().(*[]any)
	a := append((*pooled)[:0], verb, program, len(keys))
	for _, k := range keys {
		a = append(a, k)
	}
	a = append(a, args...)
	cmd := redis.NewCmd(ctx, a...)
	if len(keys) > 0 {
		cmd.SetFirstKeyPos(3)
	}
	_ = db.Process(ctx, cmd) // the command holds the error
	reply, err := cmd.Result()
	clear(a)
	*pooled = a
	argPool.Put(pooled)
	if err == redis.Nil { //nolint:errorlint // go-redis answers this very value
		return nil, nil
	}
	return reply, err
}
