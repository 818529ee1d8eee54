package queue

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestBodiesAreForgottenWhenLeased(t *testing.T) {
	var c bodies
	c.remember("a", "body", 10)
	c.remember("a", "another", 20) // bodies never change
	for _, parts := range []int{3, 6, 1} {
		if raw, ok := c.take("a", parts); !ok || raw != "body" {
			t.Errorf("%d more: %q %v", parts, raw, ok)
		}
	}
	if raw, ok := c.take("a", 1); ok || c.bytes != 0 {
		t.Errorf("after all of it: %q, %d bytes", raw, c.bytes)
	}
	c.remember("a", "body", 50) // two leases of it were read, the later one is known first
	c.remember("a", "body", 10)
	c.take("a", 10)
	if _, ok := c.take("a", 1); ok {
		t.Error("known after its last part")
	}
}

func TestBodiesAreBounded(t *testing.T) {
	var c bodies
	raw := strings.Repeat("x", maxBody)
	name := func(i int) Block { return Block(fmt.Sprint("block", i)) }
	most := maxBodyBytes / (&kept{raw: raw}).size()
	for i := range most {
		c.remember(name(i), raw, 2)
	}
	for i := range most {
		if _, ok := c.take(name(i), 1); !ok {
			t.Fatalf("block %d of %d is gone", i, most)
		}
	}
	c.remember(name(most), raw, 2)
	c.remember(name(most+1), raw, 2)
	for _, i := range []int{0, 1, 2, most, most + 1} {
		if _, ok := c.take(name(i), 1); ok != (i > 1) {
			t.Errorf("block %d: %v", i, ok)
		}
	}
	if c.bytes > maxBodyBytes || c.bytes < 0 {
		t.Errorf("%d bytes", c.bytes)
	}
}

// TestOneThatStaysKeepsNoOthers: a block that waits, for its time or for its
// carrier, does not keep those that came after it and went.
func TestOneThatStaysKeepsNoOthers(t *testing.T) {
	var c bodies
	c.remember("stays", "body", 2)
	raw := strings.Repeat("x", 100)
	for i := range 10_000 {
		b := Block(fmt.Sprint(i))
		c.remember(b, raw, 1)
		if got, ok := c.take(b, 1); !ok || got != raw {
			t.Fatalf("block %d: %q %v", i, got, ok)
		}
	}
	held := 0
	for _, k := range c.order.list {
		held += k.size()
	}
	if len(c.known) != 1 || held > 1<<20 || len(c.order.list) > 5000 {
		t.Errorf("%d are known; %d in order hold %d bytes", len(c.known), len(c.order.list), held)
	}
	if got, ok := c.take("stays", 2); !ok || got != "body" {
		t.Errorf("%q %v", got, ok)
	}
}

// another is a second gateway on the same Redis.
func (r *rig) another() *rig {
	r.Helper()
	other := *r
	other.q = New(r.db, r.q.o)
	if err := other.q.Start(r.ctx); err != nil {
		r.Fatal(err)
	}
	return &other
}

// TestBodiesOfAnotherGateway: what this process did not push it reads, once.
func TestBodiesOfAnotherGateway(t *testing.T) {
	onEach(t, func(r *rig) {
		pushed := push("acme", 200)
		for i := range pushed.Messages {
			pushed.Messages[i].Campaign = []string{"", "a", "b"}[i/70] // several runs of one block in a call
		}
		ids := r.accept(pushed)
		other := r.another()
		reads := &breaker{}
		r.db.AddHook(reads)
		o := other.owner()
		var got []ID
		for range 2 {
			l := other.lease(o, 100)
			for _, p := range l.Parts {
				if p.Message.Text != fmt.Sprintf("hello %d", p.Part.Index) || p.Message.Campaign != pushed.Messages[p.Part.Index].Campaign {
					r.Errorf("part %d: %+v", p.Part.Index, p.Message)
				}
				got = append(got, p.Message.ID)
			}
			other.settle(o, l.all(Submitted))
		}
		if fmt.Sprint(got) != fmt.Sprint(ids) {
			r.Errorf("leased %d of %d, or out of order", len(got), len(ids))
		}
		if n := reads.gets.Load(); n != 1 || len(other.q.bodies.known) != 0 {
			r.Errorf("read %d times, %d known after the last lease", n, len(other.q.bodies.known))
		}
		r.checkHome()
	})
}

// breaker loses the connection under reads of bodies.
type breaker struct {
	gets   atomic.Int32 // seen
	breaks atomic.Int32 // so many of them fail
}

func (b *breaker) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (b *breaker) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (b *breaker) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() != "mget" {
			return next(ctx, cmd)
		}
		b.gets.Add(int32(len(cmd.Args()) - 1))
		if b.breaks.Add(-1) < 0 {
			return next(ctx, cmd)
		}
		cmd.SetErr(errLost)
		return errLost
	}
}

// TestLostBeforeTheBodies: the lease was made, its bodies could not be read:
// the next call is the same one, whatever it asks for.
func TestLostBeforeTheBodies(t *testing.T) {
	onEach(t, func(r *rig) {
		ids := r.accept(push("acme", 120))
		ids = append(ids, r.accept(push("acme", 1))...)
		ids = append(ids, r.accept(push("acme", 3))...)
		r.q.bodies = bodies{}
		r.q.bodies.remember(Block(ids[121][:blockLength]), // one of them is known, and forgotten by the first try
			r.db.Get(r.ctx, r.q.shardOf("acme").block(Block(ids[121][:blockLength]))).Val(), 3)
		cut := &breaker{}
		cut.breaks.Store(2)
		r.db.AddHook(cut)
		o := r.owner()
		request := LeaseRequest{Carrier: "alpha", Routes: []string{"default"}, Max: 124}
		for range 2 {
			if l, err := o.Lease(r.ctx, request); !errors.Is(err, ErrUnavailable) {
				r.Fatalf("%+v %v", l, err)
			}
			r.checkHome()
			r.renew(o) // which finds nothing that it had to give up
		}
		l := r.lease(o, 122) // less than was taken: the last go back
		if len(l.Parts) != 122 {
			r.Fatalf("%d parts", len(l.Parts))
		}
		r.checkHome()
		rest := r.lease(o, 500)
		if len(rest.Parts) != 2 || rest.Number == l.Number {
			r.Fatalf("%d parts under %d, after %d", len(rest.Parts), rest.Number, l.Number)
		}
		for i, p := range append(l.Parts, rest.Parts...) {
			if p.Message.ID != ids[i] || p.Attempt != 1 || p.MaybeSent {
				r.Errorf("%d: %+v", i, p)
			}
		}
		r.settle(o, append(l.all(Submitted), rest.all(Submitted)...))
		if n := len(r.events("acme")); n != 124 {
			r.Errorf("%d events", n)
		}
		r.checkHome()
		if ok, err := o.Leave(r.ctx); !ok || err != nil {
			r.Errorf("leave: %v %v", ok, err)
		}
	})
}

// TestBodyIsGone: its parts end, and those of the others in the call do not.
func TestBodyIsGone(t *testing.T) {
	onEach(t, func(r *rig) {
		sh := r.q.shardOf("acme")
		gone := r.accept(push("acme", 120))
		cut := r.accept(push("acme", 10))
		good := r.accept(push("acme", 10))
		if err := r.db.Del(r.ctx, sh.block(Block(gone[0][:blockLength]))).Err(); err != nil {
			r.Fatal(err)
		}
		key := sh.block(Block(cut[0][:blockLength]))
		raw := r.db.Get(r.ctx, key).Val()
		if err := r.db.Set(r.ctx, key, raw[:len(raw)-1], 0).Err(); err != nil {
			r.Fatal(err)
		}
		r.q.bodies = bodies{}
		o := r.owner()
		l := r.lease(o, 500)
		if len(l.Parts) != 10 || l.Parts[0].Message.ID != good[0] {
			r.Fatalf("%d parts", len(l.Parts))
		}
		for _, id := range cut {
			if got := r.statuses("acme", id); got != "failed" {
				r.Errorf("of a body that was cut: %s", got)
			}
		}
		dead, n, err := r.q.Dead(r.ctx, 10)
		if err != nil || n != 2 || strings.Count(strings.Join(dead, "\n"), "malformed") != 120 {
			r.Errorf("dead: %d of %d, %v", len(dead), n, err)
		}
		for i, s := range readSlots(r, Block(gone[0][:blockLength])) {
			if s.state != stateFailed || s.lease != 0 {
				r.Errorf("part %d: %+v", i, s)
			}
		}
		r.settle(o, l.all(Submitted))
		if ok, err := o.Leave(r.ctx); !ok || err != nil {
			r.Errorf("leave: %v %v", ok, err)
		}
	})
}

func readSlots(r *rig, b Block) []slot {
	raw := r.db.Get(r.ctx, r.q.shardOfBlock(b).slots(b)).Val()
	var slots []slot
	for i := range len(raw) / slotSize {
		slots = append(slots, slotAt(raw, i))
	}
	return slots
}

// TestOneMessageIsMalformed: it alone ends, in an event that parses.
func TestOneMessageIsMalformed(t *testing.T) {
	onEach(t, func(r *rig) {
		ids := r.accept(push("acme", 5))
		block := Block(ids[0][:blockLength])
		key := r.q.shardOfBlock(block).block(block)
		raw := []byte(r.db.Get(r.ctx, key).Val())
		b, err := parseBody(string(raw))
		if err != nil {
			r.Fatal(err)
		}
		for at := b.constantAt(1) + 1; at < b.constantAt(2)-1; at++ { // but for its tab and its line feed
			raw[at] = 'x'
		}
		if err := r.db.Set(r.ctx, key, raw, 0).Err(); err != nil {
			r.Fatal(err)
		}
		r.q.bodies = bodies{}
		o := r.owner()
		l := r.lease(o, 5)
		if len(l.Parts) != 4 {
			r.Errorf("leased %d", len(l.Parts))
		}
		r.settle(o, l.all(Submitted))
		for i, id := range ids {
			want := "submitted"
			if i == 1 {
				want = "failed"
			}
			if got := r.statuses("acme", id); got != want {
				r.Errorf("message %d: %q, want %s", i, got, want)
			}
		}
	})
}
