package redisdb

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Call is one run of a script among others.
type Call struct {
	Keys []string
	Args []any

	Reply any   // as Run answers it
	Err   error // as Run does
}

// RunAll executes the script for each of the calls, in one round trip for all
// that go to one server. They are no transaction: each has its own outcome. On
// servers that do not know the script yet those that failed so run one by one.
func (s *Script) RunAll(ctx context.Context, db *DB, calls []*Call) {
	p, err := s.program(ctx, db)
	if err != nil {
		for _, c := range calls {
			c.Err = fmt.Errorf("%s: %w", s.name, err)
		}
		return
	}
	pipe := db.Pipeline()
	cmds := make([]*redis.Cmd, len(calls))
	for i, c := range calls {
		args := make([]any, 0, 3+len(c.Keys)+len(c.Args))
		args = append(args, "EVALSHA", p.sha, len(c.Keys))
		for _, k := range c.Keys {
			args = append(args, k)
		}
		cmds[i] = redis.NewCmd(ctx, append(args, c.Args...)...)
		if len(c.Keys) > 0 {
			cmds[i].SetFirstKeyPos(3)
		}
		_ = pipe.Process(ctx, cmds[i]) // queued only
	}
	_, _ = pipe.Exec(ctx) // each command holds its error
	for i, c := range calls {
		c.Reply, c.Err = cmds[i].Result()
		switch {
		case c.Err == redis.Nil: //nolint:errorlint // go-redis answers this very value
			c.Err = nil
		case c.Err != nil && redis.HasErrorPrefix(c.Err, "NOSCRIPT"):
			c.Reply, c.Err = s.Run(ctx, db, c.Keys, c.Args...)
		case c.Err != nil:
			c.Err = fmt.Errorf("%s: %w", s.name, c.Err)
		}
	}
}
