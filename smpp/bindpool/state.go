package bindpool

import (
	"errors"
	"time"

	"bindery/smpp"
)

// State is what a bind is doing.
type State uint8

const (
	Waiting State = iota // until it may connect (again)
	Connecting
	Up
	Leaving // draining and unbinding, no longer wanted
	Gone
)

var stateNames = [...]string{"waiting", "connecting", "up", "leaving", "gone"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "unknown"
}

// BindState is a snapshot of one bind, for metrics and the console.
type BindState struct {
	Bind  int // its number, from 0
	State State
	Since time.Time
	// Err is why it waits: its own last failure, or the refusal of credentials
	// that holds the whole pool. Nil before the first try and when up.
	Err   error
	Tries int       // failed ones since it was last up for a while
	Retry time.Time // when Waiting after a failure: not before

	Window int       // of the session; 0 when not up
	InUse  int       // window slots taken
	Stat   smpp.Stat // of the session that submits; zero when not up
}

// Binds is a snapshot of the wanted binds, by number. What is still leaving is
// not in it.
func (p *Pool) Binds() []BindState {
	held, reason := p.pace.holds()
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]BindState, 0, len(p.binds))
	for _, b := range p.binds {
		st := b.shown
		if st.State == Waiting && st.Err == nil && reason != nil {
			st.Err, st.Retry = reason, held
		}
		if b.tx != nil {
			st.Stat = b.tx.Stat()
			st.Window, st.InUse = st.Stat.Window, st.Stat.InUse
		}
		all = append(all, st)
	}
	return all
}

// show changes what Binds says. tries below 0: as before, with the error.
func (b *bind) show(state State, err error, tries int, retry time.Duration) {
	b.pool.mu.Lock()
	defer b.pool.mu.Unlock()
	now := time.Now()
	b.shown.State, b.shown.Since, b.shown.Retry = state, now, time.Time{}
	if tries >= 0 {
		b.shown.Err, b.shown.Tries, b.shown.Retry = err, tries, now.Add(retry)
	}
}

type endKind uint8

const (
	localEnd endKind = iota
	remoteEnd
)

// kindOfEnd tells whether the peer, or its silence, ended a session.
func kindOfEnd(err error) endKind {
	var closed *smpp.ClosedError
	if errors.As(err, &closed) && !closed.Remote && (errors.Is(err, smpp.ErrUnbound) || errors.Is(err, smpp.ErrClosed)) {
		return localEnd
	}
	return remoteEnd
}

// Held counts the binds that the pool has or may open at any moment, and those
// that are leaving and not gone yet.
func (p *Pool) Held() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leaving = stillThere(p.leaving)
	return len(p.binds) + len(p.leaving)
}
