package api

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"bindery/gateway/ingress"
)

// methods routes one resource by method; another method is a 405 that says
// which there are.
type methods map[string]http.HandlerFunc

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if h, ok := m[method]; ok {
		h(w, r)
		return
	}
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	w.Header().Set("Allow", strings.Join(names, ", "))
	problem{Status: http.StatusMethodNotAllowed, Detail: "this resource takes " + strings.Join(names, ", ")}.write(w)
}

// account demands a key.
func (a *API) account(h func(http.ResponseWriter, *http.Request, *ingress.Account)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, ok := a.authenticate(r)
		if !ok {
			problem{Status: http.StatusUnauthorized, Detail: "a valid key is needed: Authorization: Bearer API_KEY"}.write(w)
			return
		}
		h(w, r, who)
	}
}

// open needs no key from loopback.
func (a *API) open(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if a.RequireKey || !local(r) {
			if _, ok := a.authenticate(r); !ok {
				problem{Status: http.StatusUnauthorized, Detail: "a valid key is needed: Authorization: Bearer API_KEY"}.write(w)
				return
			}
		}
		h(w, r)
	}
}

func (a *API) authenticate(r *http.Request) (*ingress.Account, bool) {
	scheme, key, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return nil, false
	}
	return a.Accounts.Authenticate(strings.TrimSpace(key))
}

// local: the request came from loopback, by no proxy, and for a loopback name
// (a page elsewhere that makes a browser here ask has another Host).
func local(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	for name := range r.Header {
		if name == "Forwarded" || name == "Via" || strings.HasPrefix(name, "X-Forwarded-") {
			return false
		}
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
