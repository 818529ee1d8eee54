package dlr

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"bindery/internal/redisdb"
	"bindery/internal/redistest"
	"bindery/queue"
)

// place is a Redis of one kind, empty.
type place struct {
	*redisdb.DB
	mini *miniredis.Miniredis // nil: a real one
}

// onEach runs a test on miniredis and on redis-server.
func onEach(t *testing.T, f func(t *testing.T, db place)) {
	t.Helper()
	t.Run("miniredis", func(t *testing.T) { f(t, newMini(t)) })
	t.Run("redis-server", func(t *testing.T) { f(t, newServer(t)) })
}

// onEachWay does so three times: with ids written as it comes, by transactions
// alone, and by the script alone.
func onEachWay(t *testing.T, f func(t *testing.T, db place)) {
	t.Helper()
	onEach(t, f)
	t.Run("transactions", func(t *testing.T) {
		onEach(t, func(t *testing.T, db place) {
			db.hook(t).alone = true
			f(t, db)
		})
	})
	t.Run("scripts", func(t *testing.T) {
		onEach(t, func(t *testing.T, db place) {
			db.hook(t).refuse = true
			f(t, db)
		})
	})
}

func newServer(t testing.TB, args ...string) place {
	return place{DB: redisdb.Wrap(redistest.Start(t, args...).Client(t))}
}

func newMini(t testing.TB) place {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr()})
	t.Cleanup(func() { _ = c.Close() })
	return place{redisdb.Wrap(c), m}
}

func newCluster(t testing.TB) place {
	s := redistest.Start(t, "--cluster-enabled", "yes")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Client(t).Do(ctx, "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr}})
	t.Cleanup(func() { _ = c.Close() })
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		if c.Set(ctx, "up", 1, time.Second).Err() == nil {
			tick.Stop()
			return place{DB: redisdb.Wrap(c)}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the cluster did not come up")
		}
	}
}

func part(n int) queue.Part {
	return queue.Part{Block: queue.Block(fmt.Sprintf("%022d", n)), Index: uint16(n)}
}

const subscriber = "821000000001"

func receipt(ids ...string) Receipt {
	return Receipt{IDs: ids, Status: queue.StatusDelivered, Code: "000", To: subscriber, At: time.UnixMilli(1_700_000_000_123)}
}

func correlate(t *testing.T, h *Home, cs ...Correlation) []Parked {
	t.Helper()
	ps, err := h.Correlate(t.Context(), cs)
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

// find looks a receipt up in Redis, as a process does that had no response.
func find(t *testing.T, h *Home, r Receipt) Found {
	t.Helper()
	forgetRecents(h)
	fs, err := h.Find(t.Context(), []Receipt{r})
	if err != nil {
		t.Fatal(err)
	}
	if len(fs) != 1 {
		t.Fatalf("%d answers for one receipt", len(fs))
	}
	return fs[0]
}

func found(t *testing.T, f Found, p queue.Part) {
	t.Helper()
	if f.Part != p || f.Parked || f.Full {
		t.Fatalf("got %+v, want part %v", f, p)
	}
}

func drop(t *testing.T, h *Home, ps ...Parked) {
	t.Helper()
	if err := h.Drop(t.Context(), ps); err != nil {
		t.Fatal(err)
	}
}

// How an id of submit_sm_resp and one of a receipt name the same part (F6 and
// the cases R14, R15, R17).
func TestFindByForm(t *testing.T) {
	tests := []struct {
		name            string
		submit, receipt IDForm
		sent            string
		ids             []string
		want            bool
	}{
		{"the same", Auto, Auto, "k1", []string{"k1"}, true},
		{"case", Auto, Auto, "2E179B310EDE971B2760C72B7F026F2C", []string{"2e179b310ede971b2760c72b7f026f2c"}, true},
		{"R14 hex in the TLV, decimal in the text", Auto, Auto, "38602a7", []string{"38602a7", "0059114151"}, true},
		{"R15 decimal with a leading zero", Hex, Decimal, "0D2D3B02", []string{"0221068034"}, true},
		{"R15 under auto", Auto, Auto, "0D2D3B02", []string{"0221068034"}, true},
		{"R17 a UUID that begins with zero", Auto, Auto, "0e999f21-81ef-4974-a414-3de98174e4d8", []string{"0e999f21-81ef-4974-a414-3de98174e4d8"}, true},
		{"a UUID whose zero was lost is another", Auto, Auto, "0e999f21-81ef-4974-a414-3de98174e4d8", []string{"e999f21-81ef-4974-a414-3de98174e4d8"}, false},
		{"hex in the receipt", Auto, Auto, "4071234567", []string{"F2AA1C07"}, true},
		{"decimal for good is not hex", Decimal, Decimal, "499602d2", []string{"1234567890"}, false},
		{"as it is", AsIs, AsIs, "499602d2", []string{"1234567890"}, false},
		{"as it is, by its case", AsIs, AsIs, "aB3", []string{"ab3"}, false},
		{"as it is, with its zeros", AsIs, AsIs, "00aB", []string{"00aB"}, true},
		{"only the second id is ours", Auto, Auto, "abc-1", []string{"other", "ABC-1"}, true},
	}
	onEachWay(t, func(t *testing.T, db place) {
		for i, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				h := NewHome(db.DB, HomeOptions{Carrier: fmt.Sprint("c", i), Submit: tt.submit, Receipt: tt.receipt})
				correlate(t, h, Correlation{tt.sent, part(i), subscriber})
				f := find(t, h, receipt(tt.ids...))
				if !tt.want {
					if !f.Parked {
						t.Fatalf("got %+v, want it parked", f)
					}
					return
				}
				found(t, f, part(i))
				if f.Known.ID != tt.submit.Normal(tt.sent) || f.Known.Part != part(i) {
					t.Errorf("known as %+v, want %q", f.Known, tt.submit.Normal(tt.sent))
				}
			})
		}
	})
}

// F4, F5, S17: the receipt comes before the response, maybe on another
// instance.
func TestReceiptBeforeResponse(t *testing.T) {
	forms := []struct {
		form           IDForm
		sent, reported string
	}{{Auto, "e1", "e1"}, {Auto, "0D2D3B02", "0221068034"}, {Auto, "ABC", "abc"}, {AsIs, "00aB", "00aB"}, {Auto, "4071234567", "F2AA1C07"}}
	onEachWay(t, func(t *testing.T, db place) {
		for i, tt := range forms {
			a := NewHome(db.DB, HomeOptions{Carrier: fmt.Sprint("c", i), Submit: tt.form})
			b := NewHome(db.DB, HomeOptions{Carrier: fmt.Sprint("c", i), Submit: tt.form})
			if f := find(t, a, receipt(tt.reported)); !f.Parked || f.Conflict || f.Ambiguous {
				t.Fatalf("%s: got %+v, want it parked", tt.reported, f)
			}
			enroute := receipt(tt.reported)
			enroute.Status = queue.StatusEnroute
			find(t, a, enroute)
			never := receipt("never-seen")
			find(t, a, never)
			for run := range 2 { // the answer of the first was lost
				ps := correlate(t, b, Correlation{tt.sent, part(i), subscriber})
				if len(ps) != 2 {
					t.Fatalf("%s, run %d: got %d parked receipts, want 2", tt.reported, run, len(ps))
				}
				want := Parked{tt.reported, part(i), receipt(tt.reported), Known{tt.form.Normal(tt.sent), part(i)}}
				want.ID = tt.form.Normal(want.ID)
				if d := cmp.Diff(want, ps[0]); d != "" {
					t.Fatalf("parked receipt (-want +got):\n%s", d)
				}
				if ps[1].Receipt.Status != queue.StatusEnroute {
					t.Errorf("second parked receipt is %v", ps[1].Receipt.Status)
				}
				if run == 1 {
					drop(t, b, ps...)
					drop(t, b, ps...)
				}
			}
			if ps := correlate(t, b, Correlation{tt.sent, part(i), subscriber}); len(ps) != 0 {
				t.Errorf("%d receipts lie there after drop", len(ps))
			}
			left, err := db.HKeys(t.Context(), a.early).Result()
			if err != nil || len(left) != 1 || left[0] != "never-seen" {
				t.Errorf("early holds %q, %v; want only the one that was never seen", left, err)
			}
		}
	})
}

// F8: a receipt that comes again is not parked again, nor is one with several
// ids told twice.
func TestRepeatIsNotParked(t *testing.T) {
	onEachWay(t, func(t *testing.T, db place) {
		h := NewHome(db.DB, HomeOptions{Carrier: "alpha"})
		for i := range 3 {
			r := receipt("ff01", "65281")
			r.At = r.At.Add(time.Duration(i) * time.Minute)
			if f := find(t, h, r); !f.Parked {
				t.Fatalf("got %+v", f)
			}
		}
		ps := correlate(t, h, Correlation{"FF01", part(1), subscriber})
		if len(ps) != 1 || !ps[0].Receipt.At.Equal(receipt().At) {
			t.Fatalf("got %+v, want the first", ps)
		}
		drop(t, h, ps...)
		if n := db.Exists(t.Context(), h.early, h.looks).Val(); n != 0 {
			t.Errorf("%d keys are left", n)
		}
	})
}

// F7: ids are used again, and by several carriers: the newer part is named,
// and never one that went elsewhere.
func TestReusedIDs(t *testing.T) {
	onEachWay(t, func(t *testing.T, db place) {
		a, b := NewHome(db.DB, HomeOptions{Carrier: "a"}), NewHome(db.DB, HomeOptions{Carrier: "b"})
		correlate(t, a, Correlation{"7", part(1), subscriber})
		correlate(t, b, Correlation{"7", part(2), subscriber})
		found(t, find(t, a, receipt("7")), part(1))
		found(t, find(t, b, receipt("7")), part(2))

		correlate(t, a, Correlation{"7", part(3), "821000000002"})
		if f := find(t, a, receipt("7")); !f.Parked || !f.Conflict {
			t.Fatalf("of another destination: got %+v, want a conflict", f)
		}
		r := receipt("7")
		r.To = "010-0000-0002" // as handsets write it
		found(t, find(t, a, r), part(3))
		r.To = ""
		found(t, find(t, a, r), part(3))
		if s := a.Stat(); s.Conflicts != 1 || s.Parked != 1 {
			t.Errorf("counted %+v, want one conflict", s)
		}
	})
}

// S22: a carrier that sends another's ids touches nothing.
func TestReceiptOfAnotherCarrier(t *testing.T) {
	onEachWay(t, func(t *testing.T, db place) {
		a, b := NewHome(db.DB, HomeOptions{Carrier: "a"}), NewHome(db.DB, HomeOptions{Carrier: "b"})
		correlate(t, a, Correlation{"id-of-a", part(1), subscriber})
		if f := find(t, b, receipt("id-of-a")); !f.Parked {
			t.Fatalf("got %+v, want it parked", f)
		}
		if ps := correlate(t, a, Correlation{"id-of-a", part(1), subscriber}); len(ps) != 0 {
			t.Errorf("b's receipt came out at a: %+v", ps)
		}
	})
}

// A number that two parts may be meant by waits, until the habit is seen.
func TestAmbiguousWaits(t *testing.T) {
	onEachWay(t, func(t *testing.T, db place) {
		h := NewHome(db.DB, HomeOptions{Carrier: "alpha"})
		correlate(t, h, Correlation{"100", part(1), subscriber}, Correlation{"64", part(2), subscriber})
		f := find(t, h, receipt("100")) // 100, or 0x64
		if !f.Parked || !f.Ambiguous {
			t.Fatalf("got %+v, want it to wait", f)
		}
		// The same number with the destination of one of the two is clear.
		correlate(t, h, Correlation{"200", part(3), "821000000002"}, Correlation{"c8", part(4), subscriber})
		found(t, find(t, h, receipt("200")), part(4))
		// That showed the habit: hex in the response, decimal in the receipt.
		found(t, find(t, h, receipt("100")), part(2))
		ps := correlate(t, h, Correlation{"64", part(2), subscriber})
		if len(ps) != 1 || ps[0].Part != part(2) {
			t.Errorf("got %+v, want what waited", ps)
		}
	})
}

// A number that fits in another base only, and has no destination, is no proof.
func TestConversionNeedsDestination(t *testing.T) {
	onEachWay(t, func(t *testing.T, db place) {
		h := NewHome(db.DB, HomeOptions{Carrier: "alpha"})
		correlate(t, h, Correlation{"3e8", part(1), subscriber})
		r := receipt("1000")
		r.To = ""
		if f := find(t, h, r); !f.Ambiguous {
			t.Fatalf("got %+v, want it to wait", f)
		}
		found(t, find(t, h, receipt("1000")), part(1)) // here the destination says it, and shows the habit
		found(t, find(t, h, r), part(1))
	})
}

// What contradicts the habit ends it: readings are tried again one and all.
func TestHabitThatChanges(t *testing.T) {
	onEachWay(t, func(t *testing.T, db place) {
		h := NewHome(db.DB, HomeOptions{Carrier: "alpha"})
		correlate(t, h, Correlation{"3e8", part(1), subscriber}, Correlation{"2000", part(2), subscriber})
		found(t, find(t, h, receipt("1000")), part(1))
		if h.habit.Load().rule != DecimalToHex {
			t.Fatalf("habit is %d, want decimal to hex", h.habit.Load().rule)
		}
		found(t, find(t, h, receipt("1000")), part(1))
		other := NewHome(db.DB, HomeOptions{Carrier: "alpha"})
		found(t, find(t, other, receipt("2000")), part(2))
		if other.habit.Load().rule != noHabit {
			t.Fatalf("habit is %d, want none", other.habit.Load().rule)
		}
		// The first has not heard of it yet, and goes by what Redis says.
		correlate(t, other, Correlation{"100", part(3), subscriber}, Correlation{"64", part(4), subscriber})
		if f := find(t, h, receipt("100")); !f.Ambiguous {
			t.Fatalf("by a habit that is over: %+v", f)
		}
		found(t, find(t, h, receipt("1000")), part(1))
	})
}

// Several ids of one receipt may have habits of their own: they neither teach
// one nor are read by it.
func TestHabitOfSeveralIDs(t *testing.T) {
	onEachWay(t, func(t *testing.T, db place) {
		h := NewHome(db.DB, HomeOptions{Carrier: "alpha"})
		correlate(t, h, Correlation{"10", part(1), subscriber}, Correlation{"16", part(2), subscriber})
		for range 2 {
			found(t, find(t, h, receipt("10", "a")), part(1))
			if h.habit.Load().rule != noHabit {
				t.Fatal("they taught one")
			}
		}
		found(t, find(t, h, receipt("a")), part(1)) // this shows one
		found(t, find(t, h, receipt("10")), part(2))
		found(t, find(t, h, receipt("10", "a")), part(1))
	})
}

// Early is bounded, by ids and by receipts of one id; what is over is refused,
// not dropped.
func TestEarlyIsBounded(t *testing.T) {
	onEachWay(t, func(t *testing.T, db place) {
		h := NewHome(db.DB, HomeOptions{Carrier: "alpha", EarlyMax: 3})
		for i := range earlyEach + 1 {
			r := receipt("one")
			r.Code = fmt.Sprint(i)
			if f := find(t, h, r); f.Full != (i == earlyEach) {
				t.Fatalf("receipt %d of an id: got %+v", i, f)
			}
		}
		if f := find(t, h, receipt("two", "three")); f.Full {
			t.Fatalf("got %+v, want it parked", f)
		}
		if f := find(t, h, receipt("four")); !f.Full {
			t.Fatalf("got %+v, want it refused", f)
		}
		if f := find(t, h, receipt("two", "three")); !f.Parked {
			t.Fatalf("got %+v, want the repeat taken", f)
		}
		if s := h.Stat(); s.Full != 2 {
			t.Errorf("counted %+v, want 2 refused", s)
		}
	})
}

func TestBatches(t *testing.T) {
	onEachWay(t, func(t *testing.T, db place) {
		h := NewHome(db.DB, HomeOptions{Carrier: "alpha"})
		var cs []Correlation
		var rs []Receipt
		for i := range 1300 {
			id := fmt.Sprint("id", i)
			rs = append(rs, receipt(id))
			if i%3 > 0 {
				cs = append(cs, Correlation{id, part(i), subscriber})
			}
		}
		correlate(t, h, cs...)
		fs, err := h.Find(t.Context(), rs)
		if err != nil || len(fs) != len(rs) {
			t.Fatalf("%d answers, %v", len(fs), err)
		}
		var late []Correlation
		for i, f := range fs {
			if i%3 > 0 {
				found(t, f, part(i))
				continue
			}
			if !f.Parked {
				t.Fatalf("%d: got %+v, want it parked", i, f)
			}
			late = append(late, Correlation{fmt.Sprint("id", i), part(i), subscriber})
		}
		ps := correlate(t, h, late...)
		if len(ps) != len(late) {
			t.Fatalf("%d parked receipts, want %d", len(ps), len(late))
		}
		for i, p := range ps {
			if p.Part != late[i].Part {
				t.Fatalf("%d: part %v, want %v", i, p.Part, late[i].Part)
			}
		}
		drop(t, h, ps...)
		if n := db.HLen(t.Context(), h.early).Val(); n != 0 {
			t.Errorf("%d ids are left", n)
		}
	})
}
