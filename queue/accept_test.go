package queue

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestIdempotency(t *testing.T) {
	onEach(t, func(r *rig) {
		p := push("acme", 3)
		p.Messages[1].Parts = 3
		p.Key = &Key{Hash: [16]byte{1}, Body: [16]byte{2}}
		first := r.accept(p)
		p2 := push("acme", 3)
		p2.Messages[1].Parts = 3
		p2.Key = p.Key
		if diff := cmp.Diff(first, r.accept(p2)); diff != "" {
			r.Error(diff)
		}
		p2.Key = &Key{Hash: [16]byte{1}, Body: [16]byte{3}}
		if _, err := r.q.Accept(r.ctx, p2); !errors.Is(err, ErrKeyConflict) {
			r.Errorf("another body: %v", err)
		}
		p2.Account, p2.Messages = "other", push("other", 1).Messages
		r.accept(p2) // another account's key is another key
		if l := r.lease(r.owner(), 100); len(l.Parts) != 6 {
			r.Errorf("%d parts", len(l.Parts))
		}
	})
}

func TestIdempotencyEndsAfterADay(t *testing.T) {
	r := miniRig(t, Options{})
	p := push("acme", 1)
	p.Key = &Key{Hash: [16]byte{1}, Body: [16]byte{2}}
	first := r.accept(p)
	r.pass(25 * time.Hour)
	p = push("acme", 1)
	p.Key = &Key{Hash: [16]byte{1}, Body: [16]byte{3}}
	if again := r.accept(p); again[0] == first[0] {
		r.Error("the record outlived its day")
	}
}

func TestStreamOfLines(t *testing.T) {
	onEach(t, func(r *rig) {
		hash := [16]byte{7}
		at := func(first int, lines ...uint8) *Push {
			n := 0
			for _, l := range lines {
				n += int(l)
			}
			p := push("acme", n)
			p.Key = &Key{Hash: hash, Body: [16]byte{byte(first + 1)}, First: first, Lines: lines}
			return p
		}
		if rec, err := r.q.Recorded(r.ctx, "acme", hash, 0); rec != nil || err != nil {
			r.Fatalf("%v %v", rec, err)
		}
		first := r.accept(at(0, 0, 1, 1, 0, 1))
		if ids := r.accept(at(5, 0, 0)); len(ids) != 0 { // all refused: only the record
			r.Errorf("%v", ids)
		}
		if _, err := r.q.Accept(r.ctx, at(9, 1)); !errors.Is(err, ErrKeyOrder) {
			r.Errorf("a gap: %v", err)
		}
		if _, err := r.q.Accept(r.ctx, at(3, 1)); !errors.Is(err, ErrKeyConflict) {
			r.Errorf("within what was taken: %v", err)
		}
		if diff := cmp.Diff(first, r.accept(at(0, 0, 1, 1, 0, 1))); diff != "" {
			r.Error(diff)
		}
		rec, err := r.q.Recorded(r.ctx, "acme", hash, 0)
		if err != nil {
			r.Fatal(err)
		}
		want := &Record{Body: [16]byte{1}, IDs: []ID{"", first[0], first[1], "", first[2]}}
		if diff := cmp.Diff(want, rec); diff != "" {
			r.Error(diff)
		}
		rec, err = r.q.Recorded(r.ctx, "acme", hash, 5)
		if want := (&Record{Body: [16]byte{6}, IDs: []ID{"", ""}}); err != nil || !cmp.Equal(want, rec) {
			r.Errorf("%+v %v", rec, err)
		}
		if n := len(r.lease(r.owner(), 100).Parts); n != 3 {
			r.Errorf("%d parts", n)
		}
	})
}

func TestBatch(t *testing.T) {
	onEach(t, func(r *rig) {
		p := push("acme", 1200)
		for i := range p.Messages {
			p.Messages[i].Parts = 1 + i%2
		}
		p.Batch = &Batch{Refused: []byte(`[{"index":3}]`)}
		p.Key = &Key{Hash: [16]byte{9}}
		ids := r.accept(p)
		id := ids[0].BatchID()
		again := push("acme", 1200)
		again.Key = p.Key
		if diff := cmp.Diff(ids, r.accept(again)); diff != "" {
			r.Error(diff)
		}
		for _, id := range ids { // (those that the repeat wrote before it was answered expire)
			if d := r.db.TTL(r.ctx, r.q.shardOf("acme").block(Block(id[:blockLength]))).Val(); d >= 0 {
				r.Fatalf("the body of %s expires in %v", id, d)
			}
		}
		if err := r.q.Cancel(r.ctx, "acme", ids[1]); err != nil {
			r.Fatal(err)
		}
		o := r.owner()
		l := r.lease(o, 10)
		r.settle(o, l.all(Submitted))
		v, err := r.q.Batch(r.ctx, "acme", id)
		if err != nil {
			r.Fatal(err)
		}
		if v.Accepted != 1200 || string(v.Refused) != `[{"index":3}]` || v.Statuses[StatusCanceled] != 1 ||
			v.Statuses[StatusQueued]+v.Statuses[StatusSubmitted] != 1199 || v.Statuses[StatusSubmitted] < 6 {
			r.Errorf("%+v", v)
		}
		if _, err := r.q.Batch(r.ctx, "other", id); !errors.Is(err, ErrNotFound) {
			r.Errorf("another account's: %v", err)
		}
		sum := 0
		for len(l.Parts) > 0 {
			sum += len(l.Parts)
			l = r.lease(o, 500)
		}
		if sum != 1798 {
			r.Errorf("%d parts leased", sum)
		}
	})
}

func TestAcceptAfterTheClockMoved(t *testing.T) {
	r := miniRig(t, Options{})
	r.q.clock.set(r.q.clock.now().Add(-time.Hour))
	ids := r.accept(push("acme", 1))
	if v := r.get("acme", ids[0]); v.Timeline[0].At.Hour() != 12 {
		r.Errorf("accepted at %v", v.Timeline[0].At)
	}
}
