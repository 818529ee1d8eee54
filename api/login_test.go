package api

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bindery/gateway/ingress"
)

// consoleHouse is a house with a console: its API stays the same over requests.
type consoleHouse struct {
	*house
	a *API
}

func newConsole() consoleHouse {
	h := &house{carriers: []Carrier{{ID: "alpha", State: "up"}}}
	return consoleHouse{h, h.api()}
}

func (c consoleHouse) ask(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	c.a.ServeHTTP(w, r)
	return w
}

// visit is a request without a key, from anywhere.
func visit(method, target string, form url.Values, header ...string) *http.Request {
	r := request(method, target, form.Encode(), append([]string{"Authorization", ""}, header...)...)
	r.RemoteAddr, r.Host = "10.1.2.3:1", "gw.example"
	if method == http.MethodPost && form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// token is that of a fresh link.
func (c consoleHouse) token(t *testing.T, account string) string {
	t.Helper()
	link, err := c.a.LoginLink(account)
	token, found := strings.CutPrefix(link, "/login?token=")
	if err != nil || !found || len(token) < 26 {
		t.Fatalf("%q %v", link, err)
	}
	return token
}

// session logs in and answers the cookie.
func (c consoleHouse) session(t *testing.T, form url.Values) *http.Cookie {
	t.Helper()
	w := c.ask(visit("POST", "/login", form))
	cookies := w.Result().Cookies()
	if w.Code != 303 || w.Header().Get("Location") != "/" || len(cookies) != 1 {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	return cookies[0]
}

func with(r *http.Request, c *http.Cookie) *http.Request {
	r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	return r
}

// TestLoginLinkWorksOnce: reading it uses nothing up, whoever reads; the form of
// the page does.
func TestLoginLinkWorksOnce(t *testing.T) {
	c := newConsole()
	token := c.token(t, "noc")
	page := ""
	for _, method := range []string{"HEAD", "GET", "HEAD", "GET"} {
		w := c.ask(visit(method, "/login?token="+token, nil))
		if page = w.Body.String(); w.Code != 200 || len(w.Result().Cookies()) > 0 || w.Header().Get("Referrer-Policy") != "no-referrer" || w.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("%s: %d %v", method, w.Code, w.Header())
		}
	}
	field := regexp.MustCompile(`name="token" value="([^"]*)"`).FindStringSubmatch(page)
	if field == nil || field[1] != token || !strings.Contains(page, `method="post" action="/login"`) {
		t.Fatal(page)
	}
	got := c.session(t, url.Values{"token": {token}})
	if !got.HttpOnly || got.SameSite != http.SameSiteStrictMode || got.Path != "/" || got.Secure || got.Domain != "" || got.Name != "bindery_session" || len(got.Value) < 26 {
		t.Errorf("%+v", got)
	}
	if w := c.ask(with(visit("GET", "/v1/carriers", nil), got)); w.Code != 200 || !strings.Contains(w.Body.String(), "alpha") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, r := range []*http.Request{visit("GET", "/login?token="+token, nil), visit("POST", "/login", url.Values{"token": {token}}), visit("GET", "/login?token=wrong", nil)} {
		w := c.ask(r)
		if w.Code != 410 || !strings.Contains(w.Body.String(), "Ask for a new one") || len(w.Result().Cookies()) > 0 || strings.Contains(w.Body.String(), token) {
			t.Errorf("%s %s: %d %s", r.Method, r.URL, w.Code, w.Body)
		}
	}
	if log := c.log.String(); strings.Contains(log, token) || strings.Contains(log, got.Value) || !strings.Contains(log, `"account":"noc"`) {
		t.Error(log)
	}
	if _, err := c.a.LoginLink("nobody"); err == nil {
		t.Error("a link for an account that is not there")
	}
}

// TestLoginPageIsWhole: what the policy forbids is not on it.
func TestLoginPageIsWhole(t *testing.T) {
	c := newConsole()
	w := c.ask(visit("GET", "/login?token="+c.token(t, "noc"), nil))
	policy, page := w.Header().Get("Content-Security-Policy"), w.Body.String()
	for _, tag := range []string{"style", "script"} {
		inside := regexp.MustCompile(`(?s)<` + tag + `>(.*?)</` + tag + `>`).FindStringSubmatch(page)
		if inside == nil || !strings.Contains(policy, tag+"-src '"+sourceHash(inside[1])+"'") {
			t.Errorf("%s: %q, policy %s", tag, inside, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || regexp.MustCompile(`\son\w+=|\sstyle=|src=|://`).MatchString(page) {
		t.Errorf("%s\n%s", policy, page)
	}
}

func TestLoginByKey(t *testing.T) {
	c := newConsole()
	got := c.session(t, url.Values{"key": {" noc\n"}})
	if w := c.ask(with(visit("GET", "/v1/queues", nil), got)); w.Code != 200 {
		t.Errorf("%d", w.Code)
	}
	for _, form := range []url.Values{{"key": {"wrong"}}, {"key": {""}}, {}} {
		if w := c.ask(visit("POST", "/login", form)); w.Code != 401 || len(w.Result().Cookies()) > 0 || w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%v: %d", form, w.Code)
		}
	}
	if w := c.ask(visit("POST", "/login", url.Values{"key": {strings.Repeat("x", 8<<10)}})); w.Code != 400 {
		t.Errorf("a large form: %d", w.Code)
	}
	if w := c.ask(visit("POST", "/login?key=noc", url.Values{})); w.Code != 401 {
		t.Errorf("a key in the address: %d", w.Code)
	}
	if w := c.ask(visit("GET", "/", nil, "Accept", "text/html,*/*;q=0.8")); w.Code != 401 || !strings.Contains(w.Body.String(), `name="key"`) {
		t.Errorf("a person is asked for a key: %d %s", w.Code, w.Body)
	}
}

// TestSessionStandsForTheAccount, whose rights are those of now.
func TestSessionStandsForTheAccount(t *testing.T) {
	c := newConsole()
	acme, noc := c.session(t, url.Values{"key": {"right"}}), c.session(t, url.Values{"key": {"noc"}})
	for _, x := range []struct {
		cookie *http.Cookie
		path   string
		header []string
		code   int
	}{
		{acme, "/v1/account", nil, 200}, {acme, "/v1/carriers", nil, 403}, {noc, "/v1/carriers", nil, 200}, {noc, "/metrics", nil, 200}, {noc, "/", nil, 200},
		{noc, "/v1/carriers", []string{"Authorization", "Bearer wrong"}, 401}, // the header decides alone
		{noc, "/v1/carriers", []string{"Authorization", "Bearer right"}, 403},
		{&http.Cookie{Name: noc.Name, Value: "wrong"}, "/v1/account", nil, 401}, {&http.Cookie{Name: noc.Name}, "/v1/account", nil, 401},
		{&http.Cookie{Name: "__Host-" + noc.Name, Value: noc.Value}, "/v1/account", nil, 401},
	} {
		if w := c.ask(with(visit("GET", x.path, nil, x.header...), x.cookie)); w.Code != x.code {
			t.Errorf("%s %v: %d, want %d", x.path, x.header, w.Code, x.code)
		}
	}
	c.a.AccountOf = func(string) (*ingress.Account, bool) { return nil, false } // a reload took them away
	if w := c.ask(with(visit("GET", "/v1/account", nil), noc)); w.Code != 401 {
		t.Errorf("%d", w.Code)
	}
}

// TestSessionChangesFromOwnPagesOnly (CSRF).
func TestSessionChangesFromOwnPagesOnly(t *testing.T) {
	c := newConsole()
	in := c.session(t, url.Values{"token": {c.token(t, "noc")}})
	for _, x := range []struct {
		header []string
		code   int
	}{
		{[]string{"Sec-Fetch-Site", "same-origin"}, 200}, {[]string{"Origin", "http://gw.example"}, 200}, {[]string{"Origin", "https://GW.example"}, 200},
		{nil, 403}, {[]string{"Sec-Fetch-Site", "cross-site"}, 403}, {[]string{"Sec-Fetch-Site", "same-site"}, 403}, {[]string{"Sec-Fetch-Site", "none"}, 403},
		{[]string{"Origin", "null"}, 403}, {[]string{"Origin", "http://gw.example:81"}, 403}, {[]string{"Origin", "http://evil.example"}, 403}, {[]string{"Origin", "gw.example"}, 403},
		{[]string{"Sec-Fetch-Site", "cross-site", "Origin", "http://gw.example"}, 403},
		{[]string{"Sec-Fetch-Site", "cross-site", "Authorization", "Bearer noc"}, 200}, // with a key nothing changes
	} {
		c.pauses = nil
		w := c.ask(with(visit("POST", "/v1/carriers/alpha/pause", nil, x.header...), in))
		if w.Code != x.code || (x.code == 200) != (len(c.pauses) == 1) {
			t.Errorf("%v: %d, want %d; %v", x.header, w.Code, x.code, c.pauses)
		}
		if x.code != 200 {
			if w := c.ask(with(visit("POST", "/logout", nil, x.header...), in)); w.Code != 403 {
				t.Errorf("logout, %v: %d", x.header, w.Code)
			}
		}
	}
	for header, code := range map[string]int{"": 303, "Sec-Fetch-Site: same-origin": 303, "Origin: null": 303, "Sec-Fetch-Site: cross-site": 403, "Origin: http://evil.example": 403} {
		name, value, _ := strings.Cut(header, ": ")
		r := visit("POST", "/login", url.Values{"key": {"noc"}})
		if name != "" {
			r.Header.Set(name, value)
		}
		if w := c.ask(r); w.Code != code {
			t.Errorf("login, %q: %d, want %d", header, w.Code, code)
		}
	}
}

func TestLogout(t *testing.T) {
	c := newConsole()
	in := c.session(t, url.Values{"key": {"noc"}})
	began := make(chan context.Context, 1)
	c.a.Handle("/long", Methods{"GET": c.a.Account(func(_ http.ResponseWriter, r *http.Request, _ *ingress.Account) {
		began <- r.Context()
		<-r.Context().Done()
	})})
	ended := make(chan struct{})
	go func() {
		c.ask(with(visit("GET", "/long", nil), in))
		close(ended)
	}()
	<-began
	w := c.ask(with(visit("POST", "/logout", nil, "Sec-Fetch-Site", "same-origin"), in))
	if cookies := w.Result().Cookies(); w.Code != 204 || len(cookies) != 1 || cookies[0].MaxAge >= 0 || cookies[0].Value != "" {
		t.Errorf("%d %v", w.Code, cookies)
	}
	select {
	case <-ended: // what was under way ends with the session
	case <-time.After(10 * time.Second):
		t.Error("a stream outlives its session")
	}
	if w := c.ask(with(visit("GET", "/v1/account", nil), in)); w.Code != 401 {
		t.Errorf("%d", w.Code)
	}
	if w := c.ask(visit("POST", "/logout", nil)); w.Code != 204 {
		t.Errorf("without a session: %d", w.Code)
	}
}

// TestLoginOverTLS: the cookie never leaves by plain HTTP.
func TestLoginOverTLS(t *testing.T) {
	c := newConsole()
	r := visit("POST", "/login", url.Values{"key": {"noc"}})
	r.TLS = &tls.ConnectionState{}
	got := c.ask(r).Result().Cookies()
	if len(got) != 1 || got[0].Name != "__Host-bindery_session" || !got[0].Secure || got[0].Path != "/" || got[0].Domain != "" {
		t.Fatalf("%+v", got)
	}
	r = with(visit("GET", "/v1/account", nil), got[0])
	if r.TLS = (&tls.ConnectionState{}); c.ask(r).Code != 200 {
		t.Error("no session")
	}
}

// TestLoginAgainEndsTheSessionBefore.
func TestLoginAgainEndsTheSessionBefore(t *testing.T) {
	c := newConsole()
	before := c.session(t, url.Values{"key": {"right"}})
	if w := c.ask(with(visit("POST", "/login", url.Values{"key": {"noc"}}), before)); w.Code != 303 {
		t.Fatal(w.Code)
	}
	if w := c.ask(with(visit("GET", "/v1/account", nil), before)); w.Code != 401 {
		t.Errorf("%d", w.Code)
	}
}

func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		old, fresh := s.offer("a"), ""
		time.Sleep(linkLife - time.Second)
		if fresh = s.offer("a"); !s.offered(old) {
			t.Error("a link ends too early")
		}
		time.Sleep(time.Second)
		if _, ok := s.redeem(old); ok || s.offered(old) {
			t.Error("a link outlives its time")
		}
		if account, ok := s.redeem(fresh); !ok || account != "a" {
			t.Error("the other link")
		}
		busy, idle := s.begin("a"), s.begin("a")
		x, _ := s.find(idle)
		for range 3 {
			time.Sleep(sessionIdle / 2)
			if _, ok := s.find(busy); !ok {
				t.Fatal("a session that asks ends")
			}
		}
		if _, ok := s.find(idle); ok || x.over.Err() == nil {
			t.Error("an idle session goes on")
		}
	})
}

func TestSessionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		first := s.offer("a")
		for range maxLinks {
			time.Sleep(time.Millisecond)
			s.offer("a")
		}
		if len(s.links) != maxLinks || s.offered(first) {
			t.Errorf("%d links", len(s.links))
		}
		others := s.begin("b")
		mine := s.begin("a")
		for range maxSessions {
			time.Sleep(time.Millisecond)
			s.begin("a")
		}
		if n := len(s.open); n != maxSessions/sessionShare+1 {
			t.Errorf("%d sessions", n)
		}
		if _, ok := s.find(mine); ok {
			t.Error("the oldest stays")
		}
		if _, ok := s.find(others); !ok {
			t.Error("one account's logins end another's")
		}
		for i := range 2 * maxSessions {
			s.begin(string(rune('a' + i%20)))
		}
		if n := len(s.open); n != maxSessions {
			t.Errorf("%d sessions", n)
		}
	})
}
