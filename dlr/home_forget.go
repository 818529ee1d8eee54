package dlr

import (
	"context"
	"fmt"
	"sync"
	"time"

	"bindery/queue"
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

// bucket holds ids that came one after the other, packed: at full load those of
// ten seconds are a million. Each is its form 1 octet (its length, and isHexID),
// itself, and the part 2 octets; in front of it, when it is of another block than
// the one before, newBlock and the block's name.
type bucket struct {
	newest time.Time
	n      int
	octets []byte
	block  queue.Block // of the last
}

// Forms of an id.
const (
	isHexID  = 0x80 // two digits an octet
	newBlock = 0xFF // no form: a name follows

	maxForgetID = 126 // longer ones (SMPP's are at most 65) go with their epoch
)

func (b *bucket) add(k *Known) {
	if k.Part.Block != b.block {
		b.block = k.Part.Block
		b.octets = append(append(b.octets, newBlock), b.block...)
	}
	if n := len(k.ID); lowerHex(k.ID) {
		b.octets = append(b.octets, isHexID|byte(n))
		for i := 0; i < n; i += 2 {
			high, low := hexValue(k.ID[i]), byte(0)
			if i+1 < n {
				low = hexValue(k.ID[i+1])
			}
			b.octets = append(b.octets, high<<4|low)
		}
	} else {
		b.octets = append(append(b.octets, byte(n)), k.ID...)
	}
	b.octets = append(b.octets, byte(k.Part.Index>>8), byte(k.Part.Index))
	b.n++
}

// each calls f with every id and its part, as they lie in Redis.
func (b *bucket) each(f func(id, part []byte)) {
	var id, part []byte
	block := ""
	for s := b.octets; len(s) > 0; {
		if s[0] == newBlock {
			block, s = string(s[1:1+blockLength]), s[1+blockLength:]
		}
		n, packed := int(s[0]&^isHexID), s[0]&isHexID != 0
		s, id = s[1:], id[:0]
		if packed {
			for i := range n {
				id = append(id, hexDigits[s[i/2]>>(4-4*(i&1))&0xF])
			}
			s = s[(n+1)/2:]
		} else {
			id, s = append(id, s[:n]...), s[n:]
		}
		part = appendPart(part[:0], queue.Part{Block: queue.Block(block), Index: uint16(s[0])<<8 | uint16(s[1])})
		s = s[2:]
		f(id, part)
	}
}

func lowerHex(id string) bool {
	for i := range len(id) {
		if c := id[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c - 'a' + 10
}

// Forget removes ids whose parts have their final, ten seconds from now, when
// Sweep is called. It never blocks and asks nothing of Redis.
func (h *Home) Forget(ks []Known) {
	h.recents.forget(ks)
	now := h.o.Now()
	f := &h.forgetting
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range ks {
		k := &ks[i]
		if f.n >= maxForgets || len(k.ID) > maxForgetID || len(k.Part.Block) != blockLength {
			continue
		}
		last := len(f.buckets) - 1
		if last < 0 || f.buckets[last].n >= perBucket || now.Sub(f.buckets[last].newest) > time.Second {
			f.buckets = append(f.buckets, bucket{})
			last++
		}
		b := &f.buckets[last]
		b.newest = now
		b.add(k)
		f.n++
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
	var octets []byte
	var ends []int // of ids and parts in octets
	var failed error
	send := func() {
		texts, all, from := make([]string, len(ends)), string(octets), 0
		for i, end := range ends {
			texts[i], from = all[from:end], end
		}
		args := make([]any, 1, 1+len(texts))
		args[0] = len(texts) / 2
		for _, first := range []int{0, 1} { // ids, then parts
			for i := first; i < len(texts); i += 2 {
				args = append(args, &texts[i])
			}
		}
		reply, err := forgetScript.Run(ctx, h.db, []string{h.state}, args...)
		if gone, ok := reply.(int64); ok {
			h.count.forgotten.Add(uint64(gone))
		}
		failed, octets, ends = err, octets[:0], ends[:0]
	}
	b.each(func(id, part []byte) {
		if failed != nil {
			return
		}
		octets = append(octets, id...)
		ends = append(ends, len(octets))
		octets = append(octets, part...)
		ends = append(ends, len(octets))
		if len(ends) == 2*batch {
			send()
		}
	})
	if failed == nil && len(ends) > 0 {
		send()
	}
	return failed
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
