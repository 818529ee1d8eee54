package smpp

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp/pdu"
)

func TestHost(t *testing.T) {
	for at, want := range map[string]string{
		"192.0.2.7:1024":              "192.0.2.7",
		"[::ffff:192.0.2.7]:1024":     "192.0.2.7",
		"[2001:db8:1:2:3:4:5:6]:1024": "2001:db8:1:2::/64",
		"[2001:db8:1:2::9%eth0]:1024": "2001:db8:1:2::/64",
	} {
		if got := host(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(at))); got != want {
			t.Errorf("%s counts as %s, want %s", at, got, want)
		}
	}
	if got := host(&net.UnixAddr{Name: "@x"}); got != "@x" {
		t.Errorf("an address of another kind counts as %q", got)
	}
}

// failing is a socket whose Accept fails n times in passing and then for good.
type failing struct {
	net.Listener
	n int
}

func (f *failing) Accept() (net.Conn, error) {
	if f.n--; f.n >= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return nil, errors.New("gone for good")
}

func (f *failing) Close() error { return nil }

func TestServeOutlastsPassingErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := NewListener(ListenerConfig{
			Authorize: func(net.Addr, *pdu.Bind) (pdu.CommandStatus, Handler) { return pdu.StatusSysErr, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := l.Serve(&failing{n: 10}); err == nil || err.Error() != "accept: gone for good" {
			t.Errorf("serve: %v", err)
		}
		if took := time.Since(began); took < time.Second || took > 5*time.Second {
			t.Errorf("ten failures took %v: it waits longer each time", took)
		}
		l.Close()
		if err := l.Serve(&failing{n: 10}); !errors.Is(err, ErrClosed) {
			t.Errorf("serve after close: %v", err)
		}
	})
}

func TestListenerConfigIsChecked(t *testing.T) {
	authorize := func(net.Addr, *pdu.Bind) (pdu.CommandStatus, Handler) { return pdu.StatusSysErr, nil }
	for name, cfg := range map[string]ListenerConfig{
		"nobody authorizes": {},
		"negative cap":      {Authorize: authorize, MaxUnbound: -1},
		"negative per ip":   {Authorize: authorize, MaxUnboundPerIP: -1},
		"session":           {Authorize: authorize, Session: Config{Window: -1}},
	} {
		if _, err := NewListener(cfg); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
