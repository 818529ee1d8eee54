package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bindery/internal/redistest"
	"bindery/smpp/smsctest"
)

// client runs a thin client against a gateway and answers what it printed.
func (p *process) client(args ...string) (out string, ok bool) {
	p.t.Helper()
	cmd := exec.Command("bindery", args...)
	cmd.Env = append(os.Environ(), "BINDERY_API="+p.base, "BINDERY_API_KEY="+key)
	b, err := cmd.CombinedOutput()
	return string(b), err == nil
}

func (p *process) says(pattern string, args ...string) {
	p.t.Helper()
	if out, ok := p.client(args...); !ok || !regexp.MustCompile("(?m)"+pattern).MatchString(out) {
		p.t.Errorf("bindery %q does not say %s but\n%s", args, pattern, out)
	}
}

// TestClientsAgainstTheGateway is what the scripts of testdata/clients try
// against a server of their own, with a real one.
func TestClientsAgainstTheGateway(t *testing.T) {
	r := redistest.Start(t)
	smsc := smsctest.New(smsctest.Options{Receipts: smsctest.Receipts{When: smsctest.With}})
	if err := smsc.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = smsc.Close() })
	p := serve(t, strings.Replace(configFor(r.URL(), smsc.Addr(), ""), "{id: acme, ", "{id: acme, admin: true, ", 1))
	p.ready()
	p.bound(2)

	p.says(`^alpha +up +2/2 +0/100 +no limit`, "carriers")
	p.says(`^alpha +paused`, "carriers", "pause", "alpha")
	out, ok := p.client("send", "--to", "+821012345678", "--from", "1544", "--text", "hello", "--reference", "r1", "--json")
	var one struct{ ID string }
	if err := json.Unmarshal([]byte(out), &one); err != nil || !ok || len(one.ID) != 26 {
		t.Fatalf("send: %s", out)
	}
	p.says(`^`+one.ID+`  queued$`, "status", one.ID)
	p.until("the queue is shown", func() bool {
		out, _ := p.client("queue")
		return regexp.MustCompile(`(?m)^default +normal +1 `).MatchString(out)
	})
	p.says(`^`+one.ID+`  canceled$`, "queue", "cancel", one.ID)
	p.says(`^`+one.ID+`  canceled$`, "status", one.ID)
	if out, ok := p.client("send", "--to", "somebody", "--from", "1544", "--text", "x"); ok || !strings.Contains(out, "answers 422") || !strings.Contains(out, "\n  to: ") {
		t.Errorf("a bad number: %s", out)
	}
	p.says(`^alpha +up`, "carriers", "resume", "alpha")
	p.sendsFiles()
}

// sendsFiles sends a file as NDJSON and one as batches.
func (p *process) sendsFiles() {
	p.t.Helper()
	dir := p.t.TempDir()
	var ndjson, csv strings.Builder
	csv.WriteString("to,name,reference\n")
	for i := range 3000 {
		text := "hello"
		if i == 1233 {
			text = ""
		}
		fmt.Fprintf(&ndjson, "{\"to\":%q,\"from\":\"1544\",\"text\":%q}\n", number(i), text)
		fmt.Fprintf(&csv, "%s,name %d,r%d\n", number(i), i, i)
	}
	write := func(name, content string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			p.t.Fatal(err)
		}
		return file
	}
	lines, rows := write("m.ndjson", ndjson.String()), write("m.csv", csv.String())
	out, ok := p.client("send", "--file", lines, "--idempotency-key", "k")
	if ok || !strings.Contains(out, "2999 taken, 1 refused") || !strings.Contains(out, "line 1234: 422 Unprocessable Entity; text: ") {
		p.t.Errorf("a file of NDJSON: %s", out)
	}
	first, _ := p.client("send", "--file", lines, "--idempotency-key", "k", "--json")
	again, _ := p.client("send", "--file", lines, "--idempotency-key", "k", "--json")
	if dropTimes(first) != dropTimes(again) || strings.Count(first, `"id"`) != 2999 {
		p.t.Errorf("the same file under the same key got other answers: %.300s\nand %.300s", first, again)
	}
	out, ok = p.client("send", "--file", rows, "--from", "1544", "--text", "Hi {{name}}")
	batch := regexp.MustCompile(`--batch (\S+)`).FindStringSubmatch(out)
	if !ok || !strings.Contains(out, "3000 taken, 0 refused") || batch == nil {
		p.t.Fatalf("a batch: %s", out)
	}
	p.until("the batch is delivered", func() bool {
		out, _ := p.client("status", "--batch", batch[1])
		return strings.Contains(out, "3000 accepted") && regexp.MustCompile(`delivered +3000`).MatchString(out)
	})
}

// dropTimes takes the line away that tells how long it took.
func dropTimes(out string) string {
	return regexp.MustCompile(`(?m)^.* taken, .*$`).ReplaceAllString(out, "")
}

// TestTailOverARestart: what happens while the gateway is away, or between two
// connections, is told all the same, once and in order.
func TestTailOverARestart(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	r := redistest.Start(t)
	smsc := smsctest.New(smsctest.Options{Receipts: smsctest.Receipts{When: smsctest.With}})
	if err := smsc.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = smsc.Close() })
	l, err := net.Listen("tcp", "127.0.0.1:0") // an address that a restart finds again
	if err != nil {
		t.Fatal(err)
	}
	listen := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	config := strings.Replace(configFor(r.URL(), smsc.Addr(), ""), `listen: "127.0.0.1:0"`, fmt.Sprintf("listen: %q", listen), 1)
	p := serve(t, config)
	p.ready()
	p.bound(2)

	const each = 20
	tail := exec.Command("bindery", "tail", "--json", "--status", "delivered", "--count", fmt.Sprint(2*each))
	tail.Env = append(os.Environ(), "BINDERY_API="+p.base, "BINDERY_API_KEY="+key)
	out, errs := watchFor(`"delivered"`), watchFor("; again in ")
	tail.Stdout, tail.Stderr = out, errs
	if err := tail.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tail.Process.Kill() })
	sent := map[string]bool{}
	for i := 0; !seen(out); i++ { // until it listens
		sent[p.send(number(i), "hello")] = true
		<-time.After(50 * time.Millisecond)
	}
	if code := p.terminate(); code != 0 {
		t.Fatalf("serve ended with %d", code)
	}
	select {
	case <-errs.seen:
	case <-time.After(20 * time.Second):
		t.Fatal("tail does not say that it lost the gateway")
	}
	p = serve(t, config)
	p.ready()
	for i := range 2 * each {
		sent[p.send(number(1000+i), "hello")] = true
	}
	if code := exitCode(t, tail, 30*time.Second); code != 0 {
		t.Fatalf("tail ended with %d: %s", code, errs)
	}
	told, places := map[string]bool{}, []string{}
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var e struct{ ID, Event, Status string }
		if err := json.Unmarshal([]byte(line), &e); err != nil || !sent[e.ID] || told[e.ID] || slices.Contains(places, e.Event) || e.Status != "delivered" {
			t.Errorf("%v: %s", err, line)
		}
		told[e.ID], places = true, append(places, e.Event)
	}
	if len(told) != 2*each {
		t.Errorf("%d were told", len(told))
	}
	p.says(`^\{"event":"`+regexp.QuoteMeta(places[1])+`"`, "tail", "--from", places[0], "--status", "delivered", "--json", "--count", "1")
}

func seen(o *output) bool {
	select {
	case <-o.seen:
		return true
	default:
		return false
	}
}
