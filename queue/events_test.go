package queue

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// hard are texts of messages that an event must say as they are.
var hard = []string{
	"", "plain", `say "hi"`, `back\slash\`, `\`, `"`, `,"status":"`, `,\"status\":\"`, "주문 42번 배송 😀", "a\nb\tc\r\x00\u2028<&>",
	`","carrier":"x`, `{"id":"`, strings.Repeat("길", 300), `%1%0%%`,
}

// hardPush is a message for each two of them.
func hardPush(account string) *Push {
	p := push(account, len(hard)*len(hard))
	for i := range p.Messages {
		p.Messages[i].Reference, p.Messages[i].Campaign = hard[i%len(hard)], hard[i/len(hard)]
	}
	return p
}

// entries are those of an account's stream, as they are.
func (r *rig) entries(account string) []string {
	r.Helper()
	list, err := r.db.XRange(r.ctx, r.q.shardOf(account).status(account), "-", "+").Result()
	if err != nil {
		r.Fatal(err)
	}
	var texts []string
	for _, e := range list {
		texts = append(texts, e.Values["events"].(string))
	}
	return texts
}

var changing = regexp.MustCompile(`^\{"id":"[0-9a-z]{22}|"at":"[^"]*"`)

// saidBy are the events of entries, sorted, but for the name of the block and
// the time.
func saidBy(entries []string) []string {
	var list []string
	for _, e := range entries {
		for _, line := range strings.Split(e, "\n") {
			list = append(list, changing.ReplaceAllString(line, ""))
		}
	}
	slices.Sort(list)
	return list
}

// brought are the entries that the calls of a script since brought along.
func (c *chaos) brought(name string) []string {
	var list []string
	for _, args := range c.calls {
		if sha, _ := args[1].(string); scriptNames[sha] != name {
			continue
		}
		for _, arg := range args[4:] {
			if text, ok := arg.([]byte); ok && strings.HasPrefix(string(text), `{"id":"`) {
				list = append(list, string(text))
			}
		}
	}
	c.calls = nil
	return list
}

// TestGatewayWritesWhatScriptsDo: the events that come with a call are octet for
// octet those that the script writes which must read the bodies.
func TestGatewayWritesWhatScriptsDo(t *testing.T) {
	errs := []Error{
		{}, {"receipt:045", "absent"}, {"receipt:045", ""}, {"smpp:0x0B", `no "such" \ 주소`}, {"carrier says so", "no number"},
		{"", "no code"}, {"validity", "its own words"}, {"receipt:1x", ",\"status\":\"\n"},
	}
	statuses := []Status{StatusDelivered, StatusUndelivered, StatusRejected, StatusExpired, StatusFailed, StatusUnknown}
	onEach(t, func(r *rig) {
		c := r.addChaos()
		life := func(account string, known bool) (submitted, finals []string) {
			r.accept(hardPush(account))
			o := r.owner()
			l := r.lease(o, 500)
			if !known {
				r.q.lines = lines{}
			}
			c.calls = nil
			r.settle(o, l.all(Submitted))
			submitted = r.entries(account)
			if got := c.brought("settle"); known != (len(got) > 0) || known && !cmp.Equal(got, submitted) {
				r.Errorf("known %v: %d entries came with settle, %d are in the stream", known, len(got), len(submitted))
			}
			var fs []Finish
			for i, p := range l.Parts {
				fs = append(fs, Finish{Part: p.Part, Carrier: []string{"alpha", "beta"}[i/2%2], Status: statuses[i%len(statuses)], Error: errs[i/3%len(errs)]})
			}
			for i, f := range r.finish(fs...) {
				if f != FinishedNew {
					r.Errorf("part %d: %v", i, f)
				}
			}
			finals = r.entries(account)[len(submitted):]
			if got := c.brought("finish"); known != (len(got) > 0) || known && !cmp.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(finals))) {
				r.Errorf("known %v: %d entries came with finish, %d are in the stream", known, len(got), len(finals))
			}
			r.checkHome()
			return saidBy(submitted), saidBy(finals)
		}
		submitted, finals := life("acme", true)
		wantSubmitted, wantFinals := life("bolt", false)
		if diff := cmp.Diff(wantSubmitted, submitted) + cmp.Diff(wantFinals, finals); diff != "" || len(finals) != len(hard)*len(hard) {
			r.Errorf("%d finals: %s", len(finals), diff)
		}
		for i, e := range r.events("acme")[:len(hard)*len(hard)] { // which also parses each
			if e.Reference != hard[i%len(hard)] || e.Campaign != hard[i/len(hard)] {
				r.Errorf("event %d: %+v", i, e)
			}
		}
	})
}

// TestMoreErrorsThanTheirNumberHolds: those beyond it lose their message, not
// their code; those without a carrier say none.
func TestMoreErrorsThanTheirNumberHolds(t *testing.T) {
	onEach(t, func(r *rig) {
		r.accept(push("acme", 300))
		o := r.owner()
		l := r.lease(o, 300)
		r.settle(o, l.all(Submitted))
		var fs []Finish
		for i, p := range l.Parts {
			f := Finish{Part: p.Part, Carrier: "alpha", Status: StatusUndelivered, Error: Error{fmt.Sprintf("receipt:%03d", i), fmt.Sprint("text ", i)}}
			if i%7 == 0 {
				f.Carrier = ""
			}
			fs = append(fs, f)
		}
		r.finish(fs...)
		got := map[Part]event{}
		for _, e := range r.events("acme") {
			if p, _ := e.ID.Parse(); e.Status != "submitted" {
				got[p] = e
			}
		}
		for i, f := range fs {
			if i >= maxErrors {
				f.Error.Message = ""
			}
			if e := got[f.Part]; e.Carrier != f.Carrier || e.Error == nil || *e.Error != f.Error {
				r.Errorf("event %d: %+v %+v", i, e, e.Error)
			}
		}
		r.checkHome()
	})
}

// now is Redis time.
func (r *rig) now() time.Time {
	r.Helper()
	reply, err := r.q.run(r.ctx, timeScript, r.q.shards[0])
	if err != nil {
		r.Fatal(err)
	}
	return time.UnixMilli(reply.number())
}

// TestTimesOfEvents: they are the caller's while its clock is right within a
// second, else the script's.
func TestTimesOfEvents(t *testing.T) {
	onEach(t, func(r *rig) {
		for _, off := range []time.Duration{0, 500 * time.Millisecond, 1001 * time.Hour, -time.Minute, time.Minute} {
			account := fmt.Sprint("off-by-", int64(off))
			r.accept(push(account, 130))
			o := r.owner()
			l := r.lease(o, 200)
			own := off.Abs() > time.Second // the script's own
			call := func(name string, f func()) {
				r.Helper()
				seen := len(r.events(account))
				believed := func() time.Time { return r.q.clock.now().Truncate(time.Millisecond) }
				before := r.now()
				r.q.clock.last.Store(&heard{before.Add(off), r.q.o.Elapsed()})
				from := believed()
				c := r.q.clock.last.Load()
				f()
				to := c.redis.Add(r.q.o.Elapsed() - c.here)
				if own {
					from, to = before, r.now()
				}
				events := r.events(account)[seen:]
				if len(events) != 130 {
					r.Errorf("%s: %d events", name, len(events))
				}
				for _, e := range events {
					if at, err := time.Parse(time.RFC3339, e.At); err != nil || at.Before(from) || at.After(to) || e.At != events[0].At {
						r.Fatalf("%s, off by %v: at %s, want %v to %v", name, off, e.At, from, to)
					}
				}
			}
			call("settle", func() { r.settle(o, l.all(Submitted)) })
			call("finish", func() {
				var fs []Finish
				for _, p := range l.Parts {
					fs = append(fs, Finish{Part: p.Part, Carrier: "alpha", Status: StatusDelivered})
				}
				r.finish(fs...)
			})
		}
		r.checkHome()
	})
}

// told counts the events of accounts by message and status, and holds each entry
// to its form (events does).
func (r *rig) told(accounts ...string) map[string]int {
	r.Helper()
	told := map[string]int{}
	for _, account := range accounts {
		for _, text := range r.entries(account) {
			for _, line := range strings.Split(text, "\n") {
				if !json.Valid([]byte(line)) {
					r.Errorf("%s: line %q", account, line)
				}
			}
		}
		for _, e := range r.events(account) {
			word := e.Status
			if e.Late {
				word = "late " + word
			}
			told[string(e.ID)+" "+word]++
		}
	}
	return told
}

// TestOddPartsInACall: among hundreds of plain parts of several accounts those
// that are otherwise are told by the script; all of them are told once.
func TestOddPartsInACall(t *testing.T) {
	accounts := []string{"acme", "bolt", "cent"}
	odd := map[string]func(r *rig, p Part) (want string, answer Finished){
		"none": func(*rig, Part) (string, Finished) { return "delivered", FinishedNew },
		"a repeat": func(r *rig, p Part) (string, Finished) {
			r.finish(Finish{Part: p, Carrier: "alpha", Status: StatusDelivered})
			return "delivered", FinishedRepeat
		},
		"contradicted": func(r *rig, p Part) (string, Finished) {
			r.finish(Finish{Part: p, Carrier: "alpha", Status: StatusUndelivered})
			return "undelivered, late delivered", FinishedContradiction
		},
		"its block is gone": func(r *rig, p Part) (string, Finished) {
			sh := r.q.shardOfBlock(p.Block)
			pipe := r.db.Pipeline()
			pipe.Del(r.ctx, sh.slots(p.Block))
			pipe.Del(r.ctx, sh.block(p.Block))
			pipe.ZRem(r.ctx, sh.expiry(), string(p.Block))
			if _, err := pipe.Exec(r.ctx); err != nil {
				r.Fatal(err)
			}
			return "", FinishedGone
		},
	}
	onEach(t, func(r *rig) {
		for _, name := range slices.Sorted(maps.Keys(odd)) {
			for _, shape := range []string{"whole", "known in part", "not known"} {
				r.oddCall(name+", "+shape, accounts, odd[name], shape)
			}
		}
		if r.db.FlushAll(r.ctx).Err() != nil {
			r.Error("flush")
		}
	})
}

// oddCall submits blocks of a few sizes, has one part of them become odd, and
// finishes all of them in one call, out of order.
func (r *rig) oddCall(name string, accounts []string, beOdd func(*rig, Part) (string, Finished), shape string) {
	r.Helper()
	if err := r.db.FlushAll(r.ctx).Err(); err != nil {
		r.Fatal(err)
	}
	if err := r.q.Start(r.ctx); err != nil {
		r.Fatal(err)
	}
	r.q.lines, r.q.bodies, r.q.carriers = lines{}, bodies{}, carrierNumbers{}
	want := map[string]int{}
	var parts []Part
	o := r.owner()
	for i, account := range accounts {
		for _, n := range []int{1, 40 + 30*i, 60} {
			for _, id := range r.accept(push(account, n)) {
				p, err := id.Parse()
				if err != nil {
					r.Fatal(err)
				}
				parts = append(parts, p)
				want[string(id)+" submitted"], want[string(id)+" delivered"] = 1, 1
			}
		}
	}
	for i, left := 0, len(parts); left > 0 && i < 9; i++ { // a block's parts are known by several segments
		l := r.lease(o, []int{33, 150, 500}[min(i, 2)])
		left -= len(l.Parts)
		ss := l.all(Submitted)
		slices.Reverse(ss)
		r.settle(o, ss)
	}
	oddOne := parts[len(parts)/2] // of a block of many, in the middle of the second account's
	words, answer := beOdd(r, oddOne)
	switch shape {
	case "known in part":
		for b, segments := range r.q.lines.known {
			if len(segments) > 1 {
				r.q.lines.known[b] = segments[1:]
			}
		}
	case "not known":
		r.q.lines = lines{}
	}
	var fs []Finish
	for i := range parts { // out of order: 7 and the number of parts have no common divisor
		fs = append(fs, Finish{Part: parts[i*7%len(parts)], Carrier: "alpha", Status: StatusDelivered})
	}
	for i, got := range r.finish(fs...) {
		wanted := FinishedNew
		if answer == FinishedGone && fs[i].Part.Block == oddOne.Block || fs[i].Part == oddOne {
			wanted = answer
		}
		if got != wanted {
			r.Errorf("%s: %v is answered %d, want %d", name, fs[i].Part, got, wanted)
		}
		id := string(newID(fs[i].Part.Block, int(fs[i].Part.Index)))
		if wanted == FinishedNew {
			continue
		}
		delete(want, id+" delivered")
		for _, word := range strings.Split(words, ", ") {
			if word != "" {
				want[id+" "+word] = 1
			}
		}
	}
	if diff := cmp.Diff(want, r.told(accounts...)); diff != "" {
		r.Errorf("%s: %s", name, diff)
	}
	if answer != FinishedGone {
		r.checkHome()
	}
}

// beside is another account of an account's shard.
func (r *rig) beside(account string) string {
	for i := 0; ; i++ {
		if other := fmt.Sprint(account, i); r.q.shardOf(other) == r.q.shardOf(account) {
			return other
		}
	}
}

// TestOddPartsInASettle: as of receipts, of outcomes.
func TestOddPartsInASettle(t *testing.T) {
	onEach(t, func(r *rig) {
		p := push("acme", 300)
		p.Messages[20].Parts, p.Messages[90].Hold, p.Messages[150].Parts = 2, true, 3
		r.accept(p)
		other := r.beside("acme")
		r.accept(push(other, 80))
		o := r.owner()
		first := r.lease(o, 60) // these are sent a second time, or maybe so
		ss := first.all(Back)
		for i := range ss {
			ss[i].Verdict = []Verdict{Back, Uncertain, Retry}[i%3]
		}
		r.settle(o, ss)
		l := r.lease(o, 500)
		ss = l.all(Submitted)
		if len(ss) != 383 {
			r.Fatalf("%d parts", len(ss))
		}
		ss[200].Verdict, ss[200].Error = Refused, Error{"smpp:0x0B", "bad address"}
		ss[210].Verdict = Back
		ss[220].Lease = first.Number       // which is over
		ss = append(ss, ss[230], ss[5])    // twice in a call
		slices.Reverse(ss[250:])           // out of order
		ss = append(ss[100:], ss[:100]...) // across the middle of blocks
		want := map[string]int{}
		for _, p := range l.Parts {
			want[string(p.Message.ID)+" submitted"] = 1
		}
		for i, word := range map[int]string{200: "rejected", 210: "", 220: ""} {
			id := string(l.Parts[i].Message.ID)
			if delete(want, id+" submitted"); word != "" {
				want[id+" "+word] = 1
			}
		}
		r.settle(o, ss)
		if diff := cmp.Diff(want, r.told("acme", other)); diff != "" {
			r.Error(diff)
		}
		for _, e := range r.events("acme") {
			p, _ := e.ID.Parse()
			again := slices.ContainsFunc(first.Parts, func(l Leased) bool { return l.Message.ID == e.ID })
			maybe := slices.ContainsFunc(l.Parts, func(l Leased) bool { return l.Message.ID == e.ID && l.MaybeSent })
			if e.Uncertain != maybe || (e.Attempt == 2) != (maybe || again && e.Attempt != 0) {
				r.Errorf("part %d: %+v", p.Index, e)
			}
		}
		o.held.set(l.Parts[220].Part, l.Number, 220) // (that settlement named no lease of it)
		r.settle(o, []Settlement{{Part: l.Parts[220].Part, Lease: l.Number, Verdict: Submitted, Carrier: "alpha"}})
		if n := r.told("acme", other)[string(l.Parts[220].Message.ID)+" submitted"]; n != 1 {
			r.Errorf("told %d times", n)
		}
		r.checkHome()
	})
}

// TestContradictedInTheSameCall: what is said against a final comes behind it in
// the stream, and what came before a final in a call is not lost by it.
func TestContradictedInTheSameCall(t *testing.T) {
	onEach(t, func(r *rig) {
		ids := r.accept(push("acme", 250))
		o := r.owner()
		l := r.lease(o, 500)
		r.settle(o, l.all(Submitted))
		var fs []Finish
		for i, p := range l.Parts {
			f := Finish{Part: p.Part, Carrier: "alpha", Status: StatusDelivered}
			enroute, against := f, f
			enroute.Status, against.Status = StatusEnroute, StatusUndelivered
			switch {
			case i%2 == 0:
				fs = append(fs, f, against, f, against)
			case i%3 == 0:
				fs = append(fs, enroute, f)
			default:
				fs = append(fs, f)
			}
		}
		for at := 0; at < len(fs); at += MaxLease {
			call := fs[at:min(at+MaxLease, len(fs))]
			for i, got := range r.finish(call...) {
				nth := 0
				for _, f := range fs[:at+i] {
					if f.Part == call[i].Part {
						nth++
					}
				}
				want := FinishedNew
				if call[i].Part.Index%2 == 0 {
					want = []Finished{FinishedNew, FinishedContradiction, FinishedRepeat, FinishedRepeat}[nth]
				}
				if got != want {
					r.Errorf("%v of %v, number %d: %d, want %d", call[i].Status, call[i].Part, nth, got, want)
				}
			}
		}
		said := map[ID]string{}
		for _, e := range r.events("acme") {
			said[e.ID] += " " + e.Status
		}
		for i, id := range ids {
			want := " submitted delivered"
			if i%2 == 0 {
				want += " undelivered"
			}
			if said[id] != want {
				r.Errorf("message %d:%s", i, said[id])
			}
		}
		if v := r.get("acme", ids[3]); len(v.Timeline) != 4 {
			r.Errorf("%+v", v.Timeline)
		}
		r.checkHome()
	})
}
