package bindpool

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"bindery/smpp"
)

// bind is one of a pool's binds: run's goroutine and what is shown of it.
type bind struct {
	pool    *Pool
	index   int
	wanted  context.Context // over when the bind is to go
	unwant  context.CancelFunc
	gone    chan struct{}
	earlier []*bind // holders of this number, to be gone before we connect

	// Guarded by Pool.mu.
	shown     BindState
	tx, rx    *smpp.Session
	drain     context.Context // set before unwant
	endDrain  context.CancelFunc
	hardClose bool
}

// newBind starts a bind (mu held).
func (p *Pool) newBind(index int) *bind {
	b := &bind{pool: p, index: index, gone: make(chan struct{})}
	b.wanted, b.unwant = context.WithCancel(context.Background())
	b.shown = BindState{Bind: index, State: Waiting, Since: time.Now()}
	for _, old := range p.leaving {
		if old.index == index {
			b.earlier = append(b.earlier, old)
		}
	}
	go b.run()
	return b
}

// stop lets the bind go (mu held).
func (b *bind) stop(drain context.Context, end context.CancelFunc) {
	b.drain, b.endDrain = drain, end
	b.unwant()
}

// cut closes what is left of it.
func (b *bind) cut() {
	b.pool.mu.Lock()
	defer b.pool.mu.Unlock()
	b.hardClose = true
	for _, s := range b.sessions() {
		s.Close()
	}
}

// sessions are those that are up (mu held).
func (b *bind) sessions() (all []*smpp.Session) {
	for _, s := range []*smpp.Session{b.tx, b.rx} {
		if s != nil {
			all = append(all, s)
		}
	}
	return all
}

func (b *bind) run() {
	defer close(b.gone)
	defer b.finish()
	for _, old := range b.earlier {
		<-old.gone
	}
	back := backoff{first: b.pool.cfg.Backoff, bound: b.pool.cfg.MaxBackoff, refused: b.pool.cfg.RefusedWait}
	for b.wanted.Err() == nil {
		began, err := b.serve()
		if !began.IsZero() && time.Since(began) >= b.pool.cfg.Stable {
			back.tries = 0
		}
		if b.wanted.Err() != nil {
			return
		}
		wait := back.next(err, rand.Float64())
		b.show(Waiting, err, back.tries, wait)
		if began.IsZero() {
			alarm := back.tries >= alarmTries || kind(err) == credentials
			b.pool.owner.Failed(b.index, Failure{Err: err, Tries: back.tries, Retry: wait, Alarm: alarm})
		}
		if sleep(b.wanted, wait, nil) != nil {
			return
		}
	}
}

// finish gives back what the bind's context holds.
func (b *bind) finish() {
	b.pool.mu.Lock()
	defer b.pool.mu.Unlock()
	b.shown.State = Gone
	if b.endDrain != nil {
		b.endDrain()
	}
}

// serve is one life of the bind: connect, be up, end. began is zero when it
// never was up.
func (b *bind) serve() (began time.Time, err error) {
	tx, rx, err := b.open()
	if err != nil {
		return time.Time{}, err
	}
	began = time.Now()
	b.isUp(tx, rx)
	err = b.await(tx, rx)
	b.isDown(err)
	return began, err
}

// open connects a transceiver, or a transmitter and its receiver.
func (b *bind) open() (tx, rx *smpp.Session, err error) {
	tx, err = b.connect(b.pool.source)
	if err != nil || b.pool.cfg.Receiver == nil {
		return tx, nil, err
	}
	rx, err = b.connect(b.pool.cfg.Receiver)
	if err != nil {
		b.unbind(tx)
	}
	return tx, rx, err
}

func (b *bind) connect(source Source) (*smpp.Session, error) {
	pace := b.pool.pace
	if err := pace.start(b.wanted); err != nil {
		return nil, err
	}
	b.show(Connecting, nil, -1, 0)
	s, err := source.Open(b.wanted, b.handler())
	switch {
	case err == nil:
		pace.done(trusted, 0, nil)
	case kind(err) == credentials && b.pool.Up() == 0:
		pace.done(refused, b.pool.cfg.RefusedWait, err)
	default:
		pace.done(tells, 0, nil)
	}
	return s, err
}

// await returns when the bind is over: a session of it died, and the other was
// unbound; or the bind is no longer wanted, and both were.
func (b *bind) await(tx, rx *smpp.Session) error {
	both := []*smpp.Session{tx}
	rxDone := (<-chan struct{})(nil)
	if rx != nil {
		both, rxDone = append(both, rx), rx.Done()
	}
	select {
	case <-tx.Done():
	case <-rxDone:
	case <-b.wanted.Done():
		b.show(Leaving, nil, -1, 0)
	}
	b.unbind(both...)
	return firstEnd(both)
}

// firstEnd is why the bind ended: of a pair, what its other half did not do
// because of us.
func firstEnd(all []*smpp.Session) error {
	for _, s := range all {
		if err := s.Err(); kindOfEnd(err) == remoteEnd {
			return err
		}
	}
	return all[0].Err()
}

// unbind ends sessions in order, all at the same time, and waits for them.
func (b *bind) unbind(all ...*smpp.Session) {
	ctx, cancel := b.drainContext()
	defer cancel()
	ended := make(chan struct{}, len(all))
	for _, s := range all {
		go func() {
			s.Unbind(ctx) // its error is the session's, see Err
			ended <- struct{}{}
		}()
	}
	for range all {
		<-ended
	}
}

// drainContext bounds the draining of the window: as the pool said when it let
// the bind go, else by Config.Drain.
func (b *bind) drainContext() (context.Context, context.CancelFunc) {
	b.pool.mu.Lock()
	defer b.pool.mu.Unlock()
	if b.drain != nil {
		return context.WithCancel(b.drain)
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.pool.cfg.Drain)
	stop := context.AfterFunc(b.wanted, cancel)
	return ctx, func() { stop(); cancel() }
}

func (b *bind) isUp(tx, rx *smpp.Session) {
	p := b.pool
	p.mu.Lock()
	b.tx, b.rx = tx, rx
	b.shown = BindState{Bind: b.index, State: Up, Since: time.Now()}
	if b.hardClose {
		for _, s := range b.sessions() {
			s.Close()
		}
	}
	next := append(slices.Clone(*p.live.Load()), liveBind{b.index, tx})
	slices.SortFunc(next, func(x, y liveBind) int { return x.index - y.index })
	p.live.Store(&next)
	p.mu.Unlock()
	p.owner.Up(b.index)
	p.tellFreed()
}

func (b *bind) isDown(err error) {
	p := b.pool
	p.mu.Lock()
	next := slices.DeleteFunc(slices.Clone(*p.live.Load()), func(l liveBind) bool { return l.session == b.tx })
	p.live.Store(&next)
	b.tx, b.rx = nil, nil
	p.mu.Unlock()
	p.owner.Down(b.index, err)
}
