package bindpool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// Pool keeps binds alive. The zero value is of no use; see New.
type Pool struct {
	source Source
	cfg    Config
	owner  Owner
	pace   *pacer
	freed  chan struct{}
	live   atomic.Pointer[[]liveBind] // replaced with mu held
	turn   atomic.Uint32

	mu      sync.Mutex // guards what follows, and the states of the binds
	binds   []*bind    // the wanted ones, by number
	leaving []*bind    // given up, not gone yet
	closed  bool
}

// liveBind is a bind that takes submits.
type liveBind struct {
	index   int
	session *smpp.Session
}

// New makes a pool and starts its binds.
func New(source Source, cfg Config, owner Owner) (*Pool, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("bind pool: %w", err)
	}
	p := &Pool{source: source, cfg: cfg, owner: owner, pace: newPacer(cfg.ConnectEvery), freed: make(chan struct{}, 1)}
	p.live.Store(new([]liveBind))
	p.SetSize(cfg.Size)
	return p, nil
}

// Submit submits over the bind with the most free slots and says which. The
// errors are those of smpp.Session.Submit and ErrNoBind; then there will be no
// Result.
func (p *Pool) Submit(req pdu.PDU, token uint64) (bind int, err error) {
	live := *p.live.Load()
	if len(live) == 0 {
		return -1, ErrNoBind
	}
	best := p.mostFree(live)
	for i := range live {
		b := live[(best+i)%len(live)]
		err = b.session.Submit(req, token)
		if !errors.Is(err, smpp.ErrWindowFull) && !errors.Is(err, smpp.ErrClosing) {
			return b.index, err
		}
	}
	return -1, err
}

// mostFree is where Submit tries first. Equals take turns.
func (p *Pool) mostFree(live []liveBind) int {
	if len(live) == 1 {
		return 0
	}
	first := int(p.turn.Add(1)) % len(live)
	best, most := first, -1
	for i := range live {
		at := (first + i) % len(live)
		if free := live[at].session.Free(); free > most {
			best, most = at, free
		}
	}
	return best
}

// SubmitTo submits over one bind; ErrNoBind when it is not up.
func (p *Pool) SubmitTo(bind int, req pdu.PDU, token uint64) error {
	for _, b := range *p.live.Load() {
		if b.index == bind {
			return b.session.Submit(req, token)
		}
	}
	return ErrNoBind
}

// Free is the sum of the free slots of all binds.
func (p *Pool) Free() int {
	n := 0
	for _, b := range *p.live.Load() {
		n += b.session.Free()
	}
	return n
}

// Freed has a value when slots may have become free since it was last read.
func (p *Pool) Freed() <-chan struct{} { return p.freed }

func (p *Pool) tellFreed() {
	select {
	case p.freed <- struct{}{}:
	default:
	}
}

// Withdraw gives back what was submitted and not written yet, on every bind.
func (p *Pool) Withdraw() {
	for _, b := range *p.live.Load() {
		b.session.Withdraw()
	}
}

// Up is how many binds are up.
func (p *Pool) Up() int { return len(*p.live.Load()) }

// SetSize changes how many binds are kept. Those with the highest numbers go
// first: they drain, at most for Config.Drain, and unbind. It does not wait.
func (p *Pool) SetSize(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || n < 0 {
		return
	}
	p.resize(n, func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), p.cfg.Drain)
	})
}

// resize is SetSize with mu held; drain makes the context of a bind that goes.
func (p *Pool) resize(n int, drain func() (context.Context, context.CancelFunc)) {
	p.leaving = stillThere(p.leaving)
	for len(p.binds) > n {
		last := p.binds[len(p.binds)-1]
		p.binds = p.binds[:len(p.binds)-1]
		p.leaving = append(p.leaving, last)
		last.stop(drain())
	}
	for len(p.binds) < n {
		p.binds = append(p.binds, p.newBind(len(p.binds)))
	}
}

func stillThere(binds []*bind) (rest []*bind) {
	for _, b := range binds {
		select {
		case <-b.gone:
		default:
			rest = append(rest, b)
		}
	}
	return rest
}

// Close unbinds all binds at once and waits for them: their windows drain while
// ctx leaves time to unbind in, and when it is over the connections are closed.
func (p *Pool) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.resize(0, func() (context.Context, context.CancelFunc) { return withTimeToUnbind(ctx) })
	leaving := p.leaving
	p.mu.Unlock()

	hurry := context.AfterFunc(ctx, func() {
		for _, b := range leaving {
			b.cut()
		}
	})
	defer hurry()
	for _, b := range leaving {
		<-b.gone
	}
	return ctx.Err()
}

// timeToUnbind is what draining leaves of a bounded Close, at most.
const timeToUnbind = time.Second

// withTimeToUnbind ends a fifth of ctx's time, at most a second, before ctx.
func withTimeToUnbind(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end.Add(-min(time.Until(end)/5, timeToUnbind)))
}
