package dispatch

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"bindery/queue"
)

// plan is one random run: what the carrier answers, when redis is away, when
// the bind goes.
type plan struct {
	Window  int
	Parts   int
	Answers [][]reply // by part, by try; past them: OK at once
	Faults  []fault
	Unbind  time.Duration // 0: never
	As      Class         // how an unbind ends what is open
	Lapse   time.Duration // 0: never
	Tokens  int           // 0: no limit; else tokens given each 100 ms
}

// fault is a call that fails from one moment to another.
type fault struct {
	Call     string
	From, To time.Duration
}

func drawReply(t *rapid.T) reply {
	r := reply{
		after: time.Duration(rapid.IntRange(0, 3000).Draw(t, "after")) * time.Millisecond,
		class: rapid.SampledFrom([]Class{
			ClassOK, ClassOK, ClassThrottled, ClassTemporary, ClassPermanent, ClassSession, ClassUncertain, ClassUnsent, ClassSurplus,
		}).Draw(t, "class"),
	}
	if r.class == ClassUncertain && rapid.Bool().Draw(t, "late") {
		r.late = r.after + time.Duration(rapid.IntRange(1, 30_000).Draw(t, "later"))*time.Millisecond
	}
	return r
}

func drawPlan(t *rapid.T) plan {
	moment := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.IntRange(0, 20_000).Draw(t, "ms")) * time.Millisecond
	})
	p := plan{Window: rapid.IntRange(1, 8).Draw(t, "window"), Parts: rapid.IntRange(1, 30).Draw(t, "parts")}
	for range p.Parts {
		p.Answers = append(p.Answers, rapid.SliceOfN(rapid.Custom(drawReply), 0, 3).Draw(t, "answers"))
	}
	for range rapid.IntRange(0, 4).Draw(t, "faults") {
		from := moment.Draw(t, "from")
		p.Faults = append(p.Faults, fault{
			Call: rapid.SampledFrom([]string{"lease", "settle", "finish", "correlate", "find", "look", "drop"}).Draw(t, "call"),
			From: from, To: from + moment.Draw(t, "for"),
		})
	}
	if rapid.Bool().Draw(t, "unbinds") {
		p.Unbind = 1 + moment.Draw(t, "unbind")
		p.As = rapid.SampledFrom([]Class{ClassUnsent, ClassUncertain}).Draw(t, "as")
	}
	if rapid.IntRange(0, 3).Draw(t, "lapses") == 0 {
		p.Lapse = 1 + moment.Draw(t, "lapse")
	}
	if rapid.Bool().Draw(t, "limited") {
		p.Tokens = rapid.IntRange(1, 20).Draw(t, "tokens")
	}
	return p
}

// Every message ends once, whatever happens on the way; a submission has one
// outcome; no more is leased than the credits allow; nothing is settled as
// submitted that the carrier's home does not know; the hand is empty at last.
func TestEveryPartEndsOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		var failed error
		synctest.Test(t, func(t *testing.T) { failed = runPlan(t, p) })
		if failed != nil {
			rt.Fatalf("%v\nplan: %+v", failed, p)
		}
	})
}

func runPlan(t *testing.T, p plan) error {
	began := time.Now()
	q, c := newFakeQueue(names(p.Parts)...), newFakeConn(p.Window)
	fail := func(call string) error {
		now := time.Since(began)
		for _, f := range p.Faults {
			if f.Call == call && now >= f.From && now < f.To {
				return errAway
			}
		}
		return nil
	}
	q.fail = fail
	c.answer = func(name string, try int) reply {
		var i int
		fmt.Sscanf(name, "m%03d", &i)
		if as := p.Answers[i-1]; try <= len(as) {
			return as[try-1]
		}
		return reply{}
	}
	rate := &fakeRate{tokens: 1 << 30, ready: make(chan struct{}, 1)}
	if p.Tokens > 0 {
		rate.tokens, rate.perSecond = 0, float64(10*p.Tokens)
		feed(t, rate, p.Tokens)
	}
	r := start(t, Config{}, q, c, rate)
	r.h.setFail(fail)
	q.mu.Lock()
	q.check = func(s queue.Settlement) string {
		if _, known := r.h.known(s.Part); s.Verdict == queue.Submitted && !known {
			return fmt.Sprintf("%s is settled as submitted, its id is not known", s.Part.Block)
		}
		return ""
	}
	q.mu.Unlock()
	r.disturb(p)
	pass(3 * time.Minute)
	return r.verify(p)
}

func feed(t *testing.T, rate *fakeRate, n int) {
	tick, end := time.NewTicker(100*time.Millisecond), make(chan struct{})
	t.Cleanup(func() { close(end) })
	go func() {
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				rate.mu.Lock()
				rate.tokens = min(rate.tokens+n, n)
				rate.mu.Unlock()
				signal(rate.ready)
			case <-end:
				return
			}
		}
	}()
}

func (r *rig) disturb(p plan) {
	if p.Unbind > 0 {
		time.AfterFunc(p.Unbind, func() { r.c.unbind(p.As) })
		time.AfterFunc(p.Unbind+5*time.Second, func() { r.c.bind(p.Window) })
	}
	if p.Lapse > 0 {
		time.AfterFunc(p.Lapse, func() { r.q.reclaim(r.q.owner) })
		time.AfterFunc(p.Lapse+25*time.Second, func() {
			r.q.mu.Lock()
			r.q.newOwner()
			r.q.mu.Unlock()
		})
	}
}

func (r *rig) verify(p plan) error {
	var errs []error
	r.q.mu.Lock()
	defer r.q.mu.Unlock()
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	for part, s := range r.q.slots {
		if !slices.Contains([]string{"submitted", "rejected", "failed", "unknown", "surplus"}, s.state) || s.lease != 0 {
			errs = append(errs, fmt.Errorf("%s is %s, lease %d", part.Block, s.state, s.lease))
		}
	}
	for s, n := range r.c.outcomes {
		if n != 1 {
			errs = append(errs, fmt.Errorf("%s had %d outcomes", s.Message.Text, n))
		}
	}
	if len(r.c.outcomes) != len(r.c.submits) || len(r.c.open) > 0 {
		errs = append(errs, fmt.Errorf("%d submissions, %d with an outcome, %d open", len(r.c.submits), len(r.c.outcomes), len(r.c.open)))
	}
	if r.q.max > 2*p.Window {
		errs = append(errs, fmt.Errorf("%d leased at once, window %d", r.q.max, p.Window))
	}
	if st := r.d.Stat(); st.Leased != 0 || st.Waiting != 0 || st.Open != 0 {
		errs = append(errs, fmt.Errorf("left in the hand: %+v", st))
	}
	if n := r.d.in.size(); n > 0 {
		errs = append(errs, fmt.Errorf("%d left in the inbox", n))
	}
	for _, bad := range append(r.q.bad, r.c.bad...) {
		errs = append(errs, errors.New(bad))
	}
	return errors.Join(errs...)
}

// What the carrier throttled is written again before anything later that was
// not written yet (DESIGN section 7), whatever is under way at that moment.
func TestThrottledGoesAgainFirst(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		window, parts := rapid.IntRange(1, 8).Draw(rt, "window"), rapid.IntRange(5, 40).Draw(rt, "parts")
		ms := rapid.IntRange(0, 400)
		delays := rapid.SliceOfN(ms, 1, 10).Draw(rt, "delays")
		trips := rapid.SliceOfN(rapid.IntRange(0, 60), 1, 5).Draw(rt, "trips")
		throttled := rapid.SliceOfN(rapid.Bool(), parts, parts).Draw(rt, "throttled")
		pause := time.Duration(rapid.IntRange(1, 1000).Draw(rt, "pause")) * time.Millisecond
		var failed error
		synctest.Test(t, func(t *testing.T) {
			q, c := newFakeQueue(names(parts)...), newFakeConn(window)
			var trip atomic.Int64
			q.trip = func() time.Duration {
				return time.Duration(trips[int(trip.Add(1))%len(trips)]) * time.Millisecond
			}
			n := 0
			c.answer = func(name string, try int) reply {
				n++
				r := reply{after: time.Duration(delays[n%len(delays)]) * time.Millisecond}
				var i int
				fmt.Sscanf(name, "m%03d", &i)
				if try == 1 && throttled[i-1] {
					r.class = ClassThrottled
				}
				return r
			}
			start(t, Config{ThrottlePause: pause}, q, c, nil)
			pass(3 * time.Minute)
			c.mu.Lock()
			defer c.mu.Unlock()
			failed = overtaken(c.history, parts)
		})
		if failed != nil {
			rt.Fatal(failed)
		}
	})
}

// overtaken looks for a first write of a later part between a throttled answer
// and the next write of the part that it was for. One at the very moment of the
// answer was under way.
func overtaken(history []step, parts int) error {
	again, wrote := map[string]time.Time{}, map[string]bool{}
	for i, s := range history {
		if s.throttled {
			again[s.name] = s.at
			continue
		}
		for waiting, since := range again {
			if !wrote[s.name] && s.name > waiting && s.at.After(since) {
				return fmt.Errorf("%s overtook %s at %d of %v", s.name, waiting, i, history)
			}
		}
		delete(again, s.name)
		wrote[s.name] = true
	}
	if len(wrote) != parts || len(again) > 0 {
		return fmt.Errorf("%d of %d written, %v throttled and not written again", len(wrote), parts, again)
	}
	return nil
}
