package budget

import (
	"context"
	"fmt"
	"sync"
	"time"

	"bindery/internal/boottime"
	"bindery/internal/redisdb"
)

const defaultLease = 10 * time.Second

// BindsOptions are the settings of a carrier's bind slots on one instance.
type BindsOptions struct {
	Carrier  string
	Instance string // of this process start, never used again
	Binds    int    // bind slots, all instances together
	Lease    time.Duration
	// Held counts the binds that this instance holds, also those being opened
	// or closed; nil: always as many as its share. Up counts those that are up
	// (nil: Held). Silent tells that the carrier answers nothing here.
	Held   func() int
	Up     func() int
	Silent func() bool
	// Share is called by Run when the share has changed. From then on no more
	// binds may be opened than that; what is above is to be closed.
	Share func(n int)
	// Together has renewals of many carriers share round trips; nil: each its own.
	Together *Together
	Now      func() time.Time // default boottime.Time
}

// Binds is this instance's lease of a carrier's bind slots. Run must be running.
type Binds struct {
	db   *redisdb.DB
	o    BindsOptions
	rate *Rate // told the present rate; nil: nobody is

	kick chan struct{} // Run is to renew now
	rush chan struct{} // Run is to look when

	turn   turn // held while a renewal is under way; guards the next three
	number int64
	vouch  voucher
	left   bool // Leave was called: nobody renews any more

	mu    sync.Mutex // guards all below
	slots int        // configured
	share int
	state State
	last  time.Time // when the last renewal that has ended began
}

// State is how a carrier stands on all instances, as of the last renewal.
type State struct {
	Share   int           // of bind slots, of this instance
	Target  int           // its share once other instances gave theirs back
	Paused  bool          // by a person; the binds stay up
	Up      int           // binds up, all instances together
	Unbound time.Duration // since when no instance has one up; 0 if one has
	Silent  bool          // time-outs wherever it is bound
	Present float64       // rate in force, 0 none
	Ceiling float64       // learned, 0 never
	Known   bool          // a renewal was answered at all
	Err     error         // of the last renewal
}

// NewBinds returns the bind slots of a carrier; nothing is asked of Redis
// before Run, and the share is 0.
func NewBinds(db *redisdb.DB, o BindsOptions) *Binds {
	if o.Lease <= 0 {
		o.Lease = defaultLease
	}
	if o.Now == nil {
		o.Now = boottime.Time
	}
	b := &Binds{db: db, o: o, kick: make(chan struct{}, 1), rush: make(chan struct{}, 1), turn: make(turn, 1), slots: o.Binds}
	b.vouch.lease = o.Lease
	if b.o.Held == nil {
		b.o.Held = b.Share
	}
	if b.o.Up == nil {
		b.o.Up = b.o.Held
	}
	if b.o.Silent == nil {
		b.o.Silent = func() bool { return false }
	}
	return b
}

// Share is how many binds this instance may hold now.
func (b *Binds) Share() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.share
}

// State reads how the carrier stands.
func (b *Binds) State() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.state
	s.Share = b.share
	return s
}

// Paused tells that a person paused the carrier.
func (b *Binds) Paused() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state.Paused
}

// SetBinds changes the bind slots of the carrier.
func (b *Binds) SetBinds(n int) {
	b.mu.Lock()
	b.slots = n
	b.mu.Unlock()
	signal(b.kick)
}

// Nudge renews at once: the binds that are held have changed.
func (b *Binds) Nudge() { signal(b.kick) }

// Run renews the lease until ctx ends. Whoever is silenced by Redis for a lease
// gives all slots up, whoever is refused keeps them (voucher).
func (b *Binds) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	if b.o.Together != nil {
		b.o.Together.join(b)
		defer b.o.Together.leave(b)
	}
	for {
		kicked := false
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-b.kick:
			kicked = true
		case <-b.rush:
			timer.Reset(b.next())
			continue
		case <-timer.C:
		}
		b.renew(ctx, kicked)
		timer.Reset(b.next())
	}
}

// turn is a mutex that is not waited for beyond a context: its holder may wait
// for Redis.
type turn chan struct{}

func (t turn) take(ctx context.Context) bool {
	select {
	case t <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (t turn) try() bool {
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}

func (t turn) end() { <-t }

// hurries tells that slots change hands, or that the last renewal failed.
func (b *Binds) hurries() bool {
	held := b.o.Held() // takes mu, if it is Share
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.state.Known || b.share != b.state.Target || held > b.share || b.state.Err != nil
}

// next is the time to Run's next renewal: shorter while slots change hands, and
// only when Together tells if others see to it.
func (b *Binds) next() time.Duration {
	switch {
	case b.hurries():
		return b.o.Lease / 40
	case b.o.Together == nil:
		return b.o.Lease / 10
	case b.overdue(b.o.Now()):
		return 0
	}
	return never
}

// overdue tells that nobody has renewed for long enough to see to it oneself.
func (b *Binds) overdue(now time.Time) bool { return b.since(now) >= b.o.Lease/3 }

// since is how long ago the last renewal began.
func (b *Binds) since(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return now.Sub(b.last)
}

// renew is Run's own renewal; if Together has just seen to it, only when it must.
func (b *Binds) renew(ctx context.Context, must bool) {
	if !b.turn.take(ctx) {
		return
	}
	defer b.turn.end()
	now := b.o.Now()
	if b.o.Together != nil && !must && b.since(now) < b.o.Lease/5 && !b.hurries() {
		return
	}
	call, cancel := context.WithTimeout(ctx, b.patience(now))
	defer cancel()
	v, err := b.call(call, b.renewal(false))
	if ctx.Err() == nil {
		b.renewed(now, v, err)
	}
}

// patience is how long a renewal may take (turn held).
func (b *Binds) patience(now time.Time) time.Duration {
	if left := b.vouch.left(now); left > 0 {
		return min(b.o.Lease/3, left)
	}
	return b.o.Lease / 3
}

// renewed takes over the outcome of a renewal that was sent at now (turn held).
func (b *Binds) renewed(now time.Time, v []int64, err error) {
	if err != nil {
		b.vouch.failed(b.o.Now(), isRefusal(err))
		b.learn(now, nil, fmt.Errorf("budget: binds of %s: %w", b.o.Carrier, err))
	} else {
		b.vouch.answered(now)
		b.learn(now, v, nil)
	}
}

// renewal makes the arguments of the next renewal (turn held).
func (b *Binds) renewal(leave bool) []any {
	b.mu.Lock()
	slots, share := b.slots, b.share
	b.mu.Unlock()
	b.number++
	return []any{
		b.o.Instance, b.number, b.o.Lease.Milliseconds(), slots,
		share, b.o.Held(), b.o.Up(), bit(b.o.Silent()), bit(leave),
	}
}

func (b *Binds) keys() []string {
	return []string{bindsKey(b.o.Carrier), stateKey(b.o.Carrier), rateKey(b.o.Carrier)}
}

func (b *Binds) call(ctx context.Context, args []any) ([]int64, error) {
	return within(ctx, func() ([]int64, error) {
		reply, err := bindScript.Run(ctx, b.db, b.keys(), args...)
		if err != nil {
			return nil, err
		}
		return numbers(reply, 8)
	})
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// learn takes over the answer to what was sent at sent, or the lack of one.
func (b *Binds) learn(sent time.Time, v []int64, err error) {
	b.mu.Lock()
	b.last = sent
	was := b.share
	if err == nil {
		b.share = int(v[0])
		b.state = State{
			Target: int(v[1]), Up: int(v[2]), Unbound: time.Duration(v[3]) * time.Millisecond,
			Silent: v[4] == 1, Paused: v[5] == 1, Known: true,
			Present: float64(v[6]) / 1000, Ceiling: float64(v[7]) / 1000,
		}
	} else {
		b.state.Err = err
		if !b.vouch.holds(b.o.Now()) {
			b.share = 0
		}
	}
	share, present, ceiling := b.share, b.state.Present, b.state.Ceiling
	b.mu.Unlock()
	if err == nil && b.rate != nil {
		b.rate.observe(present, ceiling)
	}
	if share != was && b.o.Share != nil {
		b.o.Share(share)
	}
}

// Leave gives the slots back when Run has ended and no bind is held any more,
// so that others need not wait for the lease.
func (b *Binds) Leave(ctx context.Context) error {
	b.mu.Lock()
	b.share = 0
	b.mu.Unlock()
	if !b.turn.take(ctx) {
		return fmt.Errorf("budget: leave binds of %s: %w", b.o.Carrier, ctx.Err())
	}
	defer b.turn.end()
	b.left = true
	if _, err := b.call(ctx, b.renewal(true)); err != nil {
		return fmt.Errorf("budget: leave binds of %s: %w", b.o.Carrier, err)
	}
	return nil
}
