package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestScheduledAcrossAKill: what is scheduled leaves at its time and not before,
// though all gateways are killed meanwhile; what was canceled never leaves.
func TestScheduledAcrossAKill(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	d := newDoor(t, 2, "")
	at := time.Now().Add(12 * time.Second).Truncate(time.Second)
	var body strings.Builder
	for i := range n {
		fmt.Fprintf(&body, "{\"to\":\"%s\",\"from\":\"1544\",\"text\":\"at last\",\"send_at\":\"%s\"}\n", number(i), at.Add(time.Duration(i%1000)*time.Millisecond).Format(time.RFC3339Nano))
	}
	var ids []string
	for dec := json.NewDecoder(strings.NewReader(string(d.ps[0].lines(body.String())))); ; {
		var l struct{ ID string }
		if err := dec.Decode(&l); err == io.EOF { //nolint:errorlint // the decoder's own value
			break
		} else if err != nil || l.ID == "" {
			t.Fatalf("%+v %v", l, err)
		}
		ids = append(ids, l.ID)
	}
	canceled := map[string]bool{}
	for i := 0; i < n; i += n / 50 {
		for range 2 {
			if a := d.ps[1].do("DELETE", "/v1/messages/"+ids[i], key, ""); a.code != 200 {
				t.Fatalf("cancel: %d %s", a.code, a.body)
			}
		}
		canceled[strings.TrimPrefix(number(i), "+")] = true
	}
	for _, p := range d.ps {
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	p := d.start("")
	want := uint64(n - len(canceled))
	within(t, 60*time.Second, "all left", func() bool { return d.smsc.Stats().Taken >= want })
	seen, late := map[string]int{}, time.Duration(0)
	for _, s := range d.smsc.Submits() {
		to := s.Destination()
		late = max(late, s.At.Sub(at)-999*time.Millisecond)
		if seen[to]++; s.At.Before(at) || canceled[to] || seen[to] > 1 {
			t.Errorf("%s left at %v, %d times, canceled: %v", to, s.At, seen[to], canceled[to])
		}
	}
	t.Logf("the last of %d left %v after its second", n, late.Round(time.Millisecond))
	if len(seen) != int(want) {
		t.Errorf("%d left, want %d", len(seen), want)
	}
	if a := p.do("DELETE", "/v1/messages/"+ids[1], key, ""); a.code != 409 {
		t.Errorf("cancel of what left: %d %s", a.code, a.body)
	}
	if a := p.do("GET", "/v1/messages/"+ids[0], key, ""); !strings.Contains(string(a.body), `"status":"canceled"`) {
		t.Errorf("%s", a.body)
	}
}

// TestExpiredWithEveryCarrierDown: what outlives its validity ends expired,
// unsent.
func TestExpiredWithEveryCarrierDown(t *testing.T) {
	d := newDoor(t, 1, "")
	_ = d.smsc.Close()
	var body strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&body, "{\"to\":\"%s\",\"from\":\"1544\",\"text\":\"soon\",\"validity\":\"%dms\"}\n", number(i), 1000+i)
	}
	sent := time.Now()
	d.ps[0].lines(body.String())
	within(t, 30*time.Second, "all have ended", func() bool { return countFinals(byStatus(stream(t, d.c, "acme"))) >= 1000 })
	for id, statuses := range byStatus(stream(t, d.c, "acme")) {
		if !slices.Equal(statuses, []string{"expired"}) {
			t.Errorf("%s went %v", id, statuses)
		}
	}
	for _, e := range stream(t, d.c, "acme") {
		if ended, err := time.Parse(time.RFC3339, e.At); err != nil || ended.Before(sent.Add(time.Second-20*time.Millisecond)) || e.Error == nil || e.Error.Code != "validity" {
			t.Errorf("%+v, sent at %v", e, sent)
		}
	}
}
