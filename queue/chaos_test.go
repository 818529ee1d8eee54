package queue

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// chaos stands between client and Redis: it loses replies of scripts, and keeps
// every call so that it can be delivered again, late.
type chaos struct {
	mu    sync.Mutex // guards the rest
	lose  func(name string) bool
	calls [][]any
	seen  map[string]int // by script
}

var errLost = errors.New("reply lost (test)")

var scriptNames = func() map[string]string {
	m := map[string]string{}
	for _, s := range scripts {
		for _, sha := range s.Hashes() {
			m[sha] = s.Name()
		}
	}
	return m
}()

func (c *chaos) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *chaos) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (c *chaos) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		args := cmd.Args()
		verb, _ := args[0].(string)
		if !strings.EqualFold(verb, "evalsha") || err != nil {
			return err
		}
		sha, _ := args[1].(string)
		name := scriptNames[sha]
		c.mu.Lock()
		defer c.mu.Unlock()
		if name != "" {
			c.calls = append(c.calls, slices.Clone(args))
			c.seen[name]++
		}
		if name != "" && c.lose != nil && c.lose(name) {
			cmd.SetErr(errLost)
			return errLost
		}
		return nil
	}
}

func (r *rig) addChaos() *chaos {
	c := &chaos{seen: map[string]int{}}
	r.db.AddHook(c)
	return c
}

// again delivers a call that was made before once more; nobody hears its reply.
func (c *chaos) again(r *rig, i int) {
	r.Helper()
	c.mu.Lock()
	args := c.calls[i]
	lose := c.lose
	c.lose = nil
	c.mu.Unlock()
	cmd := redis.NewCmd(r.ctx, args...)
	cmd.SetFirstKeyPos(3)
	if err := r.db.Process(r.ctx, cmd); err != nil {
		r.Errorf("delivered again: %v", err)
	}
	c.mu.Lock()
	c.calls = c.calls[:len(c.calls)-1]
	c.lose = lose
	c.mu.Unlock()
}
