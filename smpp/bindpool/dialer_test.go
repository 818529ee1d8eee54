package bindpool_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"bindery/smpp"
	"bindery/smpp/bindpool"
	"bindery/smpp/pdu"
)

// certified is a certificate for 127.0.0.1 and the pool that trusts it.
func certified(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	return certifiedUntil(t, time.Now().Add(time.Hour))
}

func certifiedUntil(t *testing.T, end time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: end,
		IsCA: true, BasicConstraintsValid: true,
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

// listening is an SMSC on loopback; it answers its address.
func listening(t *testing.T, cfg *tls.Config) string {
	t.Helper()
	var sessions sync.WaitGroup
	l, err := smpp.NewListener(smpp.ListenerConfig{TLS: cfg, Authorize: func(net.Addr, *pdu.Bind) (pdu.CommandStatus, smpp.Handler) {
		sessions.Add(1)
		return pdu.StatusOK, &closing{(*carrierSide)(newCarrier()), sessions.Done}
	}})
	if err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		l.Serve(socket)
	}()
	t.Cleanup(func() {
		l.Close()
		<-served
		sessions.Wait()
	})
	return socket.Addr().String()
}

type closing struct {
	*carrierSide
	closed func()
}

func (c *closing) Closed(*smpp.Session, error) { c.closed() }

func TestDialerVerifiesTLS(t *testing.T) {
	cert, trust := certified(t)
	address := listening(t, &tls.Config{Certificates: []tls.Certificate{cert}})
	d := &bindpool.Dialer{
		Addresses: []string{address}, TLS: &tls.Config{RootCAs: trust},
		Bind: pdu.Bind{Header: pdu.Header{ID: pdu.BindTransceiver}, SystemID: []byte("bindery")},
	}
	h := (*carrierSide)(newCarrier())
	s, err := d.Open(context.Background(), h)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Unbind(context.Background()); err != nil {
		t.Error(err)
	}
	for name, wrong := range map[string]*tls.Config{
		"another authority": {RootCAs: x509.NewCertPool()},
		"another name":      {RootCAs: trust, ServerName: "smsc.example"},
	} {
		d := &bindpool.Dialer{Addresses: []string{address}, TLS: wrong, Bind: d.Bind}
		if _, err := d.Open(context.Background(), h); err == nil || !strings.Contains(err.Error(), address+": tls: ") {
			t.Errorf("%s: %v, want a TLS error that names the address", name, err)
		}
	}
	plain := &bindpool.Dialer{Addresses: []string{address}, Bind: d.Bind}
	if _, err := plain.Open(context.Background(), h); err == nil {
		t.Error("bound without TLS")
	}
}

func TestDialerStopsWithItsContext(t *testing.T) {
	d := &bindpool.Dialer{
		Addresses: []string{"smsc:1"}, Timeout: time.Nanosecond,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	}
	if _, err := d.Open(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "smsc:1: ") {
		t.Errorf("open: %v", err)
	}
}

// A certificate that is over is no certificate, and the next address is tried;
// with InsecureSkipVerify it is taken.
func TestDialerAndExpiredCertificate(t *testing.T) {
	over, trustOver := certifiedUntil(t, time.Now().Add(-time.Hour))
	good, trust := certified(t)
	trust = both(t, trust, good, over)
	first, second := listening(t, &tls.Config{Certificates: []tls.Certificate{over}}), listening(t, &tls.Config{Certificates: []tls.Certificate{good}})
	d := &bindpool.Dialer{
		Addresses: []string{first, second}, TLS: &tls.Config{RootCAs: trust},
		Bind: pdu.Bind{Header: pdu.Header{ID: pdu.BindTransceiver}, SystemID: []byte("bindery")},
	}
	h := (*carrierSide)(newCarrier())
	if _, err := d.Open(context.Background(), h); err == nil || !strings.Contains(err.Error(), first+": tls: ") || !strings.Contains(err.Error(), "expired") {
		t.Errorf("expired: %v", err)
	}
	for _, d := range []*bindpool.Dialer{d, {Addresses: []string{first}, TLS: &tls.Config{RootCAs: trustOver, InsecureSkipVerify: true}, Bind: d.Bind}} {
		s, err := d.Open(context.Background(), h)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Unbind(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// both adds certificates to a pool.
func both(t *testing.T, pool *x509.CertPool, certs ...tls.Certificate) *x509.CertPool {
	t.Helper()
	for _, c := range certs {
		parsed, err := x509.ParseCertificate(c.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		pool.AddCert(parsed)
	}
	return pool
}

// A carrier that wants a certificate of ours gets it, and lets nobody in without.
func TestDialerShowsItsCertificate(t *testing.T) {
	theirs, trust := certified(t)
	ours, known := certified(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		address := listening(t, &tls.Config{
			Certificates: []tls.Certificate{theirs}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: known, MaxVersion: version,
		})
		bind := pdu.Bind{Header: pdu.Header{ID: pdu.BindTransceiver}, SystemID: []byte("bindery")}
		h := (*carrierSide)(newCarrier())
		without := &bindpool.Dialer{Addresses: []string{address}, TLS: &tls.Config{RootCAs: trust}, Bind: bind}
		if _, err := without.Open(context.Background(), h); err == nil || !strings.Contains(err.Error(), "remote error: tls") {
			t.Errorf("%s, without ours: %v", tls.VersionName(version), err)
		}
		with := &bindpool.Dialer{Addresses: []string{address}, TLS: &tls.Config{RootCAs: trust, Certificates: []tls.Certificate{ours}}, Bind: bind}
		s, err := with.Open(context.Background(), h)
		if err != nil {
			t.Fatalf("%s: %v", tls.VersionName(version), err)
		}
		if err := s.Unbind(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// A peer that takes the connection and shakes no hands is given up in time.
func TestDialerGivesUpOnAHandshake(t *testing.T) {
	socket, err := net.Listen("tcp", "127.0.0.1:0") // its backlog connects, nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	d := &bindpool.Dialer{Addresses: []string{socket.Addr().String()}, TLS: &tls.Config{}, Timeout: 100 * time.Millisecond}
	if _, err := d.Open(context.Background(), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("open: %v", err)
	}
}

// Without a ServerName each address is verified by its own host.
func TestDialerVerifiesEachHost(t *testing.T) {
	cert, trust := certified(t) // for 127.0.0.1 alone
	address := listening(t, &tls.Config{Certificates: []tls.Certificate{cert}})
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	d := &bindpool.Dialer{
		Addresses: []string{"localhost:" + port, address}, TLS: &tls.Config{RootCAs: trust},
		Bind: pdu.Bind{Header: pdu.Header{ID: pdu.BindTransceiver}, SystemID: []byte("bindery")},
	}
	h := (*carrierSide)(newCarrier())
	if _, err := d.Open(context.Background(), h); !errors.As(err, new(x509.HostnameError)) {
		t.Errorf("localhost: %v, want an error about the name", err)
	}
	s, err := d.Open(context.Background(), h)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Unbind(context.Background()); err != nil {
		t.Error(err)
	}
}
