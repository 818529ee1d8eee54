package gateway

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bindery/config"
)

// writeCertificate writes a new one to the files and answers it.
func writeCertificate(t *testing.T, cert, key string) []byte {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"bindery"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &secret.PublicKey, secret)
	if err != nil {
		t.Fatal(err)
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return der
}

// TestRenewedCertificate: what lies in the files at the handshake is shown; a
// file that is half written changes nothing.
func TestRenewedCertificate(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if _, err := clientTLS(&config.ClientTLS{Cert: cert, Key: key}); err == nil {
		t.Error("no file, and no error")
	}
	first := writeCertificate(t, cert, key)
	cfg, err := clientTLS(&config.ClientTLS{Cert: cert, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	shows := func(want []byte, when string) {
		t.Helper()
		got, err := cfg.Clone().GetClientCertificate(nil)
		if err != nil || !bytes.Equal(got.Certificate[0], want) {
			t.Errorf("%s: another certificate is shown (%v)", when, err)
		}
	}
	shows(first, "at first")
	second := writeCertificate(t, cert, key)
	shows(second, "renewed")
	if err := os.WriteFile(cert, []byte("-----BEGIN CERT"), 0o600); err != nil {
		t.Fatal(err)
	}
	shows(second, "half written")
}

// TestLinkTo: the way by hand is the gateway's own.
func TestLinkTo(t *testing.T) {
	l, err := LinkTo(*carrierWith(t, "bind: transmitter+receiver, system_type: web, message_id: {submit: hex, receipt: decimal}, submit_sm: {service_type: CMT}"))
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Binds) != 2 || string(l.Binds[1].SystemType) != "web" || string(l.Binds[0].Password) != "s" || l.Submit != idForms["hex"] || l.Receipt != idForms["decimal"] ||
		l.Text.ServiceType != "CMT" || len(l.Text.Coding.Encodings) != 2 || l.TLS != nil {
		t.Errorf("%v binds, %v %v, %+v", len(l.Binds), l.Submit, l.Receipt, l.Text)
	}
}
