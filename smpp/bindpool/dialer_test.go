package bindpool_test

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
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
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
