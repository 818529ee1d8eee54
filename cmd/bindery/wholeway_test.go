package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"bindery/internal/redistest"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

// event is what a reader of the status stream sees.
type event struct {
	ID, Status, To, Carrier, At, Reference string
	Parts, Attempt                         int
	Uncertain, Late                        bool
	Error                                  *struct{ Code, Message string }
}

var finals = []string{"delivered", "undelivered", "expired", "rejected", "failed", "canceled", "unknown"}

// stream reads an account's whole status stream.
func stream(t *testing.T, c *redis.Client, account string) []event {
	t.Helper()
	entries, err := c.XRange(context.Background(), "bindery:{s0}:status:"+account, "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	var all []event
	for _, x := range entries {
		all = append(all, eventsOf(t, x)...)
	}
	return all
}

// eventsOf reads one entry of a status stream.
func eventsOf(t *testing.T, x redis.XMessage) []event {
	t.Helper()
	blob, _ := x.Values["events"].(string)
	lines := strings.Split(blob, "\n")
	if len(x.Values) != 1 || len(lines) > 100 {
		t.Fatalf("entry %s has %d fields and %d events", x.ID, len(x.Values), len(lines))
	}
	all := make([]event, len(lines))
	for i, line := range lines {
		if err := json.Unmarshal([]byte(line), &all[i]); err != nil {
			t.Fatalf("event %s in %s: %v", line, x.ID, err)
		}
	}
	return all
}

// byStatus is the statuses of each message, in the order of the stream.
func byStatus(all []event) map[string][]string {
	m := map[string][]string{}
	for _, e := range all {
		m[e.ID] = append(m[e.ID], e.Status)
	}
	return m
}

func countFinals(m map[string][]string) (n int) {
	for _, ss := range m {
		for _, s := range ss {
			if slices.Contains(finals, s) {
				n++
			}
		}
	}
	return n
}

// texts are 200 that try the borders: Korean, emoji, extension characters
// around the border of a part, 400 characters, GSM and UCS-2.
func texts() []string {
	long := strings.Repeat("Bindery carries it. ", 20)[:400]
	border := func(n int) string { return strings.Repeat("a", n) + "[]{}€" + strings.Repeat("b", 60) }
	list := []string{
		"안녕하세요, 인증번호는 482913 입니다.", strings.Repeat("가", 71), strings.Repeat("나", 140) + "뻤",
		"on the way 🚚📦", strings.Repeat("x", 69) + "😀", strings.Repeat("🐳", 35), strings.Repeat("🐳", 60),
		"plain", "Price €5 [ok]", long, long + "€", strings.Repeat("a", 160), strings.Repeat("a", 159) + "\\",
		"ã ç á í", "line one\nline two", "£5 @_$ ¡¿ Ää Ñ",
	}
	for n := 145; n <= 158; n++ {
		list = append(list, border(n))
	}
	for i := 0; len(list) < 200; i++ {
		list = append(list, fmt.Sprintf("message %d of the rest, %s", i, strings.Repeat("z", i)))
	}
	return list[:200]
}

func number(i int) string { return fmt.Sprintf("+8210%08d", i) }

// sendAll posts the texts and answers text by id.
func sendAll(p *process, list []string) map[string]string {
	ids := map[string]string{}
	for i, text := range list {
		ids[p.send(number(i), text)] = text
	}
	if len(ids) != len(list) {
		p.t.Fatalf("%d messages got %d ids", len(list), len(ids))
	}
	return ids
}

// deliveredOnce waits for a final of each, then checks the whole stream.
func deliveredOnce(t *testing.T, p *process, c *redis.Client, ids map[string]string) {
	t.Helper()
	p.until("every message has its final", func() bool { return countFinals(byStatus(stream(t, c, "acme"))) >= len(ids) })
	for id, statuses := range byStatus(stream(t, c, "acme")) {
		if _, ours := ids[id]; !ours {
			t.Errorf("an event of %s, which nobody sent", id)
		}
		if s := strings.Join(statuses, " "); s != "submitted delivered" && s != "delivered" {
			t.Errorf("%s went %s", id, s)
		}
	}
	if n := len(byStatus(stream(t, c, "acme"))); n != len(ids) {
		t.Errorf("%d of %d messages are in the stream", n, len(ids))
	}
}

// TestTheWholeWay is the README's promise: 200 messages over HTTP to a carrier
// that answers ids in hex and reports in decimal, under a packet capture.
func TestTheWholeWay(t *testing.T) {
	rs := redistest.Start(t)
	smsc := smsctest.New(smsctest.Options{
		SystemID: "bindery", Password: "secret", MaxBinds: 2,
		IDs:      smsctest.IDs{Response: smsctest.Hex, Receipt: smsctest.Padded},
		Receipts: smsctest.Receipts{When: smsctest.After, Delay: smsctest.Span{Min: 0, Max: 50 * time.Millisecond}, Bind: smsctest.AnyBind},
		Window:   smsctest.Window{Max: 50},
	})
	if err := smsc.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer smsc.Close()
	unbinds := make(chan struct{}, 8)
	smsc.On(pdu.CommandUnbind, func(*smsctest.Conn, pdu.PDU) smsctest.Action {
		unbinds <- struct{}{}
		return smsctest.Pass()
	})
	capture := startCapture(t, smsc.Addr())

	p := serve(t, configFor(rs.URL(), smsc.Addr(), ""))
	p.ready()
	p.bound(2)
	c := rs.Client(t)
	list := texts()
	ids := sendAll(p, list)
	deliveredOnce(t, p, c, ids)
	asSent(t, smsc, list)
	lookedUp(t, p, ids)

	if code := p.terminate(); code != 0 {
		t.Errorf("SIGTERM: exit code %d", code)
	}
	if n := len(unbinds); n != 2 {
		t.Errorf("the carrier saw %d unbinds of 2 binds", n)
	}
	if n := smsc.Stats().Violations; n != 0 {
		t.Errorf("%d submits went over the window", n)
	}
	capture.judge(t)
}

// asSent: each handset shows each text as it was sent, once.
func asSent(t *testing.T, smsc *smsctest.SMSC, list []string) {
	t.Helper()
	want := map[string]string{}
	for i, text := range list {
		want[strings.TrimPrefix(number(i), "+")] = text
	}
	joined := smsc.Joined(nil)
	if len(joined) != len(list) {
		t.Errorf("the handsets got %d texts, %d were sent", len(joined), len(list))
	}
	for _, j := range joined {
		if j.Err != nil || j.Missing > 0 || j.Repeats > 0 {
			t.Errorf("text to %s: %d parts missing, %d repeated, %v", j.Destination, j.Missing, j.Repeats, j.Err)
		} else if j.Text != want[j.Destination] {
			t.Errorf("to %s was sent\n%q\nand came\n%q", j.Destination, want[j.Destination], j.Text)
		}
	}
}

func lookedUp(t *testing.T, p *process, ids map[string]string) {
	t.Helper()
	for id := range ids {
		a := p.do("GET", "/v1/messages/"+id, key, "")
		var m struct {
			Status, Carrier, Route string
			Timeline               []struct{ At, Status string }
		}
		if err := json.Unmarshal(a.body, &m); err != nil || a.code != 200 || m.Status != "delivered" || m.Carrier != "alpha" || m.Route != "default" || len(m.Timeline) < 2 {
			t.Fatalf("GET %s: %d %s", id, a.code, a.body)
		}
		if a := p.do("GET", "/v1/messages/"+id, "another-key-987654", ""); a.code != 404 {
			t.Fatalf("another account reads %s: %d", id, a.code)
		}
	}
}

// capture is tshark on the loopback device, for one port.
type capture struct {
	file string
	port string
	cmd  *exec.Cmd
}

// startCapture returns when tshark really captures: its first packets, those of
// a connection made for this, are in the file.
func startCapture(t *testing.T, addr string) *capture {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		missing(t, "tshark")
		return nil
	}
	if os.Getuid() != 0 {
		missing(t, "the right to capture packets")
		return nil
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	c := &capture{file: filepath.Join(t.TempDir(), "run.pcap"), port: port}
	c.cmd = exec.Command("tshark", "-i", "lo", "-f", "tcp port "+port, "-w", c.file, "-q")
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.cmd.Process.Kill(); _ = c.cmd.Wait() })
	within(t, 20*time.Second, "tshark captures", func() bool {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
		}
		return len(c.read(t, "tcp")) > 0
	})
	return c
}

func within(t *testing.T, bound time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(bound)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %s for: %s", bound, what)
		}
	}
}

// read answers the SMPP command ids of the frames that pass a filter, "" for
// a frame without any. While tshark still writes the file may end in the middle.
func (c *capture) read(t *testing.T, filter string) []string {
	t.Helper()
	out, _ := exec.Command("tshark", "-r", c.file, "-d", "tcp.port=="+c.port+",smpp", "-Y", filter, "-T", "fields", "-e", "smpp.command_id").Output()
	if len(out) == 0 {
		return nil
	}
	return strings.Split(strings.ReplaceAll(strings.TrimSuffix(string(out), "\n"), ",", "\n"), "\n")
}

// judge lets tshark's SMPP dissector read the whole run: from the binds to the
// unbinds, nothing malformed.
func (c *capture) judge(t *testing.T) {
	t.Helper()
	if c == nil {
		return
	}
	count := map[string]int{}
	within(t, 20*time.Second, "the capture holds the unbinds", func() bool {
		clear(count)
		for _, id := range c.read(t, "smpp") {
			count[id]++
		}
		return count["0x80000006"] == 2
	})
	for request, response := range map[string]string{"0x00000009": "0x80000009", "0x00000004": "0x80000004", "0x00000005": "0x80000005", "0x00000006": "0x80000006"} {
		if count[request] == 0 || count[request] != count[response] {
			t.Errorf("tshark saw %d PDUs %s and %d answers", count[request], request, count[response])
		}
	}
	if bad := c.read(t, "_ws.malformed || _ws.expert.severity == error"); len(bad) != 0 {
		t.Errorf("tshark calls %d frames malformed", len(bad))
	}
	t.Logf("tshark decoded %d submit_sm and %d deliver_sm, nothing malformed", count["0x00000004"], count["0x00000005"])
}

// missing skips what cannot run here, or fails when all must run.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("BINDERY_REQUIRE") == "1" {
		t.Fatalf("%s is missing: ./scripts/test installs what the suite needs", what)
	}
	t.Logf("without %s: this part is not tested", what)
}
