package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"bindery/config"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

const opened = "resolve connect "

func onBind(s *smsctest.SMSC, f smsctest.Hook) {
	for _, id := range []pdu.CommandID{pdu.BindTransceiver, pdu.BindTransmitter, pdu.BindReceiver} {
		s.On(id, f)
	}
}

func answering(a smsctest.Action) smsctest.Hook {
	return func(*smsctest.Conn, pdu.PDU) smsctest.Action { return a }
}

// respVersion is a bind_transceiver_resp that names a version.
func respVersion(v byte) smsctest.Hook {
	return func(_ *smsctest.Conn, p pdu.PDU) smsctest.Action {
		r := pdu.BindResp{Header: pdu.Header{ID: p.Head().ID.Response(), Sequence: p.Head().Sequence}, SystemID: []byte("odd")}
		r.TLVs = pdu.TLVs{{Tag: pdu.TagSCInterfaceVersion, Value: []byte{v}}}
		octets, err := r.AppendTo(nil)
		if err != nil {
			panic(err)
		}
		return smsctest.Raw(octets)
	}
}

// TestBinds: each way in which a bind fails, and those in which it does not,
// is told apart by both drivers.
func TestBinds(t *testing.T) {
	const short = 250 * time.Millisecond
	for _, c := range []struct {
		name    string
		smsc    smsctest.Options
		hook    smsctest.Hook
		timeout time.Duration
		want    string
	}{
		{name: "all is well", want: opened + "bind enquire_link unbind"},
		{name: "slow", smsc: smsctest.Options{BindDelay: smsctest.Fixed(300 * time.Millisecond)}, want: opened + "bind enquire_link unbind"},
		{name: "an enquire_link of the carrier's own first", hook: func(c *smsctest.Conn, _ pdu.PDU) smsctest.Action {
			c.EnquireLink()
			return smsctest.Delay(100 * time.Millisecond)
		}, want: opened + "bind enquire_link unbind"},
		{name: "3.3", hook: respVersion(pdu.Version33), want: opened + "bind enquire_link unbind"},
		{name: "a version that does not exist", hook: respVersion(0x42), want: opened + "bind enquire_link unbind"},
		{name: "RBINDFAIL", hook: answering(smsctest.Answer(pdu.StatusBindFail)), want: opened + "bind/bind-refused"},
		{name: "RINVPASWD", hook: answering(smsctest.Answer(pdu.StatusInvPaswd)), want: opened + "bind/password"},
		{name: "RINVSYSID", hook: answering(smsctest.Answer(pdu.StatusInvSysID)), want: opened + "bind/system-id"},
		{name: "RINVSYSTYP", hook: answering(smsctest.Answer(pdu.StatusInvSysTyp)), want: opened + "bind/system-type"},
		{name: "RALYBND", hook: answering(smsctest.Answer(pdu.StatusAlyBnd)), want: opened + "bind/binds-in-use"},
		{name: "RSYSERR", hook: answering(smsctest.Answer(pdu.StatusSysErr)), want: opened + "bind/carrier-fault"},
		{name: "RTHROTTLED", hook: answering(smsctest.Answer(pdu.StatusThrottled)), want: opened + "bind/throttled"},
		{name: "the vendor's own", hook: answering(smsctest.Answer(0x4FE)), want: opened + "bind/bind-status"},
		{name: "a nack", hook: answering(smsctest.Nack(pdu.StatusInvCmdID)), want: opened + "bind/bind-kind"},
		{name: "a nack that says OK", hook: answering(smsctest.Nack(pdu.StatusOK)), want: opened + "bind/bind-refused"},
		{name: "no answer", hook: answering(smsctest.Silence()), timeout: short, want: opened + "bind/no-answer"},
		{name: "closed", hook: answering(smsctest.Close()), want: opened + "bind/closed"},
		{name: "half an answer", hook: answering(smsctest.Cut(9)), want: opened + "bind/closed"},
		{name: "unbound", hook: answering(smsctest.Raw([]byte{0, 0, 0, 16, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 9})), want: opened + "bind/unbound"},
		{name: "a length that cannot be", hook: answering(smsctest.Raw([]byte{0, 0, 0, 3, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 9})), want: opened + "bind/not-smpp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bothDrivers(t, func(t *testing.T, driver string) {
				s := listening(t, c.smsc, nil)
				if c.hook != nil {
					onBind(s, c.hook)
				}
				o := options(t, s.Addr(), nil)
				o.Driver = driver
				if c.timeout != 0 {
					o.Timeout = c.timeout
				}
				r := probed(t, o)
				if got := outcome(r.Addresses[0]); got != c.want || r.OK == strings.Contains(got, "/") {
					t.Errorf("%s, ok %v, want %s", got, r.OK, c.want)
				}
				if b := find(t, r.Addresses[0], "bind"); b.Note != "" != strings.Contains(c.name, "3.3") && b.Note != "" != strings.Contains(c.name, "version") {
					t.Errorf("note %q", b.Note)
				}
			})
		})
	}
}

// TestAllBindsInUse: the SMSC's own count says no, and the words name who may
// hold them.
func TestAllBindsInUse(t *testing.T) {
	bothDrivers(t, func(t *testing.T, driver string) {
		s := listening(t, smsctest.Options{MaxBinds: 1}, nil)
		held := make(chan Report, 1)
		first := options(t, s.Addr(), nil)
		onEnquire := make(chan struct{})
		s.On(pdu.CommandEnquireLink, func(*smsctest.Conn, pdu.PDU) smsctest.Action {
			<-onEnquire
			return smsctest.Pass()
		})
		go func() { r, _ := Run(context.Background(), first); held <- r }()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := s.Wait(ctx, func(st smsctest.Stats) bool { return st.Bound == 1 }); err != nil {
			t.Fatal(err)
		}
		o := options(t, s.Addr(), nil)
		o.Driver = driver
		r := probed(t, o)
		close(onEnquire)
		if r := <-held; !r.OK {
			t.Errorf("the first: %s", outcome(r.Addresses[0]))
		}
		if got := outcome(r.Addresses[0]); got != opened+"bind/binds-in-use" {
			t.Fatal(got)
		}
		if b := find(t, r.Addresses[0], "bind"); !strings.Contains(b.Means, "running gateway") || b.Facts["status"] != "ESME_RALYBND (0x05)" {
			t.Errorf("%s; %v", b.Means, b.Facts)
		}
	})
}

// TestWhatIsNotSMPP: what stands behind the port is named.
func TestWhatIsNotSMPP(t *testing.T) {
	for octets, want := range map[string]string{
		"HTTP/1.1 400 Bad Request\r\n\r\n":  "speaks-http",
		"SSH-2.0-OpenSSH_9.6\r\n":           "not-smpp",
		"\x15\x03\x01\x00\x02\x02\x46":      "speaks-tls",
		"\xff\xff\xff\xff\x80\x00\x00\x09":  "not-smpp", // a length of 4 GiB
		"220 mail.example ESMTP, go away\n": "not-smpp",
		"":                                  "closed",
	} {
		bothDrivers(t, func(t *testing.T, driver string) {
			o := options(t, says(t, octets), nil)
			o.Driver = driver
			if got := outcome(probed(t, o).Addresses[0]); got != opened+"bind/"+want {
				t.Errorf("%q: %s, want bind/%s", octets, got, want)
			}
		})
	}
}

// TestJunkAfterTheBind ends the probe in order: go-smpp decodes user data
// headers that lie, lengths that cannot be, PDUs that it does not know.
func TestJunkAfterTheBind(t *testing.T) {
	for name, octets := range map[string][]byte{
		"unknown command":    {0, 0, 0, 20, 0, 0, 0x7F, 0x7F, 0, 0, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4},
		"alert_notification": {0, 0, 0, 16, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 9},
		"empty deliver_sm":   {0, 0, 0, 16, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 9},
		"a header that lies": append([]byte{0, 0, 0, 38, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 9}, 0, 1, 1, '1', 0, 1, 1, '2', 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 4, 5, 0, 3),
	} {
		t.Run(name, func(t *testing.T) {
			bothDrivers(t, func(t *testing.T, driver string) {
				s := listening(t, smsctest.Options{}, nil)
				s.Once(pdu.CommandEnquireLink, func(c *smsctest.Conn, _ pdu.PDU) smsctest.Action {
					c.Write(octets)
					return smsctest.Pass()
				})
				o := options(t, s.Addr(), nil)
				o.Driver = driver
				if got := outcome(probed(t, o).Addresses[0]); got != opened+"bind enquire_link unbind" {
					t.Error(got)
				}
			})
		})
	}
}

func TestEnquireLink(t *testing.T) {
	for _, c := range []struct {
		name string
		hook smsctest.Hook
		want string
	}{
		{"not answered", answering(smsctest.Silence()), "bind enquire_link/no-answer"},
		{"closed", answering(smsctest.Close()), "bind enquire_link/closed"},
		{"nacked", answering(smsctest.Nack(pdu.StatusInvCmdID)), "bind enquire_link unbind"},
		{"slow", answering(smsctest.Delay(20 * time.Millisecond)), "bind enquire_link unbind"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bothDrivers(t, func(t *testing.T, driver string) {
				s := listening(t, smsctest.Options{}, nil)
				s.On(pdu.CommandEnquireLink, c.hook)
				o := options(t, s.Addr(), nil)
				o.Driver = driver
				if c.name == "not answered" {
					o.Timeout = 300 * time.Millisecond
				}
				r := probed(t, o)
				got := outcome(r.Addresses[0])
				if c.name == "not answered" { // go-smpp's connection lives on without an answer, ours gives up, soon
					got, _, _ = strings.Cut(got, " unbind")
				}
				if got != opened+c.want {
					t.Error(got)
				}
				if e := find(t, r.Addresses[0], "enquire_link"); c.name == "slow" && (e.Facts["answered"] != 5 || e.Facts["min_ms"].(float64) < 20) {
					t.Errorf("%v", e.Facts)
				}
			})
		})
	}
}

func TestAddressesInTurn(t *testing.T) {
	bothDrivers(t, func(t *testing.T, driver string) {
		s := listening(t, smsctest.Options{Receipts: smsctest.Receipts{When: smsctest.After}}, nil)
		o := options(t, "", nil)
		o.Driver, o.To, o.From = driver, "+821012345678", "1544"
		o.Addresses = []string{dead(t), s.Addr(), s.Addr()}
		r := probed(t, o)
		want := []string{"resolve connect/refused", opened + "bind enquire_link submit_sm receipt unbind", opened + "bind enquire_link unbind"}
		for i, w := range want {
			if got := outcome(r.Addresses[i]); got != w || r.Addresses[i].OK != (i > 0) {
				t.Errorf("address %d: %s, want %s", i, got, w)
			}
		}
		if r.OK || len(s.Submits()) != 1 || len(r.Notes) != 2 || !strings.Contains(r.Notes[1], "in turn") {
			t.Errorf("ok %v, %d submits, notes %q", r.OK, len(s.Submits()), r.Notes)
		}
	})
}

func TestPair(t *testing.T) {
	pair := func(c *config.Carrier) { c.Bind = config.BindPair }
	const both = "resolve:transmitter connect:transmitter bind:transmitter resolve:receiver connect:receiver "
	bothDrivers(t, func(t *testing.T, driver string) {
		s := listening(t, smsctest.Options{Receipts: smsctest.Receipts{When: smsctest.After}}, nil)
		o := options(t, s.Addr(), pair)
		o.Driver, o.To, o.From = driver, "+821012345678", "1544"
		r := probed(t, o)
		if got := outcome(r.Addresses[0]); got != both+"bind:receiver enquire_link:transmitter enquire_link:receiver submit_sm:transmitter receipt:receiver unbind:transmitter unbind:receiver" {
			t.Error(got)
		}
		s.On(pdu.CommandBindReceiver, answering(smsctest.Answer(pdu.StatusAlyBnd)))
		if got := outcome(probed(t, o).Addresses[0]); got != both+"bind:receiver/binds-in-use unbind:transmitter" {
			t.Error(got)
		}
		if st := s.Stats(); st.Submits != 1 {
			t.Errorf("%d submits: half a pair submits nothing", st.Submits)
		}
	})
}

// TestInterrupted: a Ctrl-C still unbinds.
func TestInterrupted(t *testing.T) {
	bothDrivers(t, func(t *testing.T, driver string) {
		s := listening(t, smsctest.Options{}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		s.On(pdu.CommandEnquireLink, func(*smsctest.Conn, pdu.PDU) smsctest.Action {
			cancel()
			return smsctest.Silence()
		})
		unbinds := make(chan struct{}, 1)
		s.On(pdu.CommandUnbind, func(*smsctest.Conn, pdu.PDU) smsctest.Action {
			unbinds <- struct{}{}
			return smsctest.Pass()
		})
		o := options(t, s.Addr(), nil)
		o.Driver = driver
		if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) || len(unbinds) != 1 {
			t.Errorf("%v, %d unbinds", err, len(unbinds))
		}
	})
}

// TestDialFaults: what a test cannot provoke on every machine.
func TestDialFaults(t *testing.T) {
	op := func(err error) error { return &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", err)} }
	for _, c := range []struct {
		err  error
		want string
	}{
		{connectFault(op(syscall.ECONNREFUSED)), "refused"},
		{connectFault(op(syscall.ETIMEDOUT)), "connect-timeout"},
		{connectFault(fmt.Errorf("dial: %w", context.DeadlineExceeded)), "connect-timeout"},
		{connectFault(op(syscall.EHOSTUNREACH)), "unreachable"},
		{connectFault(op(syscall.ENETUNREACH)), "unreachable"},
		{connectFault(op(syscall.EACCES)), "connect"},
		{resolveFault(&net.DNSError{IsNotFound: true}, "smsc.example"), "no-such-host"},
		{resolveFault(&net.DNSError{IsTimeout: true}, "smsc.example"), "resolver"},
		{sessionFault(fmt.Errorf("%w: x", errPanicked), "bind", nil), "go-smpp-panic"},
		{sessionFault(errors.New("odd"), "bind", nil), "protocol"},
	} {
		var e *explained
		if !errors.As(c.err, &e) || e.Kind != c.want || e.Means == "" || e.Next == "" {
			t.Errorf("%v: %+v, want %s", c.err, e, c.want)
		}
	}
}

// TestPanicsOfGoSMPP end the step that they happen in, not the process.
func TestPanicsOfGoSMPP(t *testing.T) {
	g := &goSMPP{}
	if err := g.take(nil); !errors.Is(err, errPanicked) {
		t.Errorf("take: %v", err)
	}
	if _, err := g.next(); !errors.Is(err, errPanicked) {
		t.Errorf("next: %v", err)
	}
	if _, err := g.bind(&pdu.Bind{Header: pdu.Header{ID: pdu.BindReceiver}}); !errors.Is(err, errPanicked) {
		t.Errorf("bind: %v", err)
	}
	if _, err := submitGoSMPP(&message{}); !errors.Is(err, errPanicked) {
		t.Errorf("submit: %v", err)
	}
}
