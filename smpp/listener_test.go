package smpp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// listening is a Listener on loopback; refused are its refusals.
func listening(t *testing.T, cfg smpp.ListenerConfig) (l *smpp.Listener, address string, refused <-chan error) {
	t.Helper()
	errs := make(chan error, 100)
	cfg.Refused = func(_ net.Addr, err error) { errs <- err }
	var sessions sync.WaitGroup
	cfg.Authorize = func(_ net.Addr, b *pdu.Bind) (pdu.CommandStatus, smpp.Handler) {
		if string(b.Password) != "secret" {
			return pdu.StatusInvPaswd, nil
		}
		sessions.Add(1)
		return pdu.StatusOK, &ending{owner: &owner{}, closed: sessions.Done}
	}
	l, err := smpp.NewListener(cfg)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- l.Serve(socket) }()
	t.Cleanup(func() {
		l.Close()
		if err := <-served; !errors.Is(err, smpp.ErrClosed) {
			t.Errorf("serve: %v, want ErrClosed", err)
		}
		sessions.Wait()
	})
	return l, socket.Addr().String(), errs
}

// ending tells the test that a session of the listener has ended.
type ending struct {
	*owner
	closed func()
}

func (e *ending) Closed(s *smpp.Session, err error) {
	e.owner.Closed(s, err)
	e.closed()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestListenerBinds(t *testing.T) {
	_, address, refused := listening(t, smpp.ListenerConfig{})
	s, err := smpp.Bind(context.Background(), dial(t, address), trx(), smpp.Config{}, &owner{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Unbind(context.Background()); err != nil {
		t.Error(err)
	}
	wrong := trx()
	wrong.Password = []byte("wrong")
	var no *smpp.BindError
	_, err = smpp.Bind(context.Background(), dial(t, address), wrong, smpp.Config{}, &owner{})
	if !errors.As(err, &no) || no.Status != pdu.StatusInvPaswd {
		t.Errorf("bind with a wrong password: %v", err)
	}
	if err := <-refused; !errors.As(err, &no) {
		t.Errorf("the listener says %v", err)
	}
}

func TestListenerCapsUnboundConnections(t *testing.T) {
	l, address, refused := listening(t, smpp.ListenerConfig{MaxUnbound: 10, MaxUnboundPerIP: 3, Session: smpp.Config{BindTimeout: time.Hour}})
	var held []net.Conn
	for range 3 {
		held = append(held, dial(t, address))
	}
	over := dial(t, address)
	if err := <-refused; !errors.Is(err, smpp.ErrTooMany) {
		t.Errorf("a fourth: %v, want ErrTooMany", err)
	}
	if _, err := over.Read(make([]byte, 1)); err == nil {
		t.Error("the fourth was not closed")
	}
	// One that binds makes room, and so does one that goes.
	s, err := smpp.Bind(context.Background(), held[0], trx(), smpp.Config{}, &owner{})
	if err != nil {
		t.Fatal(err)
	}
	held[1].Close()
	if err := <-refused; !errors.Is(err, io.EOF) {
		t.Errorf("one that went: %v", err)
	}
	again, err := smpp.Bind(context.Background(), dial(t, address), trx(), smpp.Config{}, &owner{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*smpp.Session{s, again} {
		s.Close()
		<-s.Done()
	}
	if n := l.Unbound(); n > 2 {
		t.Errorf("%d are without a bind, want 1 or 2 at most", n)
	}
}

func TestListenerTLS(t *testing.T) {
	cert := selfSigned(t)
	_, address, refused := listening(t, smpp.ListenerConfig{
		TLS:     &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
		Session: smpp.Config{BindTimeout: time.Hour},
	})
	conn := tls.Client(dial(t, address), &tls.Config{RootCAs: roots(t, cert), ServerName: "127.0.0.1"})
	var shut atomic.Bool
	o := &owner{woken: make(chan struct{}, 1)}
	cfg := smpp.Config{Gate: func() bool { return !shut.Load() }}
	s, err := smpp.Bind(context.Background(), conn, trx(), cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	// A closed gate wakes the reader by its deadline: TLS goes on after that.
	for range 3 {
		shut.Store(true)
		mustSubmit(t, s, 7)
		<-o.woken
		o.wantResults(t, "unwritten 7:the gate was closed")
		shut.Store(false)
		mustSubmit(t, s, 8)
		<-o.woken
		o.wantResults(t, "8:1")
	}
	if err := s.Unbind(context.Background()); err != nil {
		t.Error(err)
	}
	// A plain bind on the TLS port fails cleanly.
	if _, err := smpp.Bind(context.Background(), dial(t, address), trx(), smpp.Config{}, &owner{}); err == nil {
		t.Error("a plain bind was taken")
	}
	if err := <-refused; err == nil {
		t.Error("no reason given")
	}
}
