package queue

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestTags(t *testing.T) {
	if got := hashSlot("123456789"); got != 0x31C3%hashSlots { // the check value of CRC-16/XMODEM
		t.Errorf("hash slot %d", got)
	}
	for n := 1; n <= 12; n++ {
		for k, tag := range shardTags(n) {
			if slot := hashSlot(tag); slot*n/hashSlots != k {
				t.Errorf("tag %d of %d: %s lies in slot %d", k, n, tag, slot)
			}
		}
	}
	if got := shardTags(1)[0]; got != "s0" {
		t.Errorf("the only shard is %s", got)
	}
}

func TestShardsAreFixed(t *testing.T) {
	r := clusterRig(t)
	again := New(r.db, Options{Shards: 5})
	if err := again.Start(r.ctx); err != nil || len(again.shards) != 2 {
		t.Errorf("%d shards, %v", len(again.shards), err)
	}
	if err := r.db.Set(r.ctx, keyShards, "s0 s1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := again.Start(r.ctx); err == nil {
		t.Error("took tags that are none of ours")
	}
}

func TestLeaseOfManyShards(t *testing.T) {
	r := clusterRig(t)
	seen := map[*shard]int{}
	for i := range 20 {
		account := fmt.Sprintf("a%d", i)
		seen[r.q.shardOf(account)]++
		p := push(account, 5)
		if r.q.shardOf(account).index == 1 {
			p.Priority = Urgent
		}
		r.accept(p)
	}
	if len(seen) != 2 {
		t.Fatalf("accounts on %d shards", len(seen))
	}
	o := r.owner()
	o.q.o.Elapsed = func() time.Duration { return time.Second } // what is left stays known
	parts := 0
	var order []Priority
	for {
		l := r.lease(o, 7)
		if len(l.Parts) == 0 {
			break
		}
		order = append(order, l.Parts[0].Message.Priority)
		parts += len(l.Parts)
		r.settle(o, l.all(Submitted))
	}
	// the first call of each shard learns what is there; from then on urgent first
	if slices.Sort(order[:2]); !slices.IsSorted(order[2:]) || order[0] != Urgent || order[1] != Normal {
		t.Errorf("order %v", order)
	}
	if parts != 100 {
		t.Errorf("%d parts", parts)
	}
	d, err := r.q.Depths(r.ctx)
	if err != nil || len(d.Lanes) != 0 {
		t.Errorf("%+v %v", d, err)
	}
}
