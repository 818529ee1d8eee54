package api

import (
	"embed"
	"net/http"
	"path"
	"strings"
)

//go:embed console
var console embed.FS

// home answers the status page, and a person who may not read it the page to
// log in.
func (a *API) home(w http.ResponseWriter, r *http.Request) {
	p := a.mayRead(r)
	switch {
	case p == nil:
		page(w, r)
	case strings.Contains(r.Header.Get("Accept"), "text/html"):
		writeLogin(w, p.Status, loginView{Note: noteNoKey})
	default:
		p.Write(w)
	}
}

// page serves the status page. Its files need no key from loopback; what they
// show comes from /metrics and /readyz under the rules of those.
func page(w http.ResponseWriter, r *http.Request) {
	name := path.Join("console", strings.TrimPrefix(r.URL.Path, "/console/"))
	if r.URL.Path == "/" || r.URL.Path == "/console/" {
		name = "console/index.html"
	}
	info, err := console.Open(name)
	if err != nil {
		notFound(w, r)
		return
	}
	defer info.Close()
	if stat, err := info.Stat(); err != nil || stat.IsDir() {
		notFound(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	http.ServeFileFS(w, r, console, name)
}
