package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bindery/internal/redistest"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

// keyPair is a certificate, its own authority, for smsc.example and its files.
type keyPair struct {
	cert      tls.Certificate
	trust     *x509.CertPool
	pem, keys string // files
}

func newKeyPair(t *testing.T) keyPair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"smsc.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	k := keyPair{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, x509.NewCertPool(), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	k.trust.AddCert(parsed)
	for file, block := range map[string]*pem.Block{k.pem: {Type: "CERTIFICATE", Bytes: der}, k.keys: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// secureCarrier is an SMSC behind TLS that wants a certificate of ours.
func secureCarrier(t *testing.T, theirs, ours keyPair, o smsctest.Options) *smsctest.SMSC {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := smsctest.New(o)
	if err := s.Serve(tls.NewListener(l, &tls.Config{
		Certificates: []tls.Certificate{theirs.cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ours.trust,
	})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestCarrierLinks: messages go out and receipts come back over TLS with
// certificates of both sides, over pairs, past a dead first address, and over
// all of that at once.
func TestCarrierLinks(t *testing.T) {
	theirs, ours := newKeyPair(t), newKeyPair(t)
	secure := fmt.Sprintf("tls: {ca: %q, cert: %q, key: %q}", theirs.pem, ours.pem, ours.keys)
	const pair = "bind: transmitter+receiver"
	for _, c := range []struct {
		name  string
		extra []string
		dead  bool
	}{
		{"TLS", []string{secure}, false},
		{"TLS by server_name", []string{strings.Replace(secure, "{", "{server_name: smsc.example, ", 1)}, false},
		{"pair", []string{pair}, false},
		{"dead first address", nil, true},
		{"all of it", []string{secure, pair}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := smsctest.Options{SystemID: "bindery", Password: "secret", MaxBinds: 4, Receipts: smsctest.Receipts{When: smsctest.After, Delay: smsctest.Fixed(20 * time.Millisecond)}}
			var s *smsctest.SMSC
			if strings.Contains(strings.Join(c.extra, ""), "tls") {
				s = secureCarrier(t, theirs, ours, o)
			} else {
				s = smsctest.New(o)
				if err := s.Listen("127.0.0.1:0"); err != nil {
					t.Fatal(err)
				}
				defer s.Close()
			}
			modes := countModes(s)
			rs := redistest.Start(t)
			text := configFor(rs.URL(), s.Addr(), strings.Join(c.extra, "\n    "))
			if c.dead {
				text = strings.Replace(text, fmt.Sprintf("address: %q", s.Addr()), fmt.Sprintf("addresses: [%q, %q]", closedPort(t), s.Addr()), 1)
			}
			p := serve(t, text)
			p.ready()
			p.bound(2)
			list := []string{"plain", "안녕하세요 인증번호", strings.Repeat("long ", 80)}
			deliveredOnce(t, p, rs.Client(t), sendAll(p, list))
			asSent(t, s, list)
			if code := p.terminate(); code != 0 {
				t.Errorf("SIGTERM: exit code %d", code)
			}
			halves := c.name == "pair" || c.name == "all of it"
			for id, n := range modes() {
				if (id == pdu.BindTransceiver) == halves || n != 2 {
					t.Errorf("%d binds as %v", n, id)
				}
			}
		})
	}
}

// countModes counts the binds by their kind.
func countModes(s *smsctest.SMSC) func() map[pdu.CommandID]int {
	seen := make(chan pdu.CommandID, 100)
	for _, id := range []pdu.CommandID{pdu.BindTransceiver, pdu.BindTransmitter, pdu.BindReceiver} {
		s.On(id, func(*smsctest.Conn, pdu.PDU) smsctest.Action {
			seen <- id
			return smsctest.Pass()
		})
	}
	return func() map[pdu.CommandID]int {
		m := map[pdu.CommandID]int{}
		for len(seen) > 0 {
			m[<-seen]++
		}
		return m
	}
}

// TestPairLosesAHalf: each half of each pair is lost once while messages go out;
// none is lost, the pairs come back whole, and no receipt is missing.
func TestPairLosesAHalf(t *testing.T) {
	s := smsctest.New(smsctest.Options{SystemID: "bindery", Password: "secret", MaxBinds: 4,
		Receipts: smsctest.Receipts{When: smsctest.After, Delay: smsctest.Span{Max: 200 * time.Millisecond}, Bind: smsctest.AnyBind}})
	if err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rs := redistest.Start(t)
	p := serve(t, configFor(rs.URL(), s.Addr(), "bind: transmitter+receiver"))
	p.ready()
	p.bound(2)
	ids := map[string]string{}
	for round, mode := range []pdu.CommandID{pdu.BindReceiver, pdu.BindTransmitter} {
		for i := range 40 {
			text := fmt.Sprintf("message %d of round %d", i, round)
			ids[p.send(number(round*100+i), text)] = text
			if i == 20 {
				for _, c := range s.Conns() {
					if c.Mode() == mode {
						c.Close()
					}
				}
			}
		}
		p.until("the pairs are whole again", func() bool {
			n := map[pdu.CommandID]int{}
			for _, c := range s.Conns() {
				n[c.Mode()]++
			}
			return n[pdu.BindReceiver] == 2 && n[pdu.BindTransmitter] == 2
		})
	}
	c := rs.Client(t)
	p.until("every message has its final", func() bool { return countFinals(byStatus(stream(t, c, "acme"))) >= len(ids) })
	for id, statuses := range byStatus(stream(t, c, "acme")) {
		if n := countFinals(map[string][]string{id: statuses}); n != 1 || ids[id] == "" {
			t.Errorf("%s went %s", id, strings.Join(statuses, " "))
		}
	}
	if code := p.terminate(); code != 0 {
		t.Errorf("SIGTERM: exit code %d", code)
	}
}

// TestCarrierIsNotWhoItSays: with another authority, or under another name, the
// gateway does not bind and says why; messages wait.
func TestCarrierIsNotWhoItSays(t *testing.T) {
	theirs, ours := newKeyPair(t), newKeyPair(t)
	for name, c := range map[string]struct{ setting, says string }{
		"another authority": {fmt.Sprintf("tls: {ca: %q, cert: %q, key: %q}", ours.pem, ours.pem, ours.keys), "unknown authority"},
		"another name":      {fmt.Sprintf("tls: {ca: %q, cert: %q, key: %q, server_name: smsc.elsewhere}", theirs.pem, ours.pem, ours.keys), "smsc.elsewhere"},
		"without ours":      {fmt.Sprintf("tls: {ca: %q}", theirs.pem), "certificate required"},
		"without TLS":       {"", "read the answer to bind_transceiver"},
	} {
		t.Run(name, func(t *testing.T) {
			s := secureCarrier(t, theirs, ours, smsctest.Options{SystemID: "bindery", Password: "secret"})
			rs := redistest.Start(t)
			p := serve(t, configFor(rs.URL(), s.Addr(), c.setting))
			p.ready()
			id := p.send(number(1), "hello")
			p.until("the gateway says why", func() bool { return strings.Contains(p.said(), c.says) })
			if a := p.do("GET", "/v1/messages/"+id, key, ""); !strings.Contains(string(a.body), `"queued"`) || s.Stats().Binds != 0 {
				t.Errorf("%d binds, message: %s", s.Stats().Binds, a.body)
			}
			if strings.Contains(p.said(), "secret") {
				t.Error("the log has the password")
			}
		})
	}
}
