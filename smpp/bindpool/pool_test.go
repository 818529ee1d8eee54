package bindpool_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp"
	"bindery/smpp/bindpool"
	"bindery/smpp/pdu"
)

func until(d time.Duration, c *carrier) {
	time.Sleep(d - time.Since(c.began))
	synctest.Wait()
}

// In seconds, binds come up one a second, and a lost one comes back.
func TestKeepsBindsAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		p, o := pooled(t, c, bindpool.Config{Size: 3})
		for i, at := range []time.Duration{0, time.Second, 2 * time.Second} {
			until(at+time.Millisecond, c)
			if p.Up() != i+1 || len(c.seen().dials) != i+1 {
				t.Errorf("at %v: %d up after %d dials, want %d", at, p.Up(), len(c.seen().dials), i+1)
			}
		}
		if p.Free() != 30 {
			t.Errorf("free %d, want 30", p.Free())
		}
		until(2*time.Minute, c)
		for i := range uint64(3) {
			if _, err := p.Submit(submit(), i); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		c.drop(3)
		synctest.Wait()
		if p.Up() != 0 {
			t.Errorf("%d are still up", p.Up())
		}
		if _, err := p.Submit(submit(), 9); !errors.Is(err, bindpool.ErrNoBind) {
			t.Errorf("submit without a bind: %v", err)
		}
		until(2*time.Minute+4*time.Second, c)
		if p.Up() != 3 {
			t.Errorf("%d up, want 3: a stable session starts the backoff over", p.Up())
		}
		first := o.seen().events[:3]
		slices.Sort(first)
		want := "up 0 up 1 up 2"
		if got := strings.Join(first, " "); got != want || len(o.seen().results) != 3 {
			t.Errorf("events %q, %d results", got, len(o.seen().results))
		}
		spaced(t, c.seen().dials, time.Second)
	})
}

// spaced holds that no two connects are closer than d.
func spaced(t *testing.T, at []time.Duration, d time.Duration) {
	t.Helper()
	for i := 1; i < len(at); i++ {
		if at[i]-at[i-1] < d {
			t.Errorf("connects at %v and %v", at[i-1], at[i])
		}
	}
}

// Case S07: the carrier holds the old session for two minutes.
func TestAlreadyBound(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			c := newCarrier()
			c.status = func(int) pdu.CommandStatus {
				if time.Since(c.began) < 120*time.Second {
					return pdu.StatusAlyBnd
				}
				return pdu.StatusOK
			}
			p, o := pooled(t, c, bindpool.Config{Size: 1})
			until(120*time.Second, c)
			if n := len(c.seen().binds); n > 12 || n < 5 {
				t.Errorf("%d binds before 120 s, want 12 at most", n)
			}
			for i, f := range o.seen().failures {
				if want := i >= 2; f.Alarm != want || f.Tries != i+1 {
					t.Errorf("failure %d: alarm %v tries %d", i, f.Alarm, f.Tries)
				}
			}
			until(185*time.Second, c)
			if p.Up() != 1 {
				t.Error("not bound at 185 s")
			}
		})
	}
}

// Case S09, and F18: wrong credentials are tried once in five minutes by the
// whole pool, and found right when they are mended.
func TestWrongCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		c.status = func(int) pdu.CommandStatus {
			if time.Since(c.began) < 16*time.Minute {
				return pdu.StatusInvSysID
			}
			return pdu.StatusOK
		}
		p, o := pooled(t, c, bindpool.Config{Size: 4})
		until(15*time.Minute+59*time.Second, c)
		if len(c.seen().binds) > 4 || len(c.seen().binds) < 3 {
			t.Errorf("%d binds in 16 minutes: %v", len(c.seen().binds), c.seen().binds)
		}
		spaced(t, c.seen().binds, 5*time.Minute)
		var refused *smpp.BindError
		if f := o.seen().failures[0]; !f.Alarm || !errors.As(f.Err, &refused) || !strings.Contains(f.Err.Error(), "ESME_RINVSYSID (0x0F)") {
			t.Errorf("the first failure: %+v", f)
		}
		for _, st := range p.Binds() {
			if st.State != bindpool.Waiting || st.Err == nil || time.Until(st.Retry) > 6*time.Minute {
				t.Errorf("bind %d shows %+v", st.Bind, st)
			}
		}
		until(28*time.Minute, c)
		if p.Up() != 4 {
			t.Errorf("%d up, want 4", p.Up())
		}
	})
}

// A carrier that takes its time to refuse: after the first round one bind at a
// time asks.
func TestWrongCredentialsSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		c.slow = 3 * time.Second
		c.status = func(int) pdu.CommandStatus { return pdu.StatusInvPaswd }
		pooled(t, c, bindpool.Config{Size: 4})
		until(10*time.Second, c)
		first := len(c.seen().binds)
		until(26*time.Minute, c)
		if later := c.seen().binds[first:]; len(later) > 5 || len(later) < 3 {
			t.Errorf("binds at %v", later)
		} else {
			spaced(t, later, 5*time.Minute)
		}
	})
}

// A carrier that refuses one bind too many as if its credentials were wrong
// does not hold up the others.
func TestRefusalWhileOthersAreUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		c.status = func(int) pdu.CommandStatus {
			if len(c.live) >= 2 {
				return pdu.StatusBindFail
			}
			return pdu.StatusOK
		}
		p, _ := pooled(t, c, bindpool.Config{Size: 3})
		until(90*time.Second, c)
		c.drop(1)
		until(95*time.Second, c)
		if p.Up() != 2 {
			t.Errorf("%d up, want 2", p.Up())
		}
	})
}

// Sessions that die young do not start the backoff over.
func TestFlapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		p, _ := pooled(t, c, bindpool.Config{Size: 1})
		for time.Since(c.began) < 10*time.Minute {
			synctest.Wait()
			c.drop(p.Up())
			time.Sleep(100 * time.Millisecond)
		}
		if n := len(c.seen().dials); n > 45 {
			t.Errorf("%d connects in ten minutes", n)
		}
	})
}

func TestAddressesInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		c.refuse = func(n int) error {
			if n < 2 {
				return errors.New("connection refused")
			}
			return nil
		}
		d := c.dialer()
		d.Addresses = []string{"a:1", "b:1", "c:1"}
		p, _ := pooledFrom(t, c, d, bindpool.Config{Size: 2})
		until(30*time.Second, c)
		if p.Up() != 2 || !slices.Equal(c.seen().places, []string{"a:1", "b:1", "c:1", "c:1"}) {
			t.Errorf("%d up, dialled %q", p.Up(), c.seen().places)
		}
	})
}

func TestSubmitBalances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		c.mute = true
		p, _ := pooled(t, c, bindpool.Config{Size: 3})
		until(5*time.Second, c)
		count := map[int]int{}
		for token := range uint64(30) {
			bind, err := p.Submit(submit(), token)
			if err != nil {
				t.Fatalf("submit %d: %v", token, err)
			}
			count[bind]++
		}
		if count[0] != 10 || count[1] != 10 || count[2] != 10 {
			t.Errorf("submits by bind %v, want 10 each", count)
		}
		if _, err := p.Submit(submit(), 99); !errors.Is(err, smpp.ErrWindowFull) {
			t.Errorf("a 31st: %v, want ErrWindowFull", err)
		}
		if err := p.SubmitTo(1, submit(), 99); !errors.Is(err, smpp.ErrWindowFull) {
			t.Errorf("to bind 1: %v, want ErrWindowFull", err)
		}
		if err := p.SubmitTo(7, submit(), 99); !errors.Is(err, bindpool.ErrNoBind) {
			t.Errorf("to bind 7: %v, want ErrNoBind", err)
		}
		if p.Free() != 0 {
			t.Errorf("free %d", p.Free())
		}
		for _, st := range p.Binds() {
			if st.State != bindpool.Up || st.Window != 10 || st.InUse != 10 {
				t.Errorf("bind shows %+v", st)
			}
		}
		if _, err := p.Submit(&pdu.SubmitSM{Destination: pdu.Address{Addr: make([]byte, 99)}}, 1); err == nil {
			t.Error("an address of 99 octets was taken")
		}
	})
}

// Freed says so when a bind comes up and when answers come.
func TestFreed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		p, o := pooled(t, c, bindpool.Config{Size: 1})
		sent := 0
		for sent < 1000 {
			if _, err := p.Submit(submit(), uint64(sent)); err == nil {
				sent++
				continue
			}
			<-p.Freed()
		}
		synctest.Wait()
		if len(o.seen().results) != 1000 || time.Since(c.began) > time.Second {
			t.Errorf("%d results after %v", len(o.seen().results), time.Since(c.began))
		}
	})
}

// What a dead session had open is told before its Down (the owner checks).
func TestDeadSessionHandsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		c.mute = true
		p, o := pooled(t, c, bindpool.Config{Size: 1})
		until(time.Second, c)
		for token := range uint64(5) {
			p.Submit(submit(), token)
		}
		synctest.Wait()
		c.drop(1)
		synctest.Wait()
		for token := range uint64(5) {
			if got := o.seen().results[token]; !strings.HasPrefix(got, "written true: session ended by the peer") {
				t.Errorf("result %d: %q", token, got)
			}
		}
	})
}

// What the carrier asks comes with the number of its bind.
func TestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier()
		_, o := pooled(t, c, bindpool.Config{Size: 2})
		until(3*time.Second, c)
		for _, s := range c.sessions() {
			if err := s.Submit(&pdu.DeliverSM{ShortMessage: []byte("hello")}, 1); err != nil {
				t.Error(err)
			}
			s.Respond(&pdu.SubmitSMResp{Header: pdu.Header{Sequence: 999}}) // answers nothing
		}
		synctest.Wait()
		seen := o.seen()
		slices.Sort(seen.requests)
		slices.Sort(seen.odd)
		if !slices.Equal(seen.requests, []int{0, 1}) || !slices.Equal(seen.odd, []int{0, 1}) {
			t.Errorf("requests of binds %v, odd ones of %v, want 0 and 1", seen.requests, seen.odd)
		}
	})
}
