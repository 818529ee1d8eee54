package dlr

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// paths is a hook that has Correlate go one of its ways, or lose its answers.
type paths struct {
	t          testing.TB
	alone      bool // the transaction: its epoch is listed before, the script is an error
	refuse     bool // transactions, as a Redis that is older than 7
	swallow    int  // so many transactions run, but their answer is lost
	mu         sync.Mutex
	txs, calls int    // of the transaction, of the script
	epoch      string // of the last transaction
}

func (p *paths) DialHook(next redis.DialHook) redis.DialHook { return next }

func (p *paths) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if isCorrelate(cmd) {
			p.mu.Lock()
			p.calls++
			border := p.epoch != "" && p.epoch != epochAt(time.Now())
			p.mu.Unlock()
			if p.alone && !border {
				p.t.Errorf("script correlate is called")
			}
		}
		return next(ctx, cmd)
	}
}

func (p *paths) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() != "multi" || cmds[1].Name() != "hset" {
			return next(ctx, cmds)
		}
		p.mu.Lock()
		p.txs++
		key, _ := cmds[1].Args()[1].(string)
		_, p.epoch, _ = strings.Cut(key, "ids:")
		swallow := p.swallow > 0
		p.swallow--
		p.mu.Unlock()
		switch {
		case p.refuse:
			return failAll(cmds, redis.ErrCrossSlot) // any that Redis says
		case swallow:
			_ = next(ctx, cmds)
			return failAll(cmds, io.ErrUnexpectedEOF)
		case p.alone:
			state := strings.Replace(key, "ids:"+p.epoch, "state", 1)
			list := redis.NewCmd(ctx, "hset", state, "epochs", p.epoch+":99999999999")
			return next(ctx, slices.Insert(slices.Clone(cmds), 1, redis.Cmder(list)))
		}
		return next(ctx, cmds)
	}
}

func failAll(cmds []redis.Cmder, err error) error {
	for _, c := range cmds {
		c.SetErr(err)
	}
	return err
}

func isCorrelate(cmd redis.Cmder) bool {
	sha, _ := cmd.Args()[min(1, len(cmd.Args())-1)].(string)
	return cmd.Name() == "evalsha" && slices.Contains(correlateScript.Hashes(), sha)
}

func (db place) hook(t testing.TB) *paths {
	p := &paths{t: t}
	db.AddHook(p)
	return p
}

// used tells how often Correlate went each way since the last time.
func (p *paths) used() (txs, calls int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	txs, calls = p.txs, p.calls
	p.txs, p.calls = 0, 0
	return txs, calls
}

func (p *paths) went(t *testing.T, txs, calls int, when string) {
	t.Helper()
	if n, m := p.used(); n != txs || m != calls {
		t.Errorf("%s: %d transactions and %d calls of the script, want %d and %d", when, n, m, txs, calls)
	}
}

func epochAt(t time.Time) string { return strconv.FormatInt(t.Unix()/epochSeconds, 10) }
