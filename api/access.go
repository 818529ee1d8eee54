package api

import (
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

// Account demands a key.
func (a *API) Account(h func(http.ResponseWriter, *http.Request, *ingress.Account)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, ok := a.authenticate(r)
		if !ok {
			unauthorized.Write(w)
			return
		}
		h(w, r, who)
	}
}

// Admin demands the key of an account that is an admin.
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
		if a.RequireKey || !local(r) {
			if _, ok := a.authenticate(r); !ok {
				unauthorized.Write(w)
				return
			}
		}
		h(w, r)
	}
}

func (a *API) authenticate(r *http.Request) (*ingress.Account, bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return nil, false
	}
	scheme, key, found := strings.Cut(values[0], " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return nil, false
	}
	return a.Accounts.Authenticate(strings.TrimSpace(key))
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
