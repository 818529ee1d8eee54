package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// waiter makes pushes that wait for one call, one behind the other.
type waiter struct {
	*rig
	sh   *shard
	done sync.WaitGroup
}

func (r *rig) waiter(account string) *waiter {
	w := &waiter{rig: r, sh: r.q.shardOf(account)}
	w.flying(maxFlying)
	return w
}

func (w *waiter) flying(n int) {
	w.sh.gate.mu.Lock()
	defer w.sh.gate.mu.Unlock()
	w.sh.gate.flying = n
}

func (w *waiter) waiting() int {
	w.sh.gate.mu.Lock()
	defer w.sh.gate.mu.Unlock()
	return len(w.sh.gate.waiting) + len(w.sh.gate.urgent)
}

func (w *waiter) push(ctx context.Context, p *Push, want error) {
	before := w.waiting()
	w.done.Go(func() {
		if _, err := w.q.Accept(ctx, p); !errors.Is(err, want) {
			w.Errorf("accept: %v, want %v", err, want)
		}
	})
	for w.waiting() == before {
		runtime.Gosched()
	}
}

// call makes the calls that they wait for.
func (w *waiter) call() {
	w.flying(1) // as together, which starts the sender
	w.q.send(w.ctx, w.sh)
	w.done.Wait()
}

func blockOf(id ID) Block { return Block(id[:blockLength]) }

// TestSmallPushesShareABlock: those of one account, route, priority and campaign,
// each message with its own id and text; others, and keyed, paced and later ones do not.
func TestSmallPushesShareABlock(t *testing.T) {
	onEach(t, func(r *rig) {
		const account = "acme"
		w := r.waiter(account)
		var sharing, apart []*Push
		one := func(i int) *Push {
			p := push(account, 1+i%3)
			for j := range p.Messages {
				p.Messages[j].Text, p.Messages[j].Parts = fmt.Sprintf("message %d of push %d", j, i), 1+(i+j)%2
				p.Messages[j].Validity = time.Duration(i+1) * time.Hour
			}
			return p
		}
		for i, change := range []func(p *Push){
			nil,
			func(p *Push) { p.Priority = Urgent },
			nil,
			func(p *Push) { p.Key = &Key{Hash: [16]byte{1}} }, // it is of one message
			func(p *Push) { p.Limit = &Limit{Rate: 100, Ahead: time.Second} },
			nil,
			func(p *Push) { p.Messages[0].SendAt = time.Now().Add(time.Hour) },
			func(p *Push) { p.Batch = &Batch{} },
			func(p *Push) { p.Route = "other" },
			func(p *Push) { p.Priority = Bulk },
			func(p *Push) {
				for j := range p.Messages {
					p.Messages[j].Campaign = "spring"
				}
			},
			nil,
		} {
			p := one(i)
			if change == nil {
				sharing = append(sharing, p)
			} else {
				change(p)
				apart = append(apart, p)
			}
			w.push(r.ctx, p, nil)
		}
		w.call()
		block := blockOf(sharing[0].Messages[0].ID)
		blocks, ids, texts := map[Block]bool{block: true}, map[ID]bool{}, ""
		for i, p := range append(sharing, apart...) {
			if of := blockOf(p.Messages[0].ID); i < len(sharing) && of != block || i >= len(sharing) && blocks[of] {
				r.Errorf("push %d is in block %s", i, of)
			} else {
				blocks[of] = true
			}
			for j := range p.Messages {
				m := &p.Messages[j]
				ids[m.ID] = true
				v := r.get(account, m.ID)
				if v.Message.Text != m.Text || v.Message.Validity != m.Validity || v.Message.Parts != m.Parts || !v.Message.AcceptedAt.Equal(m.AcceptedAt) || v.Message.ConcatRef != m.ConcatRef {
					r.Errorf("%s is %+v, want %+v", m.ID, v.Message, m)
				}
				if i < len(sharing) {
					texts += strings.Repeat(m.Text+"\n", m.Parts)
				}
			}
		}
		if len(ids) != 24 {
			r.Errorf("%d ids", len(ids))
		}
		r.checkHome()
		leased := ""
		for _, p := range r.lease(r.owner(), 500).Parts {
			if p.Part.Block == block {
				leased += p.Message.Text + "\n"
			}
		}
		if leased != texts {
			r.Errorf("leased in the order\n%swant\n%s", leased, texts)
		}
	})
}

// TestKeyedPushesShareABlock: single messages with keys, each once, whatever other
// requests with the same keys wait beside them or came before.
func TestKeyedPushesShareABlock(t *testing.T) {
	onEach(t, func(r *rig) {
		const account = "acme"
		keyed := func(key, body byte) *Push {
			p := push(account, 1)
			p.Key, p.Messages[0].Text = &Key{Hash: [16]byte{key}, Body: [16]byte{body}, Kept: fmt.Sprint("kept ", key)}, fmt.Sprint("text ", body)
			return p
		}
		id := func(p *Push) ID { return p.Messages[0].ID }
		w := r.waiter(account)
		first, second, twin, other := keyed(1, 1), keyed(2, 2), keyed(1, 1), keyed(2, 3)
		plain := push(account, 1)
		w.push(r.ctx, first, nil)
		w.push(r.ctx, second, nil)
		w.push(r.ctx, plain, nil)
		w.push(r.ctx, twin, nil)
		w.push(r.ctx, other, ErrKeyConflict)
		w.call()
		if first.Before || !twin.Before || blockOf(id(first)) != blockOf(id(second)) || blockOf(id(plain)) == blockOf(id(first)) {
			r.Errorf("%+v %+v %+v %+v", first, second, twin, plain)
		}
		again, fresh, spoilt := keyed(2, 2), keyed(4, 4), keyed(1, 9)
		w = r.waiter(account)
		w.push(r.ctx, again, nil)
		w.push(r.ctx, fresh, nil)
		w.push(r.ctx, spoilt, ErrKeyConflict)
		w.call()
		if !again.Before || fresh.Before {
			r.Errorf("%+v %+v", again, fresh)
		}
		for key, want := range map[byte]*Push{1: first, 2: second, 4: fresh} {
			rec, err := r.q.Recorded(r.ctx, account, [16]byte{key}, 0)
			if err != nil || rec == nil || rec.Kept != fmt.Sprint("kept ", key) || rec.Body != [16]byte{key} || len(rec.IDs) != 1 || rec.IDs[0] != id(want) {
				r.Errorf("key %d: %+v, want %s: %v", key, rec, id(want), err)
			}
		}
		r.checkHome()
		texts := map[string]int{}
		for _, p := range r.lease(r.owner(), 100).Parts {
			texts[p.Message.Text]++
		}
		if want := map[string]int{"text 1": 1, "text 2": 1, "text 4": 1, "hello 0": 1}; !maps.Equal(texts, want) {
			r.Errorf("%v", texts)
		}
	})
}

// TestKeyEndsForThoseThatShare: a record that is over stands in nobody's way.
func TestKeyEndsForThoseThatShare(t *testing.T) {
	r := miniRig(t, Options{})
	keyed := func() *Push {
		p := push("acme", 1)
		p.Key = &Key{Hash: [16]byte{1}, Body: [16]byte{1}}
		return p
	}
	first, again, later := keyed(), keyed(), keyed()
	r.accept(first)
	if r.accept(again); !again.Before {
		t.Errorf("%+v", again)
	}
	r.pass(25 * time.Hour)
	if r.accept(later); later.Before || later.Messages[0].ID == first.Messages[0].ID {
		t.Errorf("%+v", later)
	}
}

// TestGivingUpLeavesTheOthers: who no longer waits spoils nothing for those that
// share its block, and what it pushed may be taken.
func TestGivingUpLeavesTheOthers(t *testing.T) {
	r := miniRig(t, Options{})
	w := r.waiter("acme")
	ctx, cancel := context.WithCancel(r.ctx)
	gone, stays := push("acme", 1), push("acme", 1)
	w.push(ctx, gone, ErrUnavailable)
	w.push(r.ctx, stays, nil)
	cancel()
	for range 100 {
		runtime.Gosched()
	}
	gone.Messages[0].Text = "its caller goes on with it"
	w.call()
	if l := r.lease(r.owner(), 10); len(l.Parts) != 2 || l.Parts[0].Message.Text != "hello 0" {
		t.Errorf("leased: %+v", l.Parts)
	}
	if v := r.get("acme", stays.Messages[0].ID); v.Message.Text != "hello 0" {
		t.Errorf("%+v", v.Message)
	}
}

// TestLateCallTellsAllThatShare: a call that is refused by its time is made again
// by each of them.
func TestLateCallTellsAllThatShare(t *testing.T) {
	r := miniRig(t, Options{})
	w := r.waiter("acme")
	believed := r.q.clock.now().Add(time.Hour)
	r.q.clock.last.Store(&heard{believed, r.q.clock.elapsed()})
	for range 3 {
		w.push(r.ctx, push("acme", 1), nil)
	}
	w.call()
	l := r.lease(r.owner(), 10)
	if len(l.Parts) != 3 {
		t.Errorf("%d parts", len(l.Parts))
	}
	for _, p := range l.Parts {
		if at := p.Message.AcceptedAt; !at.Before(believed.Add(-time.Minute)) {
			t.Errorf("accepted at %v by a clock that says %v", at, believed)
		}
	}
}

// TestJoinedBlocksKeepBounds: every message in one block, those of a lane in
// their order, no block past its bounds.
func TestJoinedBlocksKeepBounds(t *testing.T) {
	r := miniRig(t, Options{})
	rapid.Check(t, func(t *rapid.T) {
		var list []*waitingPush
		want := map[line]string{}
		for i := range rapid.IntRange(1, maxTogether).Draw(t, "pushes") {
			p := push(rapid.SampledFrom([]string{"acme", "bolt"}).Draw(t, "account"), rapid.IntRange(1, shareMessages).Draw(t, "messages"))
			p.Priority = rapid.SampledFrom([]Priority{Urgent, Normal, Bulk}).Draw(t, "priority")
			size := rapid.IntRange(0, shareOctets/len(p.Messages)).Draw(t, "size")
			for j := range p.Messages {
				m := &p.Messages[j]
				m.Parts, m.Text, m.Reference = rapid.IntRange(1, 8).Draw(t, "parts"), strings.Repeat("x", size), fmt.Sprintf("%d.%d ", i, j)
			}
			if err := p.validate(); err != nil {
				t.Fatal(err)
			}
			w := &waitingPush{small: p.sharing()}
			if w.small != nil {
				want[w.small.line] += references(w.small.messages)
			}
			list = append(list, w)
		}
		got, own := map[line]string{}, 0
		for _, w := range r.q.join(r.q.shards[0], list) {
			if w.small == nil {
				own++
				continue
			}
			got[w.small.line] += references(w.small.messages)
			parts := 0
			for i := range w.small.messages {
				parts += w.small.messages[i].Parts
			}
			b := w.small.block
			if w.err != nil || parts != b.parts || b.parts > maxParts || len(b.body) > maxBody+shareOctets || len(b.slots) != parts*slotSize {
				t.Errorf("%d parts, block of %d and %d octets: %v", parts, b.parts, len(b.body), w.err)
			}
			if body, err := parseBody(string(b.body)); err != nil || body.account != w.small.line.account {
				t.Errorf("the body: %v", err)
			}
		}
		for l, all := range want {
			if got[l] != all {
				t.Errorf("%v: %s, want %s", l, got[l], all)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d lanes, want %d", len(got), len(want))
		}
	})
}

func references(ms []Message) (all string) {
	for i := range ms {
		all += ms[i].Reference
	}
	return all
}
