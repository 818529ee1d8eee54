package api

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"bindery/gateway/ingress"
)

// Methods routes one resource by method; another method is a 405 that says
// which there are.
type Methods map[string]http.HandlerFunc

func (m Methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, ok := m[r.Method]
	if !ok && r.Method == http.MethodHead {
		h, ok = m[http.MethodGet]
	}
	if ok {
		h(w, r)
		return
	}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	allowed := strings.Join(names, ", ")
	w.Header().Set("Allow", allowed)
	Problem{Status: http.StatusMethodNotAllowed, Detail: "this resource takes " + allowed}.Write(w)
}

// Account demands a key or a session.
func (a *API) Account(h func(http.ResponseWriter, *http.Request, *ingress.Account)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, p := a.authenticate(r)
		if p != nil {
			p.Write(w)
			return
		}
		if v.over != nil { // what is under way ends with the session
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			defer context.AfterFunc(v.over, cancel)()
			r = r.WithContext(ctx)
		}
		h(w, r, v.account)
	}
}

// Admin demands the key or a session of an account that is an admin.
func (a *API) Admin(h func(http.ResponseWriter, *http.Request, *ingress.Account)) http.HandlerFunc {
	return a.Account(func(w http.ResponseWriter, r *http.Request, who *ingress.Account) {
		if !who.Admin {
			Problem{Status: http.StatusForbidden, Detail: "this needs an account with admin: true"}.Write(w)
			return
		}
		h(w, r, who)
	})
}

// Open needs no key from loopback. It is for what only reads, and shows neither
// number nor text.
func (a *API) Open(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if p := a.mayRead(r); p != nil {
			p.Write(w)
			return
		}
		h(w, r)
	}
}

// mayRead is what stands against reading what is open.
func (a *API) mayRead(r *http.Request) *Problem {
	if !a.RequireKey && local(r) {
		return nil
	}
	_, p := a.authenticate(r)
	return p
}

// visitor is who asks, and until when: nil for a key.
type visitor struct {
	account *ingress.Account
	over    context.Context
}

// authenticate finds out who asks. A header Authorization decides alone;
// without one a session's cookie stands for the account's key, except that a
// request which changes something must come from a page of ours: a browser
// sends cookies also along with what other pages made it ask.
func (a *API) authenticate(r *http.Request) (visitor, *Problem) {
	if values := r.Header.Values("Authorization"); len(values) > 0 {
		who, ok := a.byKey(values)
		if !ok {
			return visitor{}, &unauthorized
		}
		return visitor{account: who}, nil
	}
	secret := secretOf(r)
	if secret == "" {
		return visitor{}, &unauthorized
	}
	if reads := r.Method == http.MethodGet || r.Method == http.MethodHead; !reads && !sameOrigin(r) {
		return visitor{}, &crossOrigin
	}
	s, ok := a.sessions.find(secret)
	if !ok {
		return visitor{}, &unauthorized
	}
	who, ok := a.accountOf(s.account)
	if !ok { // a reload took the account away
		a.sessions.close(secret)
		return visitor{}, &unauthorized
	}
	return visitor{account: who, over: s.over}, nil
}

func (a *API) byKey(values []string) (*ingress.Account, bool) {
	if len(values) != 1 {
		return nil, false
	}
	scheme, key, found := strings.Cut(values[0], " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return nil, false
	}
	return a.Accounts.Authenticate(strings.TrimSpace(key))
}

func (a *API) accountOf(id string) (*ingress.Account, bool) {
	if a.AccountOf == nil {
		return nil, false
	}
	return a.AccountOf(id)
}

// local: the request came from loopback, by no proxy, and for a loopback name
// (a page elsewhere that makes a browser here ask has another Host).
func local(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback() && !forwarded(r.Header) && isLoopbackName(r.Host)
}

func forwarded(h http.Header) bool {
	for name := range h {
		if name == "Forwarded" || name == "Via" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded-") {
			return true
		}
	}
	return false
}

func isLoopbackName(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
