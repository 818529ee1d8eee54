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

	// Owned by Run.
	number int64
	vouch  voucher

	mu    sync.Mutex // guards all below
	slots int        // configured
	share int
	state State
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
	b := &Binds{db: db, o: o, kick: make(chan struct{}, 1), slots: o.Binds}
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
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-b.kick:
		case <-timer.C:
		}
		b.renew(ctx)
		timer.Reset(b.next())
	}
}

// next is the time to the next renewal: shorter while slots change hands.
func (b *Binds) next() time.Duration {
	held := b.o.Held() // takes mu, if it is Share
	b.mu.Lock()
	defer b.mu.Unlock()
	wait := b.o.Lease / 10
	if b.share != b.state.Target || held > b.share || b.state.Err != nil {
		wait /= 4
	}
	if b.o.Together != nil {
		return turn(b.o.Carrier, b.o.Now(), b.o.Lease/10, wait)
	}
	return wait
}

func (b *Binds) renew(ctx context.Context) {
	now := b.o.Now()
	wait := b.o.Lease / 3
	if left := b.vouch.left(now); left > 0 {
		wait = min(wait, left)
	}
	call, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	v, err := b.call(call, b.renewal(false), b.o.Together)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		b.vouch.failed(b.o.Now(), isRefusal(err))
		b.learn(nil, fmt.Errorf("budget: binds of %s: %w", b.o.Carrier, err))
	} else {
		b.vouch.answered(now)
		b.learn(v, nil)
	}
}

// renewal makes the arguments of the next renewal.
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

func (b *Binds) call(ctx context.Context, args []any, together *Together) ([]int64, error) {
	keys := []string{bindsKey(b.o.Carrier), stateKey(b.o.Carrier), rateKey(b.o.Carrier)}
	return within(ctx, func() ([]int64, error) {
		run := func() (any, error) { return bindScript.Run(ctx, b.db, keys, args...) }
		if together != nil {
			run = func() (any, error) { return together.run(ctx, keys, args) }
		}
		reply, err := run()
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

// learn takes over an answer, or the lack of one.
func (b *Binds) learn(v []int64, err error) {
	b.mu.Lock()
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
	if _, err := b.call(ctx, b.renewal(true), nil); err != nil {
		return fmt.Errorf("budget: leave binds of %s: %w", b.o.Carrier, err)
	}
	return nil
}
