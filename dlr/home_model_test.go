package dlr

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"bindery/internal/redisdb"
	"bindery/queue"
)

// plainHome is a home in plain Go, as slow and as simple as may be.
type plainHome struct {
	ids   map[string]named
	early map[string][]Receipt // by each id in normal form
	rules map[Rule]bool        // by which receipts were found
}

type named struct {
	part queue.Part
	to   string
}

// readings of an id under auto, spelled out.
func plainReadings(id string) map[Rule]string {
	id = strings.ToLower(id)
	rs := map[Rule]string{}
	if h, err := strconv.ParseUint(id, 16, 64); err == nil {
		id = strconv.FormatUint(h, 16)
		if h > 9 {
			rs[HexToDecimal] = strconv.FormatUint(h, 10)
		}
	}
	if d, err := strconv.ParseUint(id, 10, 64); err == nil && d > 9 {
		rs[DecimalToHex] = strconv.FormatUint(d, 16)
	}
	rs[Same] = id
	return rs
}

func (p *plainHome) habit() (Rule, bool) {
	for r := range p.rules {
		return r, len(p.rules) == 1
	}
	return 0, false
}

// fits finds the part that a reading names, if it went to this destination.
func (p *plainHome) fits(id, to string) (part queue.Part, ok, sure, conflict bool) {
	n, known := p.ids[id]
	switch {
	case !known:
		return n.part, false, false, false
	case to == "":
		return n.part, true, false, false
	case to != n.to:
		return n.part, false, false, true
	}
	return n.part, true, true, false
}

func (p *plainHome) resolve(r Receipt) (queue.Part, string) {
	why := "parked"
	only := len(names(r)) == 1
	for _, id := range r.IDs {
		rs := plainReadings(id)
		if habit, ok := p.habit(); only && ok && len(rs) > 1 && rs[habit] != "" {
			if part, ok, _, _ := p.fits(rs[habit], r.To); ok {
				return part, ""
			}
		}
		hits := map[queue.Part]Rule{}
		confirmed, conflicts := false, false
		for _, rule := range []Rule{HexToDecimal, DecimalToHex, Same} {
			if rs[rule] == "" {
				continue
			}
			part, ok, sure, conflict := p.fits(rs[rule], r.To)
			conflicts = conflicts || conflict
			if ok {
				hits[part], confirmed = rule, sure
			}
		}
		switch {
		case len(hits) == 0:
			if conflicts && why == "parked" {
				why = "conflict"
			}
			continue
		case len(hits) > 1:
			why = "ambiguous"
			continue
		}
		for part, rule := range hits {
			if len(rs) > 1 && rule != Same && !confirmed {
				why = "ambiguous"
				continue
			}
			if only && len(rs) > 1 {
				p.rules[rule] = true
			}
			return part, ""
		}
	}
	return queue.Part{}, why
}

func same(a, b Receipt) bool {
	a.At, b.At = time.Time{}, time.Time{}
	return cmp.Equal(a, b)
}

func (p *plainHome) lies(id string, r Receipt) bool {
	return slices.ContainsFunc(p.early[id], func(o Receipt) bool { return same(o, r) })
}

func names(r Receipt) (out []string) {
	for _, id := range r.IDs {
		if n := plainReadings(id)[Same]; !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

func (p *plainHome) find(r Receipt) string {
	part, why := p.resolve(r)
	if why == "" {
		return fmt.Sprint(part)
	}
	for _, id := range names(r) {
		if !p.lies(id, r) && len(p.early[id]) >= earlyEach {
			return "full"
		}
	}
	for _, id := range names(r) {
		if !p.lies(id, r) {
			p.early[id] = append(p.early[id], r)
		}
	}
	return why
}

func (p *plainHome) drop(r Receipt) {
	for _, id := range names(r) {
		p.early[id] = slices.DeleteFunc(p.early[id], func(o Receipt) bool { return same(o, r) })
		if len(p.early[id]) == 0 {
			delete(p.early, id)
		}
	}
}

func spell(f Found) string {
	switch {
	case f.Full:
		return "full"
	case f.Conflict:
		return "conflict"
	case f.Ambiguous:
		return "ambiguous"
	case f.Parked:
		return "parked"
	}
	return fmt.Sprint(f.Part)
}

// twice runs scripts and transactions a second time when it is told to, as a
// client does whose reply was lost.
type twice struct{ on bool }

func (t *twice) DialHook(next redis.DialHook) redis.DialHook { return next }
func (t *twice) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if t.on && cmds[0].Name() == "multi" {
			again := []redis.Cmder{redis.NewStatusCmd(ctx, "multi")}
			for _, c := range cmds[1:] {
				again = append(again, redis.NewCmd(ctx, c.Args()...))
			}
			if err := next(ctx, again); err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
		}
		return next(ctx, cmds)
	}
}
func (t *twice) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if t.on && strings.HasPrefix(cmd.Name(), "eval") {
			_ = next(ctx, redis.NewCmd(ctx, cmd.Args()...)) // its reply is lost
		}
		return next(ctx, cmd)
	}
}

// Any order of calls, each of them maybe run twice, answers and leaves what a
// plain home does.
func TestHomeAgainstPlainModel(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr()})
	defer c.Close()
	lost := &twice{}
	c.AddHook(lost)
	ids := []string{"10", "16", "a", "0A", "f", "15", "zz-1", "1f", "31", "49"}
	tos := []string{"821000000001", "821000000002"}
	rapid.Check(t, func(t *rapid.T) {
		m.FlushAll()
		ctx := context.Background()
		h := NewHome(redisdb.Wrap(c), HomeOptions{Carrier: "alpha"})
		p := &plainHome{map[string]named{}, map[string][]Receipt{}, map[Rule]bool{}}
		for step := range rapid.IntRange(1, 30).Draw(t, "steps") {
			lost.on = rapid.Bool().Draw(t, "twice")
			switch rapid.IntRange(0, 4).Draw(t, "do") {
			case 0, 1:
				r := Receipt{
					IDs:    rapid.SliceOfN(rapid.SampledFrom(ids), 1, 2).Draw(t, "ids"),
					Status: rapid.SampledFrom([]queue.Status{queue.StatusDelivered, queue.StatusEnroute}).Draw(t, "status"),
					To:     rapid.SampledFrom(append(tos, "")).Draw(t, "to"),
					Code:   fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "code")),
					At:     time.UnixMilli(int64(step)),
				}
				fs, err := h.Find(ctx, []Receipt{r})
				if err != nil {
					t.Fatal(err)
				}
				if got, want := spell(fs[0]), p.find(r); got != want {
					t.Fatalf("find %+v: %s, want %s", r, got, want)
				}
			case 2, 3:
				id, to := rapid.SampledFrom(ids).Draw(t, "id"), rapid.SampledFrom(tos).Draw(t, "to")
				p.ids[plainReadings(id)[Same]] = named{part(step), to}
				ps, err := h.Correlate(ctx, []Correlation{{id, part(step), "+" + to}})
				if err != nil {
					t.Fatal(err)
				}
				checkParked(t, p, ps, id)
				adoptRules(t, c, h, p)
				if rapid.Bool().Draw(t, "drop") {
					for _, x := range ps {
						p.drop(x.Receipt)
					}
					if err := h.Drop(ctx, ps); err != nil {
						t.Fatal(err)
					}
				}
			case 4:
				id := rapid.SampledFrom(ids).Draw(t, "id")
				n := plainReadings(id)[Same]
				h.o.Now = func() time.Time { return time.Unix(int64(100*step), 0) }
				h.Forget([]Known{{n, p.ids[n].part}, {n, part(9999)}})
				h.o.Now = func() time.Time { return time.Unix(int64(100*step+20), 0) }
				if err := h.Sweep(ctx); err != nil {
					t.Fatal(err)
				}
				delete(p.ids, n)
			}
			checkEarly(t, c, h, p)
		}
	})
}

// adoptRules makes the model's rules those that the home has learned: in which
// order a batch teaches is not for the model to say, only that nothing else
// than what it may teach is learned.
func adoptRules(t *rapid.T, c *redis.Client, h *Home, p *plainHome) {
	t.Helper()
	learned := map[Rule]bool{}
	if _, rest, ok := strings.Cut(c.HGet(context.Background(), h.state, "rules").Val(), ":"); ok {
		for _, r := range strings.ReplaceAll(rest, ":", "") {
			learned[Rule(r-'0')] = true
		}
	}
	for r := range learned {
		if !p.rules[r] {
			t.Fatalf("rules %v were learned, at most %v could be", learned, p.rules)
		}
	}
	p.rules = learned
}

// checkParked holds what correlate answered against all that is parked: each
// receipt whose part the new id makes known is in it, and no other. What a
// habit that shows only now resolves may be in it already, or come with the
// next look.
func checkParked(t *rapid.T, p *plainHome, ps []Parked, id string) {
	t.Helper()
	got := map[string]bool{}
	for _, x := range ps {
		got[fmt.Sprint(x.Receipt.IDs, x.Receipt.Status, x.Receipt.Code, x.Receipt.To, x.Part)] = true
	}
	if len(got) != len(ps) {
		t.Fatalf("%d parked receipts, %d of them different", len(ps), len(got))
	}
	under := plainReadings(id)
	// known under rules, which it may add to (a receipt at a time or not).
	known := func(rules map[Rule]bool, afresh bool) map[string]bool {
		out := map[string]bool{}
		for _, name := range under {
			for _, r := range p.early[name] {
				p.rules = rules
				if afresh {
					p.rules = maps.Clone(rules)
				}
				if part, why := p.resolve(r); why == "" {
					out[fmt.Sprint(r.IDs, r.Status, r.Code, r.To, part)] = true
				}
			}
		}
		return out
	}
	learned := maps.Clone(p.rules)
	before := known(learned, true)
	for n := -1; len(learned) != n; {
		n = len(learned)
		known(learned, false)
	}
	with := known(learned, true)
	between := map[string]bool{} // by a habit that lasts for a part of the batch
	for rule := range learned {
		maps.Copy(between, known(map[Rule]bool{rule: true}, true))
	}
	p.rules = learned
	for k := range got {
		if !with[k] && !before[k] && !between[k] {
			t.Fatalf("parked under %s: %s was answered, want one of %v or %v", id, k, before, with)
		}
	}
	for k := range before {
		if with[k] && !got[k] {
			t.Fatalf("parked under %s: %s is missing in %v", id, k, got)
		}
	}
}

func checkEarly(t *rapid.T, c *redis.Client, h *Home, p *plainHome) {
	t.Helper()
	all := c.HGetAll(context.Background(), h.early).Val()
	got := map[string][]Receipt{}
	for id, v := range all {
		for _, w := range appendEntries(nil, id, v) {
			r, err := parseParked(w.parked)
			if err != nil {
				t.Fatal(err)
			}
			got[id] = append(got[id], r)
		}
	}
	if d := cmp.Diff(p.early, got); d != "" {
		t.Fatalf("early (-want +got):\n%s", d)
	}
	for _, rs := range got { // each has one of its ids among the looks
		for _, r := range rs {
			if err := c.ZScore(context.Background(), h.looks, names(r)[0]).Err(); err != nil {
				t.Fatalf("%v is not looked at: %v", r, err)
			}
		}
	}
}
