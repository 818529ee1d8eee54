package api

import (
	"net/http"
	"sync"
)

// What requests take of the room: a single send and a batch their body and what
// is made of it, a stream what it holds at most.
const (
	bodyFactor = 3
	streamRoom = 3 << 20 // octets
)

// room bounds what the bodies under way hold in memory. No account may take
// more than half of it, so that one leaves room for the others.
type room struct {
	most int64

	mu        sync.Mutex // guards the rest
	taken     int64
	byAccount map[string]int64
}

func newRoom(most int64) *room { return &room{most: most, byAccount: map[string]int64{}} }

var tooMuch = Problem{Status: http.StatusServiceUnavailable, Detail: "too much is under way; nothing was queued", RetryAfter: retryBusy}

// take reserves n octets, if they are there.
func (r *room) take(account string, n int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.taken+n > r.most || r.byAccount[account]+n > max(r.most/2, n) {
		return false
	}
	r.taken += n
	r.byAccount[account] += n
	return true
}

func (r *room) give(account string, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken -= n
	if r.byAccount[account] -= n; r.byAccount[account] == 0 {
		delete(r.byAccount, account)
	}
}
