package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bindery/api/draft"
	"bindery/gateway/ingress"
	"bindery/queue"
)

func TestSend(t *testing.T) {
	h := &house{result: ingress.Result{ID: "0123456789abcdefghjkmnpqrs", Parts: 2, Encoding: "gsm7", Route: "kr"}}
	w := h.do(request("POST", "/v1/messages", `{"to":"+821012345678","from":"1544","text":"h\ud83d\ude00\u00e9","priority":"urgent",
		"send_at":"2026-12-01T10:00:00Z","validity":"90s","reference":"r","campaign":"c","subject":"s","callback":"https://x.example/","encoding":"ucs2","kind":"sms","on_uncertain":"hold"}`))
	if w.Code != 202 || w.Body.String() != `{"id":"0123456789abcdefghjkmnpqrs","status":"queued","parts":2,"encoding":"gsm7","route":"kr"}`+"\n" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	d := h.drafts[0]
	for name, got := range map[string]string{
		"+821012345678": d.To, "1544": d.From, "h😀é": d.Text, "urgent": d.Priority, "2026-12-01T10:00:00Z": d.SendAt, "90s": d.Validity,
		"r": d.Reference, "c": d.Campaign, "s": d.Subject, "https://x.example/": d.Callback, "ucs2": d.Encoding, "sms": d.Kind, "hold": d.OnUncertain,
	} {
		if got != name {
			t.Errorf("want %q, got %q", name, got)
		}
	}
	if h.keys[0] != nil {
		t.Error("a key that nobody gave")
	}
}

// TestBadSends: each is refused with a problem that says where, and nothing
// is queued.
func TestBadSends(t *testing.T) {
	large := `{"to":"+821012345678","text":"` + strings.Repeat("a", 257<<10) + `"}`
	for name, c := range map[string]struct {
		r     *http.Request
		code  int
		field string
	}{
		"no key":             {request("POST", "/v1/messages", good, "Authorization", ""), 401, ""},
		"wrong key":          {request("POST", "/v1/messages", good, "Authorization", "Bearer wrong"), 401, ""},
		"basic":              {request("POST", "/v1/messages", good, "Authorization", "Basic right"), 401, ""},
		"no type":            {request("POST", "/v1/messages", good, "Content-Type", ""), 415, ""},
		"form":               {request("POST", "/v1/messages", good, "Content-Type", "application/x-www-form-urlencoded"), 415, ""},
		"empty":              {request("POST", "/v1/messages", ""), 400, ""},
		"not json":           {request("POST", "/v1/messages", "to=1"), 400, ""},
		"cut":                {request("POST", "/v1/messages", good[:20]), 400, ""},
		"two":                {request("POST", "/v1/messages", good+good), 400, ""},
		"bad utf-8":          {request("POST", "/v1/messages", `{"text":"`+"\xff"+`"}`), 400, ""},
		"list":               {request("POST", "/v1/messages", "[]"), 422, ""},
		"null":               {request("POST", "/v1/messages", "null"), 422, ""},
		"too deep":           {request("POST", "/v1/messages", strings.Repeat(`{"a":`, 20_000)+"1"+strings.Repeat("}", 20_000)), 400, ""},
		"large":              {request("POST", "/v1/messages", large), 413, ""},
		"unknown":            {request("POST", "/v1/messages", `{"to":"1","txt":"a"}`), 422, "txt"},
		"twice":              {request("POST", "/v1/messages", `{"to":"1","to":"2","text":"a"}`), 422, "to"},
		"number":             {request("POST", "/v1/messages", `{"to":821012345678,"text":"a"}`), 422, "to"},
		"null field":         {request("POST", "/v1/messages", `{"to":"1","text":null}`), 422, "text"},
		"object":             {request("POST", "/v1/messages", `{"to":"1","text":{"a":"}"}}`), 422, "text"},
		"lone high":          {request("POST", "/v1/messages", `{"text":"a\ud83d"}`), 422, "text"},
		"lone high, then":    {request("POST", "/v1/messages", `{"text":"\ud83dA"}`), 422, "text"},
		"lone low":           {request("POST", "/v1/messages", `{"text":"\ude00a"}`), 422, "text"},
		"empty optional":     {request("POST", "/v1/messages", `{"text":"a","priority":""}`), 422, "priority"},
		"key too long":       {request("POST", "/v1/messages", good, "Idempotency-Key", strings.Repeat("k", 256)), 400, ""},
		"latin1":             {request("POST", "/v1/messages", good, "Content-Type", "application/json; charset=iso-8859-1"), 415, ""},
		"gzip":               {request("POST", "/v1/messages", good, "Content-Encoding", "gzip"), 415, ""},
		"secret":             {request("POST", "/v1/messages", `{"text":"secret\q"}`), 400, ""},
		"secret number":      {request("POST", "/v1/messages", `{"to":secret}`), 400, ""},
		"bom":                {request("POST", "/v1/messages", "\ufeff"+good), 400, ""},
		"trailing comma":     {request("POST", "/v1/messages", `{"text":"a",}`), 400, ""},
		"trailing text":      {request("POST", "/v1/messages", good+" x"), 400, ""},
		"control character":  {request("POST", "/v1/messages", "{\"text\":\"a\nb\"}"), 400, ""},
		"deep list":          {request("POST", "/v1/messages", `{"x":`+strings.Repeat("[", 33)+strings.Repeat("]", 33)+"}"), 400, ""},
		"twice by escape":    {request("POST", "/v1/messages", `{"text":"a","te\u0078t":"b"}`), 422, "text"},
		"lone pair":          {request("POST", "/v1/messages", `{"text":"\ud83d\ud83d"}`), 422, "text"},
		"lone in reference":  {request("POST", "/v1/messages", `{"reference":"\udc00","to":"+821012345678","from":"1","text":"a"}`), 422, "reference"},
		"lone name":          {request("POST", "/v1/messages", `{"\ud83d":"a"}`), 422, "?"},
		"long name":          {request("POST", "/v1/messages", `{"`+strings.Repeat("é", 40)+`":"a"}`), 422, strings.Repeat("é", 32) + "…"},
		"get":                {request("GET", "/v1/messages", ""), 405, ""},
		"delete all":         {request("DELETE", "/v1/messages", ""), 405, ""},
		"elsewhere":          {request("GET", "/v2/messages", ""), 404, ""},
		"escaped quote name": {request("POST", "/v1/messages", `{"te\"xt":"a"}`), 422, `te"xt`},
	} {
		h, q := withDoor(t)
		w := h.do(c.r)
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != c.code || p.Status != c.code || p.Title == "" || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.code)
			continue
		}
		if c.field != "" && !slices.ContainsFunc(p.Errors, func(e ingress.FieldError) bool { return e.Field == c.field && e.Message != "" }) {
			t.Errorf("%s: %s does not name %q", name, w.Body, c.field)
		}
		if len(q.pushes) != 0 {
			t.Errorf("%s was queued", name)
		}
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %s quotes the body", name, w.Body)
		}
	}
}

func TestAnswersOfTheDoor(t *testing.T) {
	for name, c := range map[string]struct {
		result ingress.Result
		code   int
		retry  bool
	}{
		"field":    {ingress.Result{Errors: []ingress.FieldError{{Field: "to", Message: "no"}}}, 422, false},
		"away":     {ingress.Result{Err: queue.ErrUnavailable}, 503, true},
		"full":     {ingress.Result{Err: queue.ErrFull}, 503, true},
		"conflict": {ingress.Result{Err: queue.ErrKeyConflict}, 409, false},
		"other":    {ingress.Result{Err: errors.New("password is hunter2")}, 500, false},
	} {
		h := &house{result: c.result}
		w := h.do(request("POST", "/v1/messages", good))
		if w.Code != c.code || (w.Header().Get("Retry-After") != "") != c.retry || strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestIdempotencyKeyStandsForKeyAndBody(t *testing.T) {
	h := &house{}
	h.do(request("POST", "/v1/messages", good, "Idempotency-Key", "k1"))
	h.do(request("POST", "/v1/messages", good, "Idempotency-Key", "k1"))
	h.do(request("POST", "/v1/messages", good+" ", "Idempotency-Key", "k1"))
	h.do(request("POST", "/v1/messages", good, "Idempotency-Key", "k2"))
	if h.keys[0].Hash != h.keys[1].Hash || h.keys[0].Body != h.keys[1].Body || h.keys[0].Hash != h.keys[2].Hash || h.keys[0].Body == h.keys[2].Body || h.keys[0].Hash == h.keys[3].Hash {
		t.Errorf("keys %v", h.keys)
	}
}

func TestIdempotencyKeyHeader(t *testing.T) {
	h := &house{}
	if w := h.do(request("POST", "/v1/messages", good, "Idempotency-Key", strings.Repeat("k", 255))); w.Code != 202 || h.keys[0] == nil {
		t.Errorf("255 octets: %d", w.Code)
	}
	for name, values := range map[string][]string{"empty": {""}, "256 octets": {strings.Repeat("k", 256)}, "two": {"a", "b"}} {
		h := &house{}
		r := request("POST", "/v1/messages", good)
		r.Header["Idempotency-Key"] = values
		w := h.do(r)
		if w.Code != 400 || !strings.Contains(w.Body.String(), `"field":"Idempotency-Key"`) || len(h.drafts) != 0 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// TestEveryFaultAtOnce: those of the JSON and those of the fields.
func TestEveryFaultAtOnce(t *testing.T) {
	h, q := withDoor(t)
	w := h.do(request("POST", "/v1/messages", `{"to":821012345678,"text":"\ud800","txt":{"a":[1,null]},"priority":"high","validity":null,"kind":"sms","kind":"sms","reference":""}`))
	var p Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 422 || len(q.pushes) != 0 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	var fields []string
	for _, e := range p.Errors {
		fields = append(fields, e.Field)
	}
	if diff := cmp.Diff([]string{"to", "text", "txt", "validity", "kind", "from", "priority"}, fields); diff != "" {
		t.Errorf("%s\n%s", diff, w.Body)
	}
}

func TestManyUnknownFields(t *testing.T) {
	h, _ := withDoor(t)
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, `"x%d":0,`, i)
	}
	w := h.do(request("POST", "/v1/messages", "{"+b.String()+`"to":"1"}`))
	if w.Code != 422 || w.Body.Len() > 16<<10 {
		t.Errorf("%d, %d octets", w.Code, w.Body.Len())
	}
}

// TestThroughTheDoor: the whole way in but Redis.
func TestThroughTheDoor(t *testing.T) {
	h, q := withDoor(t)
	for _, kind := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON"} {
		if w := h.do(request("POST", "/v1/messages", " "+good+"\n", "Content-Type", kind)); w.Code != 202 {
			t.Errorf("%s: %d %s", kind, w.Code, w.Body)
		}
	}
	if len(q.pushes) != 3 || q.pushes[0].Account != "acme" || q.pushes[0].Messages[0].Text != "hi" {
		t.Errorf("%+v", q.pushes)
	}
}

// TestLimitOfABody: 256 KiB are taken, an octet more is not, whether or not the
// request says its length beforehand.
func TestLimitOfABody(t *testing.T) {
	body := func(n int) string {
		const frame = `{"text":""}`
		return `{"text":"` + strings.Repeat("a", n-len(frame)) + `"}`
	}
	for n, code := range map[int]int{draft.MaxMessage: 202, draft.MaxMessage + 1: 413} {
		for _, length := range []int64{int64(n), -1} {
			h := &house{}
			r := request("POST", "/v1/messages", body(n))
			r.ContentLength = length
			if w := h.do(r); w.Code != code || len(h.drafts) != (413-code)/(413-202) {
				t.Errorf("%d octets, length %d: %d", n, length, w.Code)
			}
		}
	}
}

func TestBodyCutShort(t *testing.T) {
	h := &house{}
	r := request("POST", "/v1/messages", "")
	r.ContentLength = -1
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(good[:10]), failing{}))
	if w := h.do(r); w.Code != 400 || len(h.drafts) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestUnforeseenErrorIsLogged(t *testing.T) {
	h := &house{result: ingress.Result{Err: errors.New("queue: no such script")}}
	if w := h.do(request("POST", "/v1/messages", good)); w.Code != 500 || !strings.Contains(h.log.String(), "no such script") {
		t.Errorf("%d, log %q", w.Code, h.log.String())
	}
}

// TestTooManyInFlight: the send past the bound is told to come again, and the
// one after those under way have ended is taken.
func TestTooManyInFlight(t *testing.T) {
	h := &house{}
	a := h.api()
	a.MaxInFlight = 1
	reading, carryOn := make(chan struct{}), make(chan struct{})
	first := request("POST", "/v1/messages", "")
	first.ContentLength = -1
	first.Body = io.NopCloser(io.MultiReader(waiting{reading, carryOn}, strings.NewReader(good)))
	ended := make(chan int)
	go func() {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, first)
		ended <- w.Code
	}()
	<-reading
	w := httptest.NewRecorder()
	a.ServeHTTP(w, request("POST", "/v1/messages", good))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || len(h.drafts) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	close(carryOn)
	if code := <-ended; code != 202 {
		t.Errorf("the one under way: %d", code)
	}
	w = httptest.NewRecorder()
	if a.ServeHTTP(w, request("POST", "/v1/messages", good)); w.Code != 202 {
		t.Errorf("the next: %d", w.Code)
	}
}

// waiting tells that it is read, and is empty once it may.
type waiting struct{ reading, carryOn chan struct{} }

func (r waiting) Read([]byte) (int, error) {
	close(r.reading)
	<-r.carryOn
	return 0, io.EOF
}

// TestOverTCP: the server's own bounds hold, and a whole exchange works.
func TestOverTCP(t *testing.T) {
	h, _ := withDoor(t)
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = NewServer(h.api())
	srv.Start()
	defer srv.Close()
	if srv.Config.ReadHeaderTimeout <= 0 || srv.Config.ReadTimeout <= 0 || srv.Config.WriteTimeout <= 0 || srv.Config.IdleTimeout <= 0 {
		t.Errorf("a bound is missing: %+v", srv.Config)
	}
	for long, code := range map[string]int{"": 202, strings.Repeat("a", 2*MaxHeader): http.StatusRequestHeaderFieldsTooLarge} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/v1/messages", strings.NewReader(good))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer right")
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Long", long)
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != code {
			t.Errorf("a header of %d octets: %d, want %d", len(long), resp.StatusCode, code)
		}
	}
}

// TestStopped: sends are refused, look-ups are not.
func TestStopped(t *testing.T) {
	h := &house{getErr: queue.ErrNotFound}
	a := h.api()
	a.Stop()
	for _, c := range []struct {
		r    *http.Request
		code int
	}{
		{request("POST", "/v1/messages", good), 503},
		{request("POST", "/v1/messages", good, "Content-Type", "application/x-ndjson"), 503},
		{request("POST", "/v1/batches", goodBatch), 503},
		{request("GET", "/readyz", ""), 503},
		{request("GET", "/healthz", ""), 200},
		{request("GET", "/v1/messages/i", ""), 404},
	} {
		w := httptest.NewRecorder()
		if a.ServeHTTP(w, c.r); w.Code != c.code {
			t.Errorf("%s %s: %d %s", c.r.Method, c.r.URL.Path, w.Code, w.Body)
		}
	}
	if len(h.drafts)+len(h.batches) > 0 {
		t.Error("taken")
	}
}
