package api

import (
	"net/http"
	"time"
)

// Bounds of the listener: what a slow or hostile peer may hold.
const (
	HeaderTimeout = 5 * time.Second // from the connection, or the end of the request before, to a whole header
	ReadTimeout   = 30 * time.Second
	WriteTimeout  = 60 * time.Second // of one answer; a stream sets its own by http.ResponseController
	IdleTimeout   = 2 * time.Minute
	MaxHeader     = 16 << 10 // octets
)

// NewServer returns a server with those bounds. When it is shut down, the API's
// streams end.
func NewServer(h *API) *http.Server {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: HeaderTimeout,
		ReadTimeout:       ReadTimeout,
		WriteTimeout:      WriteTimeout,
		IdleTimeout:       IdleTimeout,
		MaxHeaderBytes:    MaxHeader,
	}
	srv.RegisterOnShutdown(h.Stop)
	return srv
}
