package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

// ledger holds four books against each other: what got a 202, what the carrier
// took, what the status streams say, and what is left in Redis. A message is
// known in the first two by its destination, which no other has.
type ledger struct {
	t       *testing.T
	redis   *redis.Client
	smsc    *smsctest.SMSC
	streams []string // keys

	mu       sync.Mutex // guards the two maps
	accepted map[string]*account
	byID     map[string]*account

	// The reader of the streams, on the test's goroutine.
	cursor map[string]string
	held   int // held messages without a final
	odd    []string
}

// account is the line of one accepted message.
type account struct {
	id, to string
	parts  int
	hold   bool      // on_uncertain: sent once at most
	at     time.Time // of the 202
	events []event
	finals int
}

func newLedger(t *testing.T, c *redis.Client, smsc *smsctest.SMSC, streams []string) *ledger {
	return &ledger{
		t: t, redis: c, smsc: smsc, streams: streams,
		accepted: map[string]*account{}, byID: map[string]*account{}, cursor: map[string]string{},
	}
}

// accept notes a 202; it may be called from any goroutine.
func (l *ledger) accept(to, id string, parts int, hold bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	to = strings.TrimPrefix(to, "+")
	a := l.byID[id]
	if a == nil {
		a = &account{id: id}
	}
	if l.accepted[to] != nil || a.to != "" {
		return fmt.Errorf("%s to %s was accepted twice", id, to)
	}
	a.to, a.parts, a.hold, a.at = to, parts, hold, time.Now()
	l.accepted[to], l.byID[id] = a, a
	return nil
}

func (l *ledger) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.byID)
}

// read takes what is new in the streams. A Redis that does not answer now is
// asked later.
func (l *ledger) read() {
	for _, key := range l.streams {
		for {
			entries, err := l.redis.XRangeN(context.Background(), key, "("+orZero(l.cursor[key]), "+", 500).Result()
			if err != nil || len(entries) == 0 {
				break
			}
			for _, x := range entries {
				l.cursor[key] = x.ID
				for _, e := range eventsOf(l.t, x) {
					l.enter(e)
				}
			}
		}
	}
}

func orZero(cursor string) string {
	if cursor == "" {
		return "0-0"
	}
	return cursor
}

func (l *ledger) enter(e event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.byID[e.ID]
	if a == nil {
		// Its 202 may be under way: it is looked for again at the end.
		a = &account{id: e.ID}
		l.byID[e.ID] = a
	}
	a.events = append(a.events, e)
	if slices.Contains(finals, e.Status) && !e.Late {
		a.finals++
	} else if a.finals > 0 && !e.Late {
		l.odd = append(l.odd, fmt.Sprintf("%s: %s after its final", e.ID, e.Status))
	}
}

// sums are what the ledger found.
type sums struct {
	accepted, submits, taken, repeats, announced, held, receipts, parked int
	unknown                                                              map[string]bool // by destination: an id of it was never told
}

// close waits until every message has its final and Redis and the carrier owe
// nothing, and holds the books against each other. want is the final that all
// must have.
func (l *ledger) close(bound time.Duration, want string) sums {
	l.t.Helper()
	l.until(bound, func() string {
		l.read()
		if n := l.open(); n > 0 {
			return fmt.Sprintf("%d of %d messages have no final", n, l.size())
		}
		if s := l.smsc.Stats(); s.Waiting+s.Unacked > 0 {
			return fmt.Sprintf("the carrier has %d receipts to send and %d without an answer", s.Waiting, s.Unacked)
		}
		return l.left()
	})
	l.read()
	return l.balance(want)
}

// open counts messages that have no final; held ones may stay so while they
// are uncertain, which left sees.
func (l *ledger) open() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = 0
	for _, a := range l.byID {
		switch {
		case a.finals > 0:
		case a.hold:
			l.held++
		default:
			n++
		}
	}
	return n
}

// until waits for blocking to answer "", at most bound, and then says why not.
func (l *ledger) until(bound time.Duration, blocking func() string) {
	l.t.Helper()
	deadline := time.After(bound)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		why := blocking()
		if why == "" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			l.missing()
			l.t.Fatalf("after %s: %s", bound, why)
		}
	}
}

// missing names messages without a final, and where the carrier has them.
func (l *ledger) missing() {
	taken, _ := l.taken()
	s := l.smsc.Stats()
	l.t.Logf("the carrier sent %d receipts, %d were answered OK; %d are parked; Redis: %s", s.Receipts, s.Acked, len(l.parkedReceipts()), l.left())
	l.mu.Lock()
	defer l.mu.Unlock()
	said := 0
	for _, a := range l.byID {
		if a.finals == 0 && said < 10 {
			said++
			l.t.Logf("%s to %s (%d parts): the carrier took %v, events %s", a.id, a.to, a.parts, taken[a.to], words(a.events))
		}
	}
}

func words(es []event) string {
	var list []string
	for _, e := range es {
		w := e.Status
		if e.Uncertain {
			w += fmt.Sprintf("(uncertain, attempt %d)", e.Attempt)
		}
		list = append(list, w)
	}
	return "[" + strings.Join(list, " ") + "]"
}

// taken counts what the carrier took: by destination, a count for each part.
func (l *ledger) taken() (taken map[string]map[byte]int, submits int) {
	taken = map[string]map[byte]int{}
	all := l.smsc.Submits()
	for i := range all {
		s := &all[i]
		if s.Status != pdu.StatusOK || s.Lost {
			continue
		}
		to := s.Destination()
		if taken[to] == nil {
			taken[to] = map[byte]int{}
		}
		taken[to][partOf(&s.PDU)]++
	}
	return taken, len(all)
}

// partOf is the number of a part, from 1, by its concatenation header with an
// 8-bit reference (3GPP TS 23.040 §9.2.3.24.1).
func partOf(p *pdu.SubmitSM) byte {
	b := p.Payload()
	if p.ESMClass&pdu.ESMClassUDHI != 0 && len(b) >= 6 && b[1] == 0 {
		return b[5]
	}
	return 1
}

func (l *ledger) balance(want string) sums {
	l.t.Helper()
	taken, submits := l.taken()
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := sums{accepted: len(l.byID), submits: submits, unknown: map[string]bool{}}
	for _, o := range l.odd {
		l.t.Error(o)
	}
	for _, a := range l.byID {
		if a.to == "" {
			l.t.Errorf("%s is in the stream, and nobody got its 202", a.id)
			continue
		}
		l.one(&sum, a, taken[a.to], want)
		delete(taken, a.to)
	}
	for to, n := range taken {
		l.t.Errorf("the carrier took %v to %s, for which there was no 202", n, to)
	}
	s := l.smsc.Stats()
	sum.receipts = int(s.Receipts)
	sum.parked = l.parked(sum.unknown)
	if int(s.Taken) != sum.taken {
		l.t.Errorf("the carrier took %d, its record has %d", s.Taken, sum.taken)
	}
	l.t.Logf("ledger: %d accepted, %d submits, %d taken, %d repeated, %d announced, %d held as uncertain, %d receipts, %d parked",
		sum.accepted, sum.submits, sum.taken, sum.repeats, sum.announced, sum.held, sum.receipts, sum.parked)
	return sum
}

// one checks one message.
func (l *ledger) one(sum *sums, a *account, taken map[byte]int, want string) {
	l.t.Helper()
	again := 0
	for _, n := range taken {
		sum.taken += n
		again += n - 1
	}
	if a.hold && again > 0 {
		l.t.Errorf("%s is to be held when uncertain, and was sent %d times again: %s", a.id, again, words(a.events))
	}
	if a.hold && a.finals == 0 {
		sum.held += a.parts
		sum.unknown[a.to] = true
		return
	}
	last := a.events[len(a.events)-1]
	if a.finals != 1 {
		l.t.Errorf("%s has %d finals: %s", a.id, a.finals, words(a.events))
	} else if want != "" && last.Status != want {
		l.t.Errorf("%s ended %s: %s", a.id, last.Status, words(a.events))
	}
	if len(taken) != a.parts {
		l.t.Errorf("lost: the carrier took parts %v of %s, which has %d: %s", taken, a.id, a.parts, words(a.events))
	}
	if last.Uncertain {
		sum.announced++
	}
	sum.repeats += again
	sum.unknown[a.to] = again > 0
	if again > 0 && (!last.Uncertain || last.Attempt < 2) {
		l.t.Errorf("%s was sent %d times again, and its final does not say so: %s", a.id, again, words(a.events))
	}
}
