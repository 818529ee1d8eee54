package dlr

import (
	"context"
	"fmt"
	"sync"
	"time"
)

var (
	forgetScript     = script("forget")
	retireScript     = script("retire")
	quarantineScript = script("quarantine")
)

// Ids stay known for a while after their part's final, so that a receipt which
// is repeated or contradicts is still about something. What does not fit the
// list stays until its epoch goes.
const (
	forgetAfter = 10 * time.Second
	maxForgets  = 2_000_000
	perBucket   = 10_000
)

// forgetting is the list of ids to be removed, in the order of their time.
type forgetting struct {
	mu      sync.Mutex // guards all below
	buckets []bucket
	n       int
}

// bucket holds ids that came one after the other: each its length, itself,
// and the part.
type bucket struct {
	newest time.Time
	n      int
	octets []byte
}

// Forget removes ids whose parts have their final, ten seconds from now, when
// Sweep is called. It never blocks and asks nothing of Redis.
func (h *Home) Forget(ks []Known) {
	h.recents.forget(ks)
	now := h.o.Now()
	f := &h.forgetting
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range ks {
		if f.n >= maxForgets || len(k.ID) > maxParkedID || len(k.Part.Block) != blockLength {
			continue
		}
		last := len(f.buckets) - 1
		if last < 0 || f.buckets[last].n >= perBucket || now.Sub(f.buckets[last].newest) > time.Second {
			f.buckets = append(f.buckets, bucket{})
			last++
		}
		b := &f.buckets[last]
		b.newest = now
		b.n++
		f.n++
		b.octets = appendPart(appendShort(b.octets, k.ID), k.Part)
	}
}

// Sweep removes the ids whose ten seconds are over, and epochs whose time is:
// call it every few seconds.
func (h *Home) Sweep(ctx context.Context) error {
	for {
		b, ok := h.forgetting.due(h.o.Now())
		if !ok {
			break
		}
		if err := h.forget(ctx, b); err != nil {
			return fmt.Errorf("dlr: forget for %s: %w", h.o.Carrier, err)
		}
	}
	if _, err := retireScript.Run(ctx, h.db, []string{h.state}, h.o.ReceiptClock.Milliseconds()); err != nil {
		return fmt.Errorf("dlr: retire for %s: %w", h.o.Carrier, err)
	}
	return nil
}

// due takes a bucket all of whose ids are old enough off the list. What fails
// to be removed is not tried again: it goes with its epoch.
func (f *forgetting) due(now time.Time) (bucket, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.buckets) == 0 || now.Sub(f.buckets[0].newest) < forgetAfter {
		return bucket{}, false
	}
	b := f.buckets[0]
	f.buckets[0] = bucket{}
	f.buckets = f.buckets[1:]
	f.n -= b.n
	return b, true
}

func (h *Home) forget(ctx context.Context, b bucket) error {
	s := string(b.octets)
	for len(s) > 0 {
		args := make([]any, 1, 1+2*batch)
		parts := make([]any, 0, batch)
		for len(s) > 0 && len(parts) < batch {
			n := int(s[0])
			args = append(args, s[1:1+n])
			parts = append(parts, s[1+n:1+n+partLength])
			s = s[1+n+partLength:]
		}
		args[0] = len(parts)
		reply, err := forgetScript.Run(ctx, h.db, []string{h.state}, append(args, parts...)...)
		if err != nil {
			return err
		}
		if gone, ok := reply.(int64); ok {
			h.count.forgotten.Add(uint64(gone))
		}
	}
	return nil
}

// Quarantine keeps what does not parse, for a person to look at.
func (h *Home) Quarantine(ctx context.Context, raw [][]byte) error {
	for len(raw) > 0 {
		n := min(len(raw), quarantineBatch)
		args := make([]any, 1, 1+n)
		args[0] = h.o.QuarantineMax
		for _, r := range raw[:n] {
			args = append(args, r)
		}
		if _, err := quarantineScript.Run(ctx, h.db, []string{h.quarantining}, args...); err != nil {
			return fmt.Errorf("dlr: quarantine for %s: %w", h.o.Carrier, err)
		}
		h.count.quarantined.Add(uint64(n))
		raw = raw[n:]
	}
	return nil
}
