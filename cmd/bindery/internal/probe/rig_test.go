package probe

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"bindery/config"
	"bindery/gateway"
	"bindery/smpp/smsctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// carrierFor is a carrier of a configuration file, with its defaults.
func carrierFor(t *testing.T, change func(*config.Carrier)) config.Carrier {
	t.Helper()
	cfg, err := config.Parse("bindery.yaml", []byte(`
accounts: [{id: acme, api_key: "0123456789abcdef0123456789"}]
carriers: [{id: alpha, address: "127.0.0.1:1", system_id: bindery, password: secret}]
routes: [{id: all, carriers: [alpha]}]
`), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&cfg.Carriers[0])
	}
	return cfg.Carriers[0]
}

// options are those of a probe of one address by both drivers.
func options(t *testing.T, address string, change func(*config.Carrier)) Options {
	t.Helper()
	l, err := gateway.LinkTo(carrierFor(t, change))
	if err != nil {
		t.Fatal(err)
	}
	return Options{Carrier: "alpha", Link: l, Driver: "native", Addresses: []string{address}, Timeout: 10 * time.Second, Wait: 10 * time.Second, Text: "hello"}
}

// probed runs a probe and holds what is always true.
func probed(t *testing.T, o Options) Report {
	t.Helper()
	var seen strings.Builder
	o.PDU = func(f Frame) { seen.WriteString(Hex(f) + "\n") } // one connection at a time speaks in these tests
	if len(o.Link.Binds) > 1 {
		o.PDU = nil
	}
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(seen.String(), " 73 65 63 72 65 74") {
		t.Errorf("the password was shown:\n%s", seen.String())
	}
	for _, a := range r.Addresses {
		for _, s := range a.Steps {
			if s.OK != (s.Fault == nil) || !s.OK && (s.Kind == "" || s.Means == "" || s.Next == "" || s.Detail == "") {
				t.Errorf("step %+v: %+v", s, s.Fault)
			}
		}
	}
	return r
}

// outcome is "step" of each good step and "step/kind" of each that failed.
func outcome(a Attempt) string {
	words := make([]string, len(a.Steps))
	for i, s := range a.Steps {
		words[i] = s.Name
		if s.Bind != "transceiver" {
			words[i] += ":" + s.Bind
		}
		if s.Fault != nil {
			words[i] += "/" + s.Kind
		}
	}
	return strings.Join(words, " ")
}

func find(t *testing.T, a Attempt, name string) Step {
	t.Helper()
	for _, s := range a.Steps {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no step %s in %s", name, outcome(a))
	return Step{}
}

// bothDrivers runs a subtest by each driver.
func bothDrivers(t *testing.T, f func(t *testing.T, driver string)) {
	for _, d := range Drivers {
		t.Run(d, func(t *testing.T) { f(t, d) })
	}
}

// listening is an SMSC on loopback, behind TLS when secure is not nil.
func listening(t *testing.T, o smsctest.Options, secure *tls.Config) *smsctest.SMSC {
	t.Helper()
	o.SystemID, o.Password = "bindery", "secret"
	s := smsctest.New(o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	if err := s.Serve(l); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// says is a server that answers whatever comes with these octets and closes.
func says(t *testing.T, octets string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Read(make([]byte, 512))
			conn.Write([]byte(octets))
			conn.(*net.TCPConn).CloseWrite()
			conn.Read(make([]byte, 512)) // until the probe closes
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// dead is an address of this machine where nothing listens.
func dead(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return l.Addr().String()
}

// certificate is one for 127.0.0.1, or as change makes it, and the pool that
// trusts it.
func certificate(t *testing.T, change func(*x509.Certificate)) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"smsc.example"},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trust := x509.NewCertPool()
	trust.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, trust
}
