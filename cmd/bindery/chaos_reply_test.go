package main

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"bindery/internal/redisdb"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

// TestRepliesSwallowed: the reply of each script is lost once, its connection
// too. Nobody can know whether it ran, so it is called again: nothing is lost
// and nothing doubled.
func TestRepliesSwallowed(t *testing.T) {
	onBoth(t, func(t *testing.T, cluster bool) {
		w := newWire(t, cluster)
		count := w.proxy.SwallowReply(func(request []byte) bool {
			name, n := w.script(request)
			// The first call, and in the long form some of those that follow.
			return name != "" && (n == 1 || thorough() && n%50 == 0)
		}, 0)
		w.run()
		t.Logf("%d replies were swallowed", count())
	})
}

// TestCallsDeliveredAgain: each call of a script reaches Redis once more, a
// second later.
func TestCallsDeliveredAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, cluster bool) {
		w := newWire(t, cluster)
		count := w.proxy.SendAgain(func(request []byte) bool {
			name, _ := w.script(request)
			return name != ""
		}, 0, time.Second)
		w.run()
		t.Logf("%d calls were delivered twice", count())
	})
}

func onBoth(t *testing.T, test func(t *testing.T, cluster bool)) {
	t.Run("server", func(t *testing.T) { test(t, false) })
	t.Run("cluster", func(t *testing.T) { test(t, true) })
}

// wire is a fleet whose link to Redis runs through a proxy that knows scripts.
type wire struct {
	*fleet
	proxy *smsctest.Proxy

	mu    sync.Mutex        // guards both
	names map[string]string // script by its SHA-1
	calls map[string]int    // by script
}

func newWire(t *testing.T, cluster bool) *wire {
	carrier := busyCarrier(smsctest.Before)
	// Some are refused for now and go through due, some messages come late.
	carrier.Answers.Errors = []smsctest.Share{{Status: pdu.StatusMsgQFul, Share: 0.02}}
	w := &wire{}
	w.dial(t, fleetOptions{
		gateways: 2, cluster: cluster, smsc: carrier, carrier: "binds: 2, window: 10, rate: 200", all: true,
	})
	return w
}

// dial makes the fleet, with the proxy in its link.
func (w *wire) dial(t *testing.T, o fleetOptions) {
	w.names, w.calls = knownScripts(t), map[string]int{}
	o.through = func(addr string) string {
		p, err := smsctest.NewProxy(addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.Close() })
		p.SwallowReply(w.learn, 0)
		w.proxy = p
		if o.cluster {
			announce(t, addr, p.Addr())
		}
		return p.Addr()
	}
	w.fleet = newFleet(t, o)
}

// announce makes a cluster's node tell its clients to come through a proxy.
func announce(t *testing.T, addr, proxy string) {
	t.Helper()
	host, port, err := net.SplitHostPort(proxy)
	if err != nil {
		t.Fatal(err)
	}
	c := clientOf(t, addr)
	for name, value := range map[string]string{"cluster-announce-ip": host, "cluster-announce-port": port} {
		if err := c.ConfigSet(context.Background(), name, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// usualScripts run in the course of a test that sends, that has a gateway die
// and another leave; the others need a person, or hours.
var usualScripts = []string{
	"accept", "lease", "settle", "mark", "finish", "due", "enter", "renew", "reclaim", "leave",
	"correlate", transaction, "find", "look", "drop", "forget", "grant", "bind",
}

// run puts messages through while one gateway dies idle, one comes and one goes.
func (w *wire) run() {
	w.t.Helper()
	w.kill(1)
	w.start(1)
	l := w.loadWith(either(60, 150), true)
	w.more(either(300, 3000))
	l.stop()
	within(w.t, 30*time.Second, "the dead gateway's row is reclaimed", func() bool { return w.called("reclaim") > 0 })
	sum := w.ledger.close(60*time.Second, "delivered")
	if sum.repeats > 0 {
		w.t.Errorf("%d submits were repeated", sum.repeats)
	}
	within(w.t, 30*time.Second, "ids are forgotten", func() bool { return w.called("forget") > 0 })
	if code := w.gateway(1).terminate(); code != 0 {
		w.t.Errorf("SIGTERM: exit code %d", code)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t.Logf("calls: %v", w.calls)
	for _, name := range usualScripts {
		if w.calls[name] == 0 {
			w.t.Errorf("script %s was never called", name)
		}
	}
}

func (w *wire) called(script string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[script]
}

// knownScripts are the carrier's scripts, which are loaded only when a Redis does
// not know them: so a proxy may never see their sources.
func knownScripts(t *testing.T) map[string]string {
	t.Helper()
	names := map[string]string{}
	for _, pattern := range []string{"../../dlr/lua/*.lua", "../../gateway/budget/lua/*.lua"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimSuffix(filepath.Base(file), ".lua")
			for _, hash := range redisdb.NewScript(name, string(source)).Hashes() {
				names[hash] = name
			}
		}
	}
	return names
}

// learn reads the names of the queue's scripts, which each gateway loads, by
// their sources; it answers false: no reply is to be swallowed.
func (w *wire) learn(request []byte) bool {
	f := fieldsOf(request, 3)
	var source []byte
	switch {
	case len(f) > 2 && strings.EqualFold(string(f[0]), "script") && strings.EqualFold(string(f[1]), "load"):
		source = f[2]
	case len(f) > 1 && strings.EqualFold(string(f[0]), "eval"):
		source = f[1]
	default:
		return false
	}
	sum := sha1.Sum(source)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.names[hex.EncodeToString(sum[:])] = scriptName(source)
	return false
}

// scriptHeader is the first line of a script's contract, which says its KEYS
// soon after; the pieces that go before a script have none.
var scriptHeader = regexp.MustCompile(`(?m)^-- (\w+)[^\n]*\n(?:-- [^\n]*\n){0,5}?-- KEYS 1`)

func scriptName(source []byte) string {
	if m := scriptHeader.FindSubmatch(source); m != nil {
		return string(m[1])
	}
	return "?"
}

// transaction is the name of the one that is none of a script: by it the carrier's
// home writes ids, but for the calls that the script correlate has to make.
const transaction = "ids"

// script counts the script, or the transaction, that a request runs: its name, ""
// for none, and which of its calls this is, from 1.
func (w *wire) script(request []byte) (name string, n int) {
	f := fieldsOf(request, 2)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case len(f) > 0 && strings.EqualFold(string(f[0]), "multi"):
		name = transaction
	case len(f) < 2 || !strings.EqualFold(string(f[0]), "evalsha"):
		return "", 0
	default:
		if name = w.names[string(f[1])]; name == "" {
			name = string(f[1])
		}
	}
	w.calls[name]++
	return name, w.calls[name]
}

// fieldsOf cuts the first n fields of a RESP request.
func fieldsOf(request []byte, n int) (fields [][]byte) {
	_, rest, ok := bytes.Cut(request, []byte("\r\n"))
	for ok && len(fields) < n && len(rest) > 0 && rest[0] == '$' {
		var size []byte
		size, rest, ok = bytes.Cut(rest, []byte("\r\n"))
		length := 0
		for _, digit := range size[1:] {
			length = length*10 + int(digit-'0')
		}
		if !ok || length > len(rest)-2 {
			break
		}
		fields = append(fields, rest[:length])
		rest = rest[length+2:]
	}
	return fields
}
