package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"bindery/internal/redistest"
	"bindery/smpp/smsctest"
)

// linesTo is a carrier that keeps what it took, and a gateway before it.
func linesTo(t *testing.T) (*process, *smsctest.SMSC) {
	t.Helper()
	rs := redistest.Start(t)
	smsc := smsctest.New(smsctest.Options{
		SystemID: "bindery", Password: "secret",
		Receipts: smsctest.Receipts{When: smsctest.With},
		Record:   smsctest.Record{Limit: 400_000},
	})
	if err := smsc.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = smsc.Close() })
	p := serve(t, configFor(rs.URL(), smsc.Addr(), ""))
	p.ready()
	p.bound(2)
	return p, smsc
}

// streamOf is n lines; every hundredth is bad, every tenth of another priority.
func streamOf(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		switch {
		case badLine(i):
			fmt.Fprintf(&b, "{\"to\":\"%s\",\"from\":\"1544\",\"text\":\"\"}\n", number(i))
		case i%10 == 3:
			fmt.Fprintf(&b, "{\"to\":\"%s\",\"from\":\"1544\",\"text\":\"line %d\",\"priority\":\"bulk\"}\n", number(i), i)
		default:
			fmt.Fprintf(&b, "{\"to\":\"%s\",\"from\":\"1544\",\"text\":\"line %d\",\"reference\":\"r%d\"}\n", number(i), i, i)
		}
	}
	return b.Bytes()
}

func badLine(i int) bool { return i%100 == 99 }

// stream sends the head of a stream on a connection of its own.
func (p *process) stream(length int, idempotencyKey string) *net.TCPConn {
	p.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(5 * time.Minute))
	if _, err := fmt.Fprintf(c, "POST /v1/messages HTTP/1.1\r\nHost: bindery\r\nAuthorization: Bearer %s\r\nContent-Type: application/x-ndjson\r\nIdempotency-Key: %s\r\nContent-Length: %d\r\n\r\n", key, idempotencyKey, length); err != nil {
		p.t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// sendThenRead sends all of it before it reads the first answer, and answers
// the id of each line, "" for a bad one.
func (p *process) sendThenRead(body []byte, idempotencyKey string) []string {
	p.t.Helper()
	c := p.stream(len(body), idempotencyKey)
	if _, err := c.Write(body); err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 200 {
		p.t.Fatalf("%+v %v", resp, err)
	}
	defer resp.Body.Close()
	return p.idsOf(resp.Body)
}

func (p *process) idsOf(answers io.Reader) (ids []string) {
	p.t.Helper()
	for d := json.NewDecoder(answers); ; {
		var l struct {
			ID    string
			Error struct {
				Status int
				Errors []struct{ Field string }
			}
		}
		err := d.Decode(&l)
		if errors.Is(err, io.EOF) {
			return ids
		}
		i := len(ids)
		if err != nil || badLine(i) && (l.Error.Status != 422 || len(l.Error.Errors) != 1 || l.Error.Errors[0].Field != "text") || !badLine(i) && len(l.ID) != 26 {
			p.t.Fatalf("line %d: %+v %v", i, l, err)
		}
		ids = append(ids, l.ID)
	}
}

// eachOnce: the carrier took every good line of n once, and nothing else.
func eachOnce(t *testing.T, smsc *smsctest.SMSC, n int) {
	t.Helper()
	want := uint64(n - n/100)
	within(t, 5*time.Minute, fmt.Sprintf("the carrier took %d", want), func() bool { return smsc.Stats().Taken >= want })
	taken := make(map[string]int, n)
	all := smsc.Submits()
	for i := range all {
		taken[all[i].Destination()]++
	}
	for i := range n {
		to := strings.TrimPrefix(number(i), "+")
		if got := taken[to]; badLine(i) && got != 0 || !badLine(i) && got != 1 {
			t.Errorf("line %d was taken %d times", i, got)
		}
	}
	if len(all) != int(want) {
		t.Errorf("%d submits of %d lines", len(all), n)
	}
}

func sameIDs(t *testing.T, first, again []string) {
	t.Helper()
	if len(first) != len(again) {
		t.Fatalf("%d answers, then %d", len(first), len(again))
	}
	seen := make(map[string]bool, len(first))
	for i := range first {
		if first[i] != again[i] {
			t.Fatalf("line %d was %q and is %q", i, first[i], again[i])
		}
		if first[i] != "" && seen[first[i]] {
			t.Fatalf("%s is the id of two lines", first[i])
		}
		seen[first[i]] = true
	}
}

// peakMemory is the most that a process had resident, octets.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("no /proc")
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

// TestLinesFromOneWhoReadsLast: 300,000 lines from a client that reads only when
// it has sent all, and again under the same key: the same ids, nothing twice,
// and the gateway's memory is bounded.
func TestLinesFromOneWhoReadsLast(t *testing.T) {
	n := 300_000
	if testing.Short() {
		n = 30_000
	}
	p, smsc := linesTo(t)
	body := streamOf(n)
	began := time.Now()
	first := p.sendThenRead(body, "stream")
	t.Logf("%d lines were taken in %v", n, time.Since(began).Round(time.Millisecond))
	if len(first) != n {
		t.Fatalf("%d answers to %d lines", len(first), n)
	}
	began = time.Now()
	sameIDs(t, first, p.sendThenRead(body, "stream"))
	t.Logf("and again in %v", time.Since(began).Round(time.Millisecond))
	eachOnce(t, smsc, n)
	peak := peakMemory(t, p.cmd.Process.Pid)
	t.Logf("the gateway had at most %d MiB", peak>>20)
	if peak > 400<<20 {
		t.Errorf("the gateway had %d MiB", peak>>20)
	}
}

// TestLinesCut: a stream that breaks at a random octet is repeated until it is
// whole, with pushes in flight when it breaks: every line once.
func TestLinesCut(t *testing.T) {
	n := 50_000
	if testing.Short() {
		n = 10_000
	}
	p, smsc := linesTo(t)
	body := streamOf(n)
	for i := range 10 {
		c := p.stream(len(body), "cut")
		cut := rand.IntN(len(body))
		if _, err := c.Write(body[:cut]); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			_ = c.SetLinger(0) // a reset: what is on its way is lost
		}
		_ = c.Close()
	}
	first := p.sendThenRead(body, "cut")
	if len(first) != n {
		t.Fatalf("%d answers to %d lines", len(first), n)
	}
	sameIDs(t, first, p.sendThenRead(body, "cut"))
	eachOnce(t, smsc, n)
}
