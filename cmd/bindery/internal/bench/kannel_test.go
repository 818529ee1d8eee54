package bench

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"bindery/cmd/bindery/internal/bench/ledger"
)

func TestTextsHave160Characters(t *testing.T) {
	if n := len(textHead) + len("00000000") + len(textTail); n != 160 {
		t.Errorf("%d", n)
	}
}

// Our request is held against net/http's server: sendsms would see the very text
// that the gateway gets, and a callback that names the message.
func TestSendsmsIsAsked(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		n := strings.TrimPrefix(q.Get("to"), ledger.Prefix)
		if r.URL.Path != "/cgi-bin/sendsms" || q.Get("username") != account || q.Get("password") != "p" || q.Get("dlr-mask") != "19" ||
			q.Get("text") != textHead+n+textTail || q.Get("dlr-url") != "http://127.0.0.1:9/"+q.Get("to")+"/%d" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		answer := "0: Accepted for delivery"
		if n == "00000003" {
			answer = "3: Queued for later delivery"
		}
		_, _ = io.WriteString(w, answer)
	}))
	defer s.Close()
	k := &kannel{sendsms: s.Listener.Addr().String(), password: "p", calls: &callbacks{address: "127.0.0.1:9"}}
	l := ledger.New(20, 1)
	if err := k.send(context.Background(), &ledger.Pace{Ledger: l, End: 20}, 0, 1); err != nil {
		t.Fatal(err)
	}
	if l.Accepted() != 19 || l.Refused() != 1 || !strings.HasPrefix(l.Reason(), "3: ") {
		t.Errorf("%d taken, %d refused", l.Accepted(), l.Refused())
	}
}

// Callbacks are taken from net/http's client, over connections that stay, and
// each goes into the ledger once.
func TestCallbacksAreNoted(t *testing.T) {
	c, err := listenForCalls()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l, served := ledger.New(10, 1), make(chan error, 1)
	go func() { served <- c.serve(ctx, l) }()
	transport := &http.Transport{}
	for _, path := range []string{"/821000000000/1", "/821000000001/1", "/821000000001/1", "/821000000002/2", "/99/1", "/nothing"} {
		resp, err := (&http.Client{Transport: transport}).Get("http://" + c.address + path)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v %v", path, resp, err)
		}
		_ = resp.Body.Close()
	}
	transport.CloseIdleConnections()
	// One that ends in the midst of its first line.
	conn, err := net.Dial("tcp", c.address)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write([]byte("GET /8210"))
	_ = conn.(*net.TCPConn).CloseWrite()
	if rest, err := io.ReadAll(bufio.NewReader(conn)); err != nil || len(rest) > 0 {
		t.Errorf("answered with %q %v", rest, err)
	}
	_ = conn.Close()
	cancel()
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	var record []byte
	for n := range 3 {
		l.Accept(n, kannelID)
		record = append(l.AppendNumber(record, n), " 1\n"...)
	}
	if err := l.ReadRecord(bytes.NewReader(record)); err != nil {
		t.Fatal(err)
	}
	if b := l.Balance(3); l.Ended() != 3 || b != (Books{ToldTwice: 1, Other: 1, Strange: 1}) || c.broken.Load() != 2 {
		t.Errorf("%d ended, %+v, %d broken", l.Ended(), b, c.broken.Load())
	}
	if err := c.close(); err != nil {
		t.Errorf("a second close: %v", err)
	}
}

// A run ends when its callbacks' reader does, though connections are open and
// idle.
func TestCallbacksEndWithOpenConnections(t *testing.T) {
	c, err := listenForCalls()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- c.serve(ctx, ledger.New(1, 1)) }()
	conn, err := net.Dial("tcp", c.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = conn.Write([]byte("GET /821000000000/1 HTTP/1.1\r\n\r\n"))
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case err := <-served:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("still serving")
	}
}

func TestKannelIsConfigured(t *testing.T) {
	for variant, stored := range map[Variant]bool{KannelDefault: true, KannelFile: true, KannelMemory: false} {
		k := &kannel{variant: variant, dir: t.TempDir(), admin: "127.0.0.1:1", boxes: "127.0.0.1:2", sendsms: "127.0.0.1:3", password: "p"}
		file, err := k.configure("127.0.0.1", "4")
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"admin-port = 1\n", "smsbox-port = 2\n", "sendsms-port = 3\n", "port = 4\n", "transceiver-mode = true\n"} {
			if !bytes.Contains(b, []byte(want)) {
				t.Errorf("%s: no %q in\n%s", variant, want, b)
			}
		}
		// What makes it faster is not in the variant that comes without.
		for _, line := range []string{"dlr-storage = ", "instances = 4\n", "max-pending-submits = 500\n", "log-level = ", "http-request-retry = ", "http-queue-delay = ", "reconnect-delay = "} {
			if bytes.Contains(b, []byte(line)) != variant.Tuned() {
				t.Errorf("%s: %q in\n%s", variant, line, b)
			}
		}
		if bytes.Contains(b, []byte("store-type = file")) != stored || bytes.Contains(b, []byte("throughput")) {
			t.Errorf("%s:\n%s", variant, b)
		}
		if bytes.Count(b, []byte("= 127.0.0.1\n")) < 5 {
			t.Errorf("%s is not kept on loopback:\n%s", variant, b)
		}
	}
}

// Results say of each variant what it was given.
func TestVariantsHaveTheirSetups(t *testing.T) {
	for variant, want := range map[Variant][2]int{KannelDefault: {1, 10}, KannelFile: {4, 500}, KannelMemory: {4, 500}} {
		if got := [2]int{variant.binds(), variant.window()}; got != want {
			t.Errorf("%s: %v, want %v", variant, got, want)
		}
	}
	if Variants[0] != KannelDefault || len(Variants) != 3 {
		t.Errorf("measured in the order %v", Variants)
	}
}

// What is lost is said, with what speaks for the load's being its cause.
func TestRemarks(t *testing.T) {
	k := &kannel{dir: t.TempDir(), calls: &callbacks{}}
	if notes, err := k.remarks(&Books{}); err != nil || notes != nil {
		t.Errorf("%v %v", notes, err)
	}
	if err := os.WriteFile(k.dir+"/"+carrierName+".log", []byte("listening on 127.0.0.1:1\n{\"receipts\":10,\"acked\":8}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.calls.broken.Add(1)
	notes, err := k.remarks(&Books{Lost: 3, Unsent: 1})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(notes, "\n")
	for _, want := range []string{"1 of 3 lost messages never came to the carrier", "left 2 receipts unanswered", "1 callbacks broke"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
}
