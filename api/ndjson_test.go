package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"bindery/gateway/ingress"
	"bindery/internal/redisdb"
	"bindery/queue"
)

// real is an API over TCP before a real door and a real queue, in an embedded
// Redis; pushes can be made to fail.
type real struct {
	*house
	*queue.Queue
	t   testing.TB
	api *API
	srv *httptest.Server

	mu     sync.Mutex // guards the rest
	pushes int
	taken  map[string]int // texts
	fail   func(push int) error
}

func newReal(t testing.TB) *real {
	t.Helper()
	r := &real{house: &house{}, t: t, taken: map[string]int{}}
	db := redisdb.Wrap(redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()}))
	t.Cleanup(func() { _ = db.Close() })
	r.Queue = queue.New(db, queue.Options{})
	if err := r.Queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	door, err := ingress.NewDoor(ingress.Config{Queue: r, Routes: []ingress.Route{
		{ID: "kr", Match: ingress.Match{Prefix: []string{"+82"}}, Carriers: []ingress.CarrierProfile{{ID: "alpha"}}},
		{ID: "world", Match: ingress.Match{Prefix: []string{"+4"}}, Carriers: []ingress.CarrierProfile{{ID: "beta"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r.house.door = door
	r.api = r.house.api()
	r.srv = httptest.NewUnstartedServer(nil)
	r.srv.Config = NewServer(r.api)
	r.srv.Start()
	t.Cleanup(r.srv.Close)
	return r
}

func (r *real) Accept(ctx context.Context, p *queue.Push) ([]queue.ID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pushes++; r.fail != nil {
		if err := r.fail(r.pushes); err != nil {
			return nil, err
		}
	}
	ids, err := r.Queue.Accept(ctx, p)
	if err == nil && !p.Before {
		for i := range p.Messages {
			r.taken[p.Messages[i].Text]++
		}
	}
	return ids, err
}

func (r *real) Batch(ctx context.Context, account, id string) (*queue.BatchView, error) {
	return r.Queue.Batch(ctx, account, id)
}

// line is line i of a stream; every seventh is bad, in turn in its JSON and in
// a field.
func line(i int) string {
	switch i % 14 {
	case 6:
		return fmt.Sprintf(`{"to":"+8210%08d","text":%d`, i, i)
	case 13:
		return fmt.Sprintf(`{"to":"nobody","from":"1544","text":"line %d"}`, i)
	}
	return fmt.Sprintf(`{"to":"+%s%08d","from":"1544","text":"line %d","reference":"r%d"}`, []string{"8210", "4915"}[i%2], i, i, i)
}

func lines(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteString(line(i))
		b.WriteByte('\n')
	}
	return b.String()
}

// lineAnswer is an answer to a line.
type lineAnswer struct {
	ID, Status, Encoding, Route string
	Parts                       int
	Error                       *struct {
		Status        int
		Title, Detail string
		Errors        []ingress.FieldError
	}
}

func (l *lineAnswer) code() int {
	if l.Error == nil {
		return 202
	}
	return l.Error.Status
}

func answersOf(t testing.TB, body io.Reader) (all []lineAnswer) {
	t.Helper()
	for d := json.NewDecoder(body); ; {
		var l lineAnswer
		err := d.Decode(&l)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("answer %d: %v", len(all), err)
		}
		all = append(all, l)
	}
}

// check holds the answers to lines 0 to n against what they should be.
func (r *real) check(all []lineAnswer, n int) {
	r.t.Helper()
	if len(all) != n {
		r.t.Fatalf("%d answers to %d lines", len(all), n)
	}
	seen := map[string]bool{}
	for i := range all {
		l := &all[i]
		want := 202
		switch i % 14 {
		case 6:
			want = 400
		case 13:
			want = 422
		}
		if l.code() != want || want == 202 && (len(l.ID) != 26 || seen[l.ID] || l.Status != "queued" || l.Parts != 1 || l.Encoding != "gsm7" || l.Route == "") {
			r.t.Fatalf("line %d: %+v", i, l)
		}
		if want == 422 && (len(l.Error.Errors) != 1 || l.Error.Errors[0].Field != "to") {
			r.t.Fatalf("line %d: %+v", i, l.Error)
		}
		seen[l.ID] = true
	}
}

// once: every good line up to n was taken once.
func (r *real) once(n int) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range n {
		if got, want := r.taken[fmt.Sprintf("line %d", i)], 1; i%14 != 6 && i%14 != 13 && got != want {
			r.t.Fatalf("line %d was taken %d times", i, got)
		}
	}
	if want := n - n/14*2; n%14 == 0 && len(r.taken) != want {
		r.t.Errorf("%d were taken, want %d", len(r.taken), want)
	}
}

func (r *real) post(body io.Reader, header ...string) *http.Response {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.srv.URL+"/v1/messages", body)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer right")
	req.Header.Set("Content-Type", "application/x-ndjson")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := r.srv.Client().Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func (r *real) stream(body io.Reader, header ...string) []lineAnswer {
	r.t.Helper()
	resp := r.post(body, header...)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/x-ndjson" {
		r.t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	return answersOf(r.t, resp.Body)
}

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

// rawStream sends the head of a request over a connection of its own.
func (r *real) rawStream(length int, header string) net.Conn {
	r.t.Helper()
	c, err := net.Dial("tcp", r.srv.Listener.Addr().String())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(60 * time.Second))
	fmt.Fprintf(c, "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer right\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n%s\r\n", length, header)
	return c
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

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited 60 s for: %s", what)
		}
	}
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
	if log := r.log.String(); !strings.Contains(log, "panicked") || strings.Contains(log, "8210") {
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

// TestSlowLine: a body that comes an octet now and then ends, and what was
// whole is taken.
func TestSlowLine(t *testing.T) {
	var asked []time.Duration
	src := io.MultiReader(strings.NewReader("one\ntw"), iotestOne{"o\nthr"})
	r := newLineReader(src, func(d time.Duration) { asked = append(asked, d) })
	for _, want := range []string{"one", "two"} {
		if got, err := r.next(); err != nil || string(got) != want {
			t.Fatalf("%q %v", got, err)
		}
	}
	if _, err := r.next(); !errors.Is(err, errSlow) {
		t.Errorf("%v", err)
	}
	for i, d := range asked {
		if d > lineTime || i > 1 && i != 3 && d >= asked[i-1] && d == lineTime {
			t.Errorf("asked for %v", asked)
		}
	}
}

var errSlow = errors.New("deadline passed")

// iotestOne gives one octet a read, then fails as a deadline does.
type iotestOne struct{ s string }

func (r iotestOne) Read(p []byte) (int, error) {
	if r.s == "" {
		return 0, errSlow
	}
	return copy(p, r.s), errSlow
}
