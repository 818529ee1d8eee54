package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"bindery/gateway/ingress"
)

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
			"real ip":     {func(r *http.Request) { r.Header.Set("X-Real-Ip", "1.2.3.4") }, 401},
			"host":        {func(r *http.Request) { r.Header.Set("X-Forwarded-Host", "localhost") }, 401},
			"rfc 7239":    {func(r *http.Request) { r.Header.Set("Forwarded", "for=1.2.3.4") }, 401},
			"mapped":      {func(r *http.Request) { r.RemoteAddr, r.Host = "[::ffff:127.0.0.1]:1", "LOCALHOST" }, 200},
			"subdomain":   {func(r *http.Request) { r.Host = "localhost.evil.example:8080" }, 401},
			"no host":     {func(r *http.Request) { r.Host = "" }, 401},
			"wildcard":    {func(r *http.Request) { r.Host = "0.0.0.0:8080" }, 401},
			"odd peer":    {func(r *http.Request) { r.RemoteAddr = "@" }, 401},
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

// TestUniform401: a key that is wrong, missing or of another scheme is answered
// alike, so that the answer tells nothing.
func TestUniform401(t *testing.T) {
	var first *httptest.ResponseRecorder
	for _, authorization := range []string{"", "Bearer wrong", "Bearer", "Bearer ", "Basic right", "right", "Bearer right right"} {
		for _, r := range []*http.Request{request("POST", "/v1/messages", good, "Authorization", authorization), request("GET", "/v1/messages/i", "", "Authorization", authorization)} {
			w := (&house{}).do(r)
			if first == nil {
				first = w
			}
			if w.Code != 401 || w.Body.String() != first.Body.String() || fmt.Sprint(w.Header()) != fmt.Sprint(first.Header()) {
				t.Errorf("%q: %d %v %s", authorization, w.Code, w.Header(), w.Body)
			}
		}
	}
	if !strings.HasPrefix(first.Header().Get("WWW-Authenticate"), "Bearer") {
		t.Error("no challenge")
	}
	twice := request("POST", "/v1/messages", good)
	twice.Header.Add("Authorization", "Bearer right")
	if w := (&house{}).do(twice); w.Code != 401 {
		t.Errorf("two keys: %d", w.Code)
	}
	if w := (&house{}).do(request("GET", "/v1/messages/i", "", "Authorization", "bearer right")); w.Code == 401 {
		t.Error("the scheme's name has no case")
	}
}

func TestMethodsAndUnknownPaths(t *testing.T) {
	for _, c := range []struct {
		method, path string
		code         int
		allow        string
	}{
		{"GET", "/v1/messages", 405, "POST"}, {"PUT", "/v1/messages", 405, "POST"}, {"POST", "/v1/messages/i", 405, "DELETE, GET"}, {"HEAD", "/v1/messages", 405, "POST"},
		{"POST", "/healthz", 405, "GET"}, {"DELETE", "/", 405, "GET"}, {"OPTIONS", "/metrics", 405, "GET"},
		{"GET", "/v1", 404, ""}, {"GET", "/v1/messages/", 404, ""}, {"GET", "/v1/messages/a/b", 404, ""}, {"POST", "/x", 404, ""},
		{"GET", "/console/none", 404, ""}, {"GET", "/console/../api.go", 404, ""},
	} {
		r := request(c.method, "/", "")
		r.URL.Path = c.path
		w := (&house{}).do(r)
		if w.Code == http.StatusTemporaryRedirect || w.Code == http.StatusMovedPermanently {
			r.URL.Path = w.Header().Get("Location") // the cleaned path
			w = (&house{}).do(r)
		}
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != c.code || p.Status != c.code || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d %v %s", c.method, c.path, w.Code, w.Header(), w.Body)
		}
	}
	if w := (&house{}).do(request("HEAD", "/healthz", "")); w.Code != 200 {
		t.Errorf("HEAD: %d", w.Code)
	}
}

func TestSecurityHeaders(t *testing.T) {
	for _, path := range []string{"/", "/console/console.css", "/healthz", "/v1/messages/i", "/nowhere"} {
		w := (&house{getErr: errors.New("x")}).do(request("GET", path, ""))
		h := w.Header()
		csp := h.Get("Content-Security-Policy")
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" || h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", path, h)
		}
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") {
			t.Errorf("%s: %s", path, csp)
		}
	}
}

// TestPageIsWhole: nothing is fetched from elsewhere, which a NOC may not reach.
func TestPageIsWhole(t *testing.T) {
	for _, path := range []string{"/", "/console/console.js", "/console/console.css"} {
		w := (&house{}).do(request("GET", path, ""))
		if w.Code != 200 || strings.Contains(w.Body.String(), "://") {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := (&house{}).do(request("GET", "/", "")); !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || !strings.Contains(w.Body.String(), "Bindery") {
		t.Errorf("%s %s", w.Header().Get("Content-Type"), w.Body)
	}
}

// TestHandle: what other packages hang in stands under the same checks.
func TestHandle(t *testing.T) {
	a := (&house{}).api()
	a.Handle("/v1/more", Methods{"GET": a.Admin(func(w http.ResponseWriter, _ *http.Request, who *ingress.Account) {
		writeJSON(w, 200, who.ID)
	})})
	for key, code := range map[string]int{"right": 403, "noc": 200, "wrong": 401} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, request("GET", "/v1/more", "", "Authorization", "Bearer "+key))
		if w.Code != code || w.Header().Get("X-Content-Type-Options") == "" {
			t.Errorf("%s: %d %s", key, w.Code, w.Body)
		}
	}
}

// TestPanicIsAnswered, and what it panicked with is neither told nor logged.
func TestPanicIsAnswered(t *testing.T) {
	h := &house{}
	a := h.api()
	a.Handle("/boom", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("+821012345678") }))
	w := httptest.NewRecorder()
	a.ServeHTTP(w, request("GET", "/boom", ""))
	if w.Code != 500 || !strings.Contains(h.log.String(), "panicked") || strings.Contains(w.Body.String()+h.log.String(), "8210") {
		t.Errorf("%d %s\n%s", w.Code, w.Body, h.log.String())
	}
}
