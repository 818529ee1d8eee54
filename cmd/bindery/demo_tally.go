package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// demoTally is what the demo knows of its campaign: what the API accepted, and
// what the account's status stream told.
type demoTally struct {
	carriers demoCarriers
	redis    *redis.Client
	last     string // entry of the stream that was read; read alone uses it

	mu       sync.Mutex // guards all below
	accepted map[string]demoAccepted
	early    map[string]time.Time // finals that came before their 202 was read
	parts    [2]int               // of the accepted, by carrier
	number   [2]int               // the accepted, by carrier
	finals   [2]map[string]int    // by carrier and status
	ended    map[string]int       // by id, finals seen: 1 is right
	took     map[string][]time.Duration
	first    time.Time // the first delivered
	changed  time.Time // when anything came last
}

type demoAccepted struct {
	at       time.Time // when the 202 came
	priority string
	carrier  int
}

// demoEvent is an event of the stream.
type demoEvent struct {
	ID, Status, To, Carrier string
	At                      time.Time
}

var (
	finalStatuses  = []string{"delivered", "undelivered", "expired", "rejected", "failed", "canceled", "unknown"}
	demoPriorities = []string{"urgent", "normal", "bulk"}
)

func newDemoTally(c demoCarriers, r *redis.Client) *demoTally {
	return &demoTally{
		carriers: c, redis: r, last: "-", accepted: map[string]demoAccepted{}, early: map[string]time.Time{},
		finals: [2]map[string]int{{}, {}}, ended: map[string]int{}, took: map[string][]time.Duration{}, changed: time.Now(),
	}
}

// accept notes a 202.
func (t *demoTally) accept(id, priority, route string, parts int, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	carrier := t.carriers.of(route)
	t.accepted[id] = demoAccepted{at, priority, carrier}
	t.number[carrier]++
	t.parts[carrier] += parts
	t.changed = at
	if ended, ok := t.early[id]; ok {
		delete(t.early, id)
		t.took[priority] = append(t.took[priority], max(0, ended.Sub(at)))
	}
}

// read takes what is new in the stream.
func (t *demoTally) read(ctx context.Context) ([]demoEvent, error) {
	from := t.last
	if from != "-" {
		from = "(" + from
	}
	entries, err := t.redis.XRange(ctx, "bindery:{s0}:status:"+demoAccount, from, "+").Result()
	if err != nil {
		return nil, err
	}
	var all []demoEvent
	for _, x := range entries {
		t.last = x.ID
		events, ok := x.Values["events"].(string)
		if !ok {
			return nil, fmt.Errorf("stream entry %s has no events", x.ID)
		}
		for _, line := range strings.Split(events, "\n") {
			var e demoEvent
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				return nil, fmt.Errorf("stream entry %s: %w", x.ID, err)
			}
			all = append(all, e)
		}
	}
	return all, nil
}

// follow reads the stream and counts it.
func (t *demoTally) follow(ctx context.Context) error {
	events, err := t.read(ctx)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range events {
		t.event(e)
	}
	return nil
}

func (t *demoTally) event(e demoEvent) {
	t.changed = time.Now()
	if !slices.Contains(finalStatuses, e.Status) {
		return
	}
	if t.ended[e.ID]++; t.ended[e.ID] > 1 {
		return
	}
	a, known := t.accepted[e.ID]
	carrier := a.carrier
	if known {
		t.took[a.priority] = append(t.took[a.priority], max(0, e.At.Sub(a.at)))
	} else {
		t.early[e.ID] = e.At
		if e.Carrier == t.carriers[1].id {
			carrier = 1
		}
	}
	t.finals[carrier][e.Status]++
	if e.Status == "delivered" && (t.first.IsZero() || e.At.Before(t.first)) {
		t.first = e.At
	}
}

// demoPatience is how long nothing may happen until what has not ended is lost.
const demoPatience = 30 * time.Second

// done: every message has ended, or nothing will come any more.
func (t *demoTally) done(messages int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.ended) >= messages || len(t.accepted) >= messages && time.Since(t.changed) > demoPatience
}

// counts is how far the campaign is.
type demoCounts struct {
	accepted, ended, delivered int
	lately                     map[string]time.Duration // half of the last hundred took no longer, by priority
}

func (t *demoTally) counts() demoCounts {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := demoCounts{accepted: len(t.accepted), ended: len(t.ended), delivered: t.delivered(), lately: map[string]time.Duration{}}
	for priority, all := range t.took {
		c.lately[priority] = quantile(slices.Clone(all[max(0, len(all)-100):]), .5)
	}
	return c
}

func (t *demoTally) delivered() int { return t.finals[0]["delivered"] + t.finals[1]["delivered"] }

// ofCarrier is how many the carrier delivered, and how many ended otherwise.
func (t *demoTally) ofCarrier(i int) (delivered, otherwise int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for status, n := range t.finals[i] {
		if status == "delivered" {
			delivered += n
		} else {
			otherwise += n
		}
	}
	return delivered, otherwise
}

// quantile is the least that so much of all (0..1) is within. It sorts what it is
// given.
func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[max(0, int(math.Ceil(q*float64(len(all))))-1)]
}
