package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"bindery/queue"
)

// left says what Redis still has to do, "" when nothing: no lane, nothing due
// or dead, nothing owed by a lease, and every part of every block ended, or
// uncertain and held.
func (l *ledger) left() string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if why := l.unsettled(ctx); why != "" {
		return why
	}
	parts, open, uncertain := 0, 0, 0
	keys, err := l.keys(ctx, "bindery:{s*}:slots:*")
	if err != nil {
		return err.Error()
	}
	for _, k := range keys {
		raw, err := l.redis.Get(ctx, k).Result()
		if err != nil || len(raw)%slotOctets != 0 {
			return fmt.Sprintf("%s has %d octets: %v", k, len(raw), err)
		}
		for i := 0; i < len(raw); i += slotOctets {
			parts++
			switch {
			case raw[i] == uncertainState:
				uncertain++
			case raw[i] < endedState:
				open++
			}
		}
	}
	if want := l.parts(); parts != want {
		return fmt.Sprintf("Redis has the slots of %d parts, %d were accepted", parts, want)
	}
	if open > 0 {
		return fmt.Sprintf("%d parts have not ended", open)
	}
	if uncertain < l.held {
		return fmt.Sprintf("%d held messages have no final, %d parts are uncertain", l.held, uncertain)
	}
	if l.held == 0 && uncertain > 0 {
		return fmt.Sprintf("%d parts are uncertain", uncertain)
	}
	return ""
}

// A slot as queue lays it out: its first octet is the state.
const (
	slotOctets     = 20
	uncertainState = 8
	endedState     = 16
)

// unsettled says what waits or is owed by a lease, "" when nothing.
func (l *ledger) unsettled(ctx context.Context) string {
	for _, pattern := range []string{"queue:*", "due", "dead"} {
		keys, err := l.keys(ctx, "bindery:{s*}:"+pattern)
		if err != nil {
			return err.Error()
		}
		if len(keys) > 0 {
			return fmt.Sprintf("Redis still has %s", strings.Join(keys, " "))
		}
	}
	leases, err := l.keys(ctx, "bindery:{s*}:lease:*")
	if err != nil {
		return err.Error()
	}
	for _, k := range leases {
		fields, err := l.redis.HGetAll(ctx, k).Result()
		if err != nil {
			return err.Error()
		}
		for f, v := range fields {
			if !strings.HasPrefix(f, "@") { // a carrier's last number
				return fmt.Sprintf("%s owes %s: %s", k, f, v)
			}
		}
	}
	return ""
}

func (l *ledger) keys(ctx context.Context, pattern string) ([]string, error) {
	var all []string
	scan := l.redis.Scan(ctx, 0, pattern, 1000).Iterator()
	for scan.Next(ctx) {
		all = append(all, scan.Val())
	}
	return all, scan.Err()
}

// parkedReceipts are the ids under which the carrier's home keeps receipts that
// found no part, and since when.
func (l *ledger) parkedReceipts() map[string]time.Time {
	l.t.Helper()
	ctx := context.Background()
	keys, err := l.keys(ctx, "bindery:{c:*}:early")
	if err != nil {
		l.t.Fatal(err)
	}
	all := map[string]time.Time{}
	for _, k := range keys {
		ids, err := l.redis.HGetAll(ctx, k).Result()
		if err != nil {
			l.t.Fatal(err)
		}
		for id, value := range ids {
			var ms int64
			if _, err := fmt.Sscanf(value[:min(len(value), 13)], "%d", &ms); err != nil {
				l.t.Fatalf("%s of %s: %q: %v", id, k, value, err)
			}
			all[id] = time.UnixMilli(ms)
		}
	}
	return all
}

// remembered is how long the contract keeps an id after its part's final.
const remembered = 10 * time.Second

// parked counts the parked receipts. One may only be of a submit that was
// repeated or is held, whose id nobody told us, or have come when its message
// had ended long enough to be forgotten.
func (l *ledger) parked(unknown map[string]bool) (n int) {
	l.t.Helper()
	type sent struct {
		to   string
		part byte // from 1
	}
	of := map[string]sent{}
	all := l.smsc.Submits()
	for i := range all {
		of[all[i].Receipt] = sent{all[i].Destination(), partOf(&all[i].PDU)}
	}
	for id, since := range l.parkedReceipts() {
		n++
		x := of[id]
		a := l.accepted[x.to]
		if a == nil {
			l.t.Errorf("a receipt for %s is parked, which the carrier never sent", id)
		} else if !unknown[a.to] && (a.finals == 0 || since.Sub(l.partEnded(a, x.part)) < remembered) {
			l.t.Errorf("a receipt for %s is parked since %s, and belongs to part %d of %d of %s: %s", id, since, x.part, a.parts, a.id, words(a.events))
		}
	}
	return n
}

// ended is when a message got its final.
func (a *account) ended() time.Time {
	for _, e := range a.events {
		if slices.Contains(finals, e.Status) {
			at, _ := time.Parse(time.RFC3339, e.At) // zero: long ago
			return at
		}
	}
	return time.Time{}
}

// partEnded is when a part had its final. Of several parts each is remembered
// for its own time: its message may wait for another part meanwhile, whose
// receipt is with a gateway that is stopped. Their ends stand in the slots.
func (l *ledger) partEnded(a *account, part byte) time.Time {
	if a.parts == 1 {
		return a.ended()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	first, err := queue.ID(a.id).Parse()
	if err != nil {
		l.t.Fatal(err)
	}
	keys, err := l.keys(ctx, "bindery:{s*}:slots:"+string(first.Block))
	if err != nil || len(keys) != 1 {
		l.t.Fatalf("slots of %s: %v %v", a.id, keys, err)
	}
	raw, err := l.redis.Get(ctx, keys[0]).Bytes()
	end := (int(first.Index) + int(part)) * slotOctets
	if err != nil || end > len(raw) {
		l.t.Fatalf("%s has %d octets: %v", keys[0], len(raw), err)
	}
	const tick = 16 // ms of Redis time; its clock is this machine's
	now := time.Now()
	ago := uint32(now.UnixMilli()/tick) - binary.BigEndian.Uint32(raw[end-4:])
	return now.Add(-time.Duration(ago) * tick * time.Millisecond)
}

func (l *ledger) parts() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.byID {
		n += a.parts
	}
	return n
}
