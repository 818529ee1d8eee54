package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"bindery/internal/redistest"
	"bindery/smpp/smsctest"
)

func carrierSim(t *testing.T, addr string) *smsctest.SMSC {
	t.Helper()
	s := smsctest.New(smsctest.Options{SystemID: "bindery", Password: "secret", Receipts: smsctest.Receipts{When: smsctest.With}})
	if err := s.Listen(addr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// twoCarriers is a route over alpha and, when it cannot, beta.
func twoCarriers(redisURL, alpha, beta string) string {
	text := strings.Replace(configFor(redisURL, alpha, ""), "routes:\n", fmt.Sprintf(`  - {id: beta, address: %q, system_id: bindery, password: secret, binds: 1, rate: 0}
routes:
`, beta), 1)
	return strings.Replace(text, "carriers: [alpha]}", "carriers: [alpha, beta]}", 1)
}

// TestFailover: beta takes over when alpha is gone, not before, and gives way
// when alpha is back. What waited is not stranded.
func TestFailover(t *testing.T) {
	rs := redistest.Start(t)
	alpha, beta := carrierSim(t, "127.0.0.1:0"), carrierSim(t, "127.0.0.1:0")
	p := serve(t, twoCarriers(rs.URL(), alpha.Addr(), beta.Addr()))
	p.ready()
	p.bound(3)
	c := rs.Client(t)
	sent := 0
	send := func(carrier string) {
		t.Helper()
		ids := map[string]bool{}
		for range 20 {
			sent++
			ids[p.send(number(sent), "hello")] = true
		}
		p.until("all are delivered by "+carrier, func() bool {
			n := 0
			for _, e := range stream(t, c, "acme") {
				if e.Status == "delivered" && ids[e.ID] {
					if e.Carrier != carrier {
						t.Fatalf("%s went by %s, want %s", e.ID, e.Carrier, carrier)
					}
					n++
				}
			}
			return n == len(ids)
		})
	}
	send("alpha")
	addr := alpha.Addr()
	if err := alpha.Close(); err != nil {
		t.Fatal(err)
	}
	send("beta")
	carrierSim(t, addr)
	p.until("alpha drains alone again", func() bool {
		metrics := string(p.do("GET", "/metrics", "", "").body)
		return strings.Contains(metrics, `bindery_bind_up{bind="0",carrier="alpha"} 1`) && strings.HasSuffix(lastOf(p.said(), `"carrier":"beta"`), `"message":"drains"}`) &&
			strings.Contains(lastOf(p.said(), `"carrier":"beta"`), `"routes":[]`)
	})
	send("alpha")
}

// lastOf is the last line of a log that holds a word.
func lastOf(log, word string) string {
	last := ""
	for _, line := range strings.Split(log, "\n") {
		if strings.Contains(line, word) {
			last = line
		}
	}
	return last
}

// TestHangup: SIGHUP takes over accounts and carriers, keeps the binds of those
// that did not change, and a bad file changes nothing.
func TestHangup(t *testing.T) {
	rs := redistest.Start(t)
	alpha, beta := carrierSim(t, "127.0.0.1:0"), carrierSim(t, "127.0.0.1:0")
	p := serve(t, configFor(rs.URL(), alpha.Addr(), ""))
	p.ready()
	p.bound(2)
	hangup := func(config, done string) {
		t.Helper()
		if err := os.WriteFile(p.cmd.Args[3], []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		p.until("the log says: "+done, func() bool { return strings.Contains(p.said(), done) })
	}
	hangup("carriers: [{id: alpha, windw: 3}]", "windw")
	p.send(number(1), "still here")
	next := strings.Replace(twoCarriers(rs.URL(), alpha.Addr(), beta.Addr()), "another-key-987654", "a-new-key-987654321", 1)
	hangup(next, `"message":"configuration reloaded"`)
	p.bound(3)
	if a := p.do("GET", "/v1/messages/x", "a-new-key-987654321", ""); a.code != 404 {
		t.Errorf("the new key: %d", a.code)
	}
	if a := p.do("GET", "/v1/messages/x", "another-key-987654", ""); a.code != 401 {
		t.Errorf("the old key: %d", a.code)
	}
	if n := alpha.Stats().Binds; n != 2 {
		t.Errorf("alpha, which did not change, was bound %d times by 2 binds", n)
	}
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
