package gateway

import (
	"crypto/tls"
	"fmt"
	"sync"
)

// ownCertificate is what we show a carrier that asks for one. Its files are read
// at every handshake, so that a renewed one is used from the next connection on;
// while they cannot be read (half written, or gone) the last one serves.
type ownCertificate struct {
	cert, key string // files

	mu   sync.Mutex // guards last
	last *tls.Certificate
}

// newOwnCertificate answers an error when there is none to begin with.
func newOwnCertificate(cert, key string) (*ownCertificate, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("tls.cert: %w", err)
	}
	return &ownCertificate{cert: cert, key: key, last: &pair}, nil
}

// show is a tls.Config's GetClientCertificate.
func (o *ownCertificate) show(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(o.cert, o.key)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		o.last = &pair
	}
	return o.last, nil
}
