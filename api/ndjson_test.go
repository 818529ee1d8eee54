package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bindery/queue"
)

func TestLines(t *testing.T) {
	r := newReal(t)
	const n = 7000
	r.check(r.stream(strings.NewReader(lines(0, n))), n)
	r.once(n)
	if r.pushes > 50 {
		t.Errorf("%d pushes", r.pushes)
	}
}

// TestOddLines: each is answered for itself and spoils no other; what holds
// nothing is no line.
func TestOddLines(t *testing.T) {
	r := newReal(t)
	long := `{"to":"+821012345678","from":"1544","text":"` + strings.Repeat("a", 256<<10) + `"}`
	body := good + "\r\n\n  \n" + long + "\n" + good + "\n[]\n" + strings.Repeat("[", 100) + "\n\xff\n" + `{"colour":1}` + "\n\x00\n" + good + " " + good + "\n" + long[:200<<10] + "\n" + good
	var codes []int
	for _, l := range r.stream(strings.NewReader(body)) {
		codes = append(codes, l.code())
	}
	if diff := cmp.Diff([]int{202, 413, 202, 422, 400, 400, 422, 400, 400, 400, 202}, codes); diff != "" {
		t.Error(diff)
	}
	if got := r.stream(strings.NewReader("")); len(got) != 0 {
		t.Errorf("nothing: %+v", got)
	}
	if got := r.stream(strings.NewReader(long + "\n" + long)); len(got) != 2 || got[0].code() != 413 || got[1].code() != 413 {
		t.Errorf("two that are too long: %+v", got)
	}
	many := `{"a":1` + strings.Repeat(`,"b":2`, 1000) + "}"
	if got := r.stream(strings.NewReader(many)); len(got) != 1 || len(got[0].Error.Errors) != maxLineErrors {
		t.Errorf("a line that is all faults: %+v", got)
	}
}

func TestLinesWithoutDuplex(t *testing.T) {
	r := newReal(t)
	w := r.do(request("POST", "/v1/messages", lines(0, 1400), "Content-Type", "application/x-ndjson")) // a recorder has none
	r.check(answersOf(t, w.Body), 1400)
}

// TestReadsOnlyWhenAllIsSent: a client as Python's http.client; the answers are
// more than fits into memory's share and the sockets.
func TestReadsOnlyWhenAllIsSent(t *testing.T) {
	r := newReal(t)
	n := 70_000
	if testing.Short() {
		n = 14_000
	}
	// Bad lines: their answers are long, and cost the embedded Redis nothing.
	body := strings.Repeat(`{"to":"x","from":"!","text":""}`+"\n", n)
	c := r.rawStream(len(body), "")
	if _, err := io.WriteString(c, body); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	all := answersOf(t, resp.Body)
	if len(all) != n || all[n-1].code() != 422 {
		t.Errorf("%d answers to %d lines", len(all), n)
	}
}

// TestNeverReads: the body is taken to its end all the same.
func TestNeverReads(t *testing.T) {
	r := newReal(t)
	const n = 14_000
	body := lines(0, n)
	c := r.rawStream(len(body), "")
	_ = c.(*net.TCPConn).SetReadBuffer(1 << 10)
	if _, err := io.WriteString(c, body); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all lines are taken", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.taken) == n-n/14*2
	})
	r.once(n)
}

// TestEachLineIsAnswered while the body is open: a client that sends a line and
// waits for its answer gets it.
func TestEachLineIsAnswered(t *testing.T) {
	r := newReal(t)
	body, send := io.Pipe()
	head := make(chan *http.Response, 1)
	go func() { head <- r.post(body) }()
	if _, err := io.WriteString(send, line(0)+"\n"); err != nil {
		t.Fatal(err)
	}
	answers := json.NewDecoder((<-head).Body)
	var all []lineAnswer
	for i := 1; i <= 28; i++ {
		var l lineAnswer
		if err := answers.Decode(&l); err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
		if i == 28 {
			break
		}
		if _, err := io.WriteString(send, line(i)+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	_ = send.Close()
	r.check(all, 28)
}

// TestCutStream: whole lines are taken, half a line is none, and a repeat goes
// on where the body broke.
func TestCutStream(t *testing.T) {
	r := newReal(t)
	const n = 2800
	body := lines(0, n)
	for _, cut := range []int{1, 1000, len(body) / 2, len(body) - 1} {
		c := r.rawStream(len(body), "Idempotency-Key: cut\r\n")
		if _, err := io.WriteString(c, body[:cut]); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	first := r.stream(strings.NewReader(body), "Idempotency-Key", "cut")
	r.check(first, n)
	r.once(n)
	again := r.stream(strings.NewReader(body), "Idempotency-Key", "cut")
	if diff := cmp.Diff(first, again); diff != "" {
		t.Error(diff)
	}
	other := r.stream(strings.NewReader(strings.Replace(body, "line 7\"", "line 8\"", 1)), "Idempotency-Key", "cut")
	for i := range other {
		if want := first[i].code(); i == 7 && other[i].code() != 409 || i != 7 && (other[i].code() != want || other[i].ID != first[i].ID) {
			t.Errorf("line %d: %+v", i, other[i])
		}
	}
}

// TestRedisStops: each further line is answered 503, to the end of the body;
// what was answered 202 before is in Redis.
func TestRedisStops(t *testing.T) {
	r := newReal(t)
	r.fail = func(push int) error {
		if push > 2 {
			return queue.ErrUnavailable
		}
		return nil
	}
	const n = 42_000
	all := r.stream(strings.NewReader(lines(0, n)), "Idempotency-Key", "k")
	if len(all) != n {
		t.Fatalf("%d answers", len(all))
	}
	taken, stopped := 0, false
	for i := range all {
		stopped = stopped || all[i].code() == 503
		switch code := all[i].code(); {
		case stopped && code != 503:
			t.Fatalf("line %d after the end: %d", i, code)
		case code == 202:
			taken++
		}
	}
	if !stopped || taken != len(r.taken) || r.pushes != 3 {
		t.Errorf("%d answered, %d taken, %d pushes", taken, len(r.taken), r.pushes)
	}
	r.fail = nil
	r.check(r.stream(strings.NewReader(lines(0, n)), "Idempotency-Key", "k"), n)
	r.once(n)
}

func TestTooManyLines(t *testing.T) {
	r := newReal(t)
	r.api.MaxLines = 140
	all := r.stream(strings.NewReader(lines(0, 100_000)))
	r.check(all[:140], 140)
	for i, l := range all[140:] {
		if l.code() != 413 {
			t.Fatalf("line %d: %+v", 140+i, l)
		}
	}
	if len(all) != 100_000 {
		t.Errorf("%d answers", len(all))
	}
}

// TestStreamsAndTheStop: a stream that is open when the server is shut down
// takes nothing more, and ends.
func TestStreamsAndTheStop(t *testing.T) {
	r := newReal(t)
	body, send := io.Pipe()
	head := make(chan *http.Response, 1)
	go func() { head <- r.post(body) }()
	if _, err := io.WriteString(send, line(0)+"\n"); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader((<-head).Body)
	if s, err := answers.ReadString('\n'); err != nil || !strings.Contains(s, `"id"`) {
		t.Fatalf("%s %v", s, err)
	}
	down := make(chan error, 1)
	go func() { down <- r.srv.Config.Shutdown(t.Context()) }()
	<-r.api.stopping.Done()
	if _, err := io.WriteString(send, line(1)+"\n"); err != nil {
		t.Fatal(err)
	}
	if s, err := answers.ReadString('\n'); err != nil || !strings.Contains(s, `"status":503`) || !strings.Contains(s, "stopping") {
		t.Errorf("%s %v", s, err)
	}
	if err := <-down; err != nil { // though the client keeps its body open
		t.Error(err)
	}
	_ = send.Close()
}

// TestPanicOfAStream ends that request, and nothing else.
func TestPanicOfAStream(t *testing.T) {
	r := newReal(t)
	r.fail = func(int) error { panic("+821012345678") }
	body := lines(0, 5000)
	c := r.rawStream(len(body), "")
	_, _ = io.WriteString(c, body)
	if all, err := io.ReadAll(c); bytes.HasSuffix(all, []byte("0\r\n\r\n")) {
		t.Errorf("%q %v, and nothing says that answers are missing", all, err)
	}
	if log := r.log.String(); !strings.Contains(log, "panicked") || strings.Contains(log, "82101234") {
		t.Error(log)
	}
	if w := r.do(request("GET", "/healthz", "")); w.Code != 200 {
		t.Error(w.Code)
	}
}

func TestStreamRefusals(t *testing.T) {
	r := newReal(t)
	for name, c := range map[string]struct {
		header []string
		code   int
	}{
		"key":     {[]string{"Authorization", "Bearer wrong"}, 401},
		"charset": {[]string{"Content-Type", "application/x-ndjson; charset=utf-16"}, 415},
		"gzip":    {[]string{"Content-Encoding", "gzip"}, 415},
		"jsonl":   {[]string{"Content-Type", "application/jsonl"}, 415},
		"long":    {[]string{"Idempotency-Key", strings.Repeat("k", 256)}, 400},
	} {
		if resp := r.post(strings.NewReader(line(0)), c.header...); resp.StatusCode != c.code {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
	r.api.room.most = streamRoom - 1
	if resp := r.post(strings.NewReader(line(0))); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("no room: %d", resp.StatusCode)
	}
	r.api.room.most = streamRoom
	if got := r.stream(strings.NewReader(line(0))); len(got) != 1 || got[0].ID == "" {
		t.Errorf("room for one: %+v", got)
	}
	if r.api.room.taken != 0 || len(r.api.room.byAccount) != 0 {
		t.Errorf("%+v is still taken", r.api.room.byAccount)
	}
}
