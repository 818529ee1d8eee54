package probe

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"bindery/smpp/smsctest"
)

func TestTLS(t *testing.T) {
	const bound = "resolve connect tls bind enquire_link unbind"
	expired := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }
	for _, c := range []struct {
		name string
		cert func(*x509.Certificate)
		ours func(*tls.Config)
		want string
		note string
	}{
		{name: "verified by the address", want: bound},
		{name: "verified by server_name", ours: func(c *tls.Config) { c.ServerName = "smsc.example" }, want: bound},
		{name: "soon to expire", cert: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(73 * time.Hour) }, want: bound, note: "expires in 3 days"},
		{name: "another name", ours: func(c *tls.Config) { c.ServerName = "smsc.elsewhere" }, want: "resolve connect tls/tls-name"},
		{name: "expired", cert: expired, want: "resolve connect tls/tls-expired"},
		{name: "not valid yet", cert: func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }, want: "resolve connect tls/tls-expired"},
		{name: "self-signed", ours: func(c *tls.Config) { c.RootCAs = x509.NewCertPool() }, want: "resolve connect tls/tls-authority"},
		{name: "insecure and wrong", cert: expired, ours: func(c *tls.Config) { c.InsecureSkipVerify = true }, want: bound, note: "it would fail"},
		{name: "insecure for nothing", ours: func(c *tls.Config) { c.InsecureSkipVerify = true }, want: bound, note: "it would pass"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bothDrivers(t, func(t *testing.T, driver string) {
				cert, trust := certificate(t, c.cert)
				s := listening(t, smsctest.Options{}, &tls.Config{Certificates: []tls.Certificate{cert}})
				o := options(t, s.Addr(), nil)
				o.Driver, o.Link.TLS = driver, &tls.Config{RootCAs: trust}
				if c.ours != nil {
					c.ours(o.Link.TLS)
				}
				r := probed(t, o)
				if got := outcome(r.Addresses[0]); got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
				step := find(t, r.Addresses[0], "tls")
				names, _ := step.Facts["names"].([]string)
				if strings.Join(names, " ") != "smsc.example 127.0.0.1" || step.Facts["not_after"] == "" || !strings.Contains(step.Detail, "certificate for smsc.example") {
					t.Errorf("the certificate is not described: %q %v", step.Detail, step.Facts)
				}
				if !strings.Contains(step.Note, c.note) || c.note == "" && step.Note != "" {
					t.Errorf("note %q, want %q", step.Note, c.note)
				}
			})
		})
	}
}

// TestClientCertificate: a carrier that asks for one refuses, by TLS 1.3, only
// once we speak.
func TestClientCertificate(t *testing.T) {
	for version, want := range map[uint16]string{
		tls.VersionTLS12: "resolve connect tls/tls-alert", // a bare handshake_failure (RFC 5246 §7.4.6)
		tls.VersionTLS13: "resolve connect tls bind/tls-client-certificate",
	} {
		bothDrivers(t, func(t *testing.T, driver string) {
			cert, trust := certificate(t, nil)
			ours, theirs := certificate(t, nil)
			s := listening(t, smsctest.Options{}, &tls.Config{
				Certificates: []tls.Certificate{cert}, MaxVersion: version, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: theirs,
			})
			o := options(t, s.Addr(), nil)
			o.Driver, o.Link.TLS = driver, &tls.Config{RootCAs: trust}
			r := probed(t, o)
			if got := outcome(r.Addresses[0]); got != want {
				t.Errorf("without one: %s, want %s", got, want)
			}
			if last := r.Addresses[0].Steps[len(r.Addresses[0].Steps)-1]; last.Fault != nil && !strings.Contains(last.Next, "tls.cert") {
				t.Errorf("what to do: %s", last.Next)
			}
			o.Link.TLS.Certificates = []tls.Certificate{ours}
			if got := outcome(probed(t, o).Addresses[0]); got != "resolve connect tls bind enquire_link unbind" {
				t.Errorf("with ours: %s", got)
			}
		})
	}
}

// TestTLSAgainstPlain: the carrier's port is a plain one.
func TestTLSAgainstPlain(t *testing.T) {
	o := options(t, says(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), nil)
	o.Link.TLS = &tls.Config{}
	if got := outcome(probed(t, o).Addresses[0]); got != "resolve connect tls/tls-plain" {
		t.Error(got)
	}
	o.Addresses = []string{says(t, "")}
	if got := outcome(probed(t, o).Addresses[0]); got != "resolve connect tls/tls-closed" {
		t.Error(got)
	}
	// An SMSC takes the first octets of a handshake for a long PDU and waits.
	s := listening(t, smsctest.Options{}, nil)
	o.Addresses, o.Timeout = []string{s.Addr()}, 300*time.Millisecond
	if got := outcome(probed(t, o).Addresses[0]); got != "resolve connect tls/tls-timeout" && got != "resolve connect tls/tls-plain" && got != "resolve connect tls/tls-closed" {
		t.Error(got)
	}
}
