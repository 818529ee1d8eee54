package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// dial is resolve, connect and tls.
func (a *attempt) dial(ctx context.Context, mode string) (net.Conn, bool) {
	host, _, err := net.SplitHostPort(a.Address)
	if !a.step("resolve", mode, func(s *Step) error {
		if err != nil {
			return err
		}
		return a.resolve(ctx, s, host)
	}) {
		return nil, false
	}
	var conn net.Conn
	if !a.step("connect", mode, func(s *Step) error {
		conn, err = a.connect(ctx, s)
		return err
	}) {
		return nil, false
	}
	if a.o.Link.TLS == nil {
		return conn, true
	}
	ok := a.step("tls", mode, func(s *Step) error {
		conn, err = a.secure(ctx, s, conn, host)
		return err
	})
	return conn, ok
}

func (a *attempt) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, a.o.Timeout)
}

func (a *attempt) resolve(ctx context.Context, s *Step, host string) error {
	if net.ParseIP(host) != nil {
		s.Detail = "a numerical address"
		return nil
	}
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	found, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return resolveFault(err, host)
	}
	s.Detail, s.Facts = strings.Join(found, " "), map[string]any{"found": found}
	return nil
}

func (a *attempt) connect(ctx context.Context, s *Step) (net.Conn, error) {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", a.Address)
	if err != nil {
		return nil, connectFault(err)
	}
	s.Detail = fmt.Sprintf("%s, from %s", conn.RemoteAddr(), conn.LocalAddr())
	s.Facts = map[string]any{"peer": conn.RemoteAddr().String(), "ours": conn.LocalAddr().String()}
	return conn, nil
}

func (a *attempt) secure(ctx context.Context, s *Step, conn net.Conn, host string) (net.Conn, error) {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	cfg := a.o.Link.TLS.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	secured := tls.Client(conn, cfg)
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		var unverified *tls.CertificateVerificationError
		if errors.As(err, &unverified) && len(unverified.UnverifiedCertificates) > 0 {
			describe(s, unverified.UnverifiedCertificates[0])
			s.Detail = err.Error() + "; " + s.Detail
		}
		return nil, tlsFault(err, cfg.ServerName)
	}
	state := secured.ConnectionState()
	describe(s, state.PeerCertificates[0])
	s.Facts["version"], s.Facts["cipher"] = tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite)
	s.Facts["verified"] = !cfg.InsecureSkipVerify
	s.Detail = tls.VersionName(state.Version) + ", " + s.Detail
	if cfg.InsecureSkipVerify {
		s.Note = "not verified, since tls.insecure is set; " + wouldVerify(&state, cfg)
	}
	return secured, nil
}

// soon is before its expiry that a certificate is worth a note.
const soon = 30 * 24 * time.Hour

func describe(s *Step, c *x509.Certificate) {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		names = []string{c.Subject.CommonName}
	}
	s.Facts = map[string]any{
		"names": names, "issuer": c.Issuer.String(), "subject": c.Subject.String(),
		"not_before": c.NotBefore.UTC().Format(time.RFC3339), "not_after": c.NotAfter.UTC().Format(time.RFC3339),
	}
	s.Detail = fmt.Sprintf("certificate for %s, until %s", strings.Join(names, " "), c.NotAfter.UTC().Format("2006-01-02"))
	if left := time.Until(c.NotAfter); left > 0 && left < soon {
		s.Note = fmt.Sprintf("the carrier's certificate expires in %d days", int(left.Hours()/24))
	}
}

func wouldVerify(state *tls.ConnectionState, cfg *tls.Config) string {
	o := x509.VerifyOptions{Roots: cfg.RootCAs, DNSName: cfg.ServerName, Intermediates: x509.NewCertPool()}
	for _, c := range state.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	if _, err := state.PeerCertificates[0].Verify(o); err != nil {
		return "it would fail: " + err.Error()
	}
	return "it would pass, so that setting can go"
}
