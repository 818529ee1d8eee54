package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"bindery/gateway/ingress"
	"bindery/queue"
)

// house is the small world around an API in tests.
type house struct {
	drafts []ingress.Draft
	keys   []*queue.Key
	result ingress.Result
	view   *queue.View
	getErr error
	ready  error
}

func (h *house) Accept(_ context.Context, _ *ingress.Account, ds []ingress.Draft, key *queue.Key) []ingress.Result {
	h.drafts = append(h.drafts, ds...)
	h.keys = append(h.keys, key)
	return []ingress.Result{h.result}
}

func (h *house) Authenticate(key string) (*ingress.Account, bool) {
	if key != "right" {
		return nil, false
	}
	return &ingress.Account{ID: "acme"}, true
}

func (h *house) Get(_ context.Context, account string, id queue.ID) (*queue.View, error) {
	if account != "acme" {
		return nil, queue.ErrNotFound
	}
	return h.view, h.getErr
}

func (h *house) api() *API {
	return New(Config{
		Door: h, Accounts: h, Messages: h, Ready: func(context.Context) error { return h.ready },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics") }),
	})
}

func request(method, path, body string, header ...string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr, r.Host = "127.0.0.1:5000", "localhost:8080"
	r.Header.Set("Authorization", "Bearer right")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		if r.Header.Del(header[i]); header[i+1] != "" {
			r.Header.Set(header[i], header[i+1])
		}
	}
	return r
}

func (h *house) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.api().ServeHTTP(w, r)
	return w
}

const good = `{"to":"+821012345678","from":"1544","text":"hi"}`

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
// reaches the door.
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
		"get":                {request("GET", "/v1/messages", ""), 405, ""},
		"delete all":         {request("DELETE", "/v1/messages", ""), 405, ""},
		"elsewhere":          {request("GET", "/v2/messages", ""), 404, ""},
		"escaped quote name": {request("POST", "/v1/messages", `{"te\"xt":"a"}`), 422, `te"xt`},
	} {
		h := &house{}
		w := h.do(c.r)
		var p problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != c.code || p.Status != c.code || p.Title == "" || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.code)
			continue
		}
		if c.field != "" && (len(p.Errors) != 1 || p.Errors[0].Field != c.field || p.Errors[0].Message == "") {
			t.Errorf("%s: %s does not name %q", name, w.Body, c.field)
		}
		if len(h.drafts) != 0 {
			t.Errorf("%s reached the door", name)
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

func TestMessage(t *testing.T) {
	at := time.Date(2026, 11, 25, 9, 0, 0, 5e6, time.UTC)
	h := &house{view: &queue.View{
		Message: queue.Message{ID: "i", To: "+821012345678", From: "1544", Route: "kr", Parts: 1, Reference: "r"},
		Status:  queue.StatusRejected, Carrier: "alpha", Error: queue.Error{Code: "smpp:0x0B", Message: "ESME_RINVDSTADR"},
		Timeline: []queue.Moment{{At: at, Status: "queued"}, {At: at, Status: "rejected", Carrier: "alpha"}},
	}}
	w := h.do(request("GET", "/v1/messages/i", ""))
	want := `{"id":"i","status":"rejected","to":"+821012345678","from":"1544","carrier":"alpha","route":"kr","parts":1,"reference":"r",` +
		`"error":{"code":"smpp:0x0B","message":"ESME_RINVDSTADR"},"timeline":[{"at":"2026-11-25T09:00:00.005Z","status":"queued"},{"at":"2026-11-25T09:00:00.005Z","status":"rejected","carrier":"alpha"}]}` + "\n"
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for err, code := range map[error]int{queue.ErrNotFound: 404, queue.ErrGone: 410, queue.ErrUnavailable: 503} {
		h.getErr = err
		if w := h.do(request("GET", "/v1/messages/i", "")); w.Code != code {
			t.Errorf("%v: %d", err, w.Code)
		}
	}
}

// TestOpenReads: health, metrics and the page need no key from loopback, and
// one from anywhere else, by a proxy, or for a foreign Host.
func TestOpenReads(t *testing.T) {
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/", "/console/console.js", "/console/console.css"} {
		for name, c := range map[string]struct {
			change func(*http.Request)
			code   int
		}{
			"loopback":    {func(*http.Request) {}, 200},
			"loopback v6": {func(r *http.Request) { r.RemoteAddr, r.Host = "[::1]:1", "[::1]:8080" }, 200},
			"remote":      {func(r *http.Request) { r.RemoteAddr = "10.1.2.3:1" }, 401},
			"forwarded":   {func(r *http.Request) { r.Header.Set("X-Forwarded-For", "1.2.3.4") }, 401},
			"via":         {func(r *http.Request) { r.Header.Set("Via", "1.1 proxy") }, 401},
			"rebound":     {func(r *http.Request) { r.Host = "evil.example" }, 401},
			"with key":    {func(r *http.Request) { r.RemoteAddr = "10.1.2.3:1"; r.Header.Set("Authorization", "Bearer right") }, 200},
		} {
			r := request("GET", path, "", "Authorization", "")
			c.change(r)
			if w := (&house{}).do(r); w.Code != c.code {
				t.Errorf("%s, %s: %d, want %d", path, name, w.Code, c.code)
			}
		}
	}
	h := &house{}
	a := h.api()
	a.RequireKey = true
	w := httptest.NewRecorder()
	a.ServeHTTP(w, request("GET", "/metrics", "", "Authorization", ""))
	if w.Code != 401 {
		t.Errorf("require_key: %d", w.Code)
	}
}

func TestReadiness(t *testing.T) {
	h := &house{ready: errors.New("away")}
	if w := h.do(request("GET", "/readyz", "")); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d", w.Code)
	}
	if w := h.do(request("GET", "/healthz", "")); w.Code != 200 {
		t.Errorf("alive all the same: %d", w.Code)
	}
}

func FuzzParseDraft(f *testing.F) {
	for _, seed := range []string{good, `{"a":"\ud83d\ude00"}`, `{"text":"\\u"}`, `{"x":{"y":[1,"]"]},"to":"1"}`, `{"to":"\u00`, " { } "} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		d, p := parseDraft(body)
		if p != nil {
			return
		}
		// What passes reads the same by the standard library.
		var want map[string]string
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatalf("%q passes, but: %v", body, err)
		}
		for name, value := range want {
			if to := draftField(&d, name); to == nil || *to != value {
				t.Fatalf("%q: %s", body, name)
			}
		}
	})
}
