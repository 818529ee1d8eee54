package api

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed console
var console embed.FS

// page serves the status page. Its files need no key from loopback; what they
// show comes from /metrics and /readyz under the rules of those.
func page() http.HandlerFunc {
	files, err := fs.Sub(console, "console")
	if err != nil {
		panic("api: the console is not embedded: " + err.Error())
	}
	serve := http.StripPrefix("/console/", http.FileServerFS(files))
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		if r.URL.Path == "/" {
			http.ServeFileFS(w, r, files, "index.html")
			return
		}
		serve.ServeHTTP(w, r)
	}
}
