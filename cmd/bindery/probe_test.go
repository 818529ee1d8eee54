package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bindery/internal/redistest"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

// probe runs the command and answers its exit code and what it said.
func runProbe(t *testing.T, config string, env []string, args ...string) (code int, out, errs string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bindery.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bindery", append([]string{"probe", "alpha", "--config", file}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append(os.Environ(), env...)
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{stdout.String(), stderr.String()} {
		if strings.Contains(said, "secret") || strings.Contains(said, "73 65 63 72 65 74") {
			t.Errorf("the password is shown:\n%s", said)
		}
	}
	return code, stdout.String(), stderr.String()
}

// probeReport is what --json writes, as its readers know it.
type probeReport struct {
	Carrier, Driver string
	OK              bool
	Notes           []string
	Addresses       []struct {
		Address string
		OK      bool
		Steps   []struct {
			Step, Bind, Detail, Kind, Means, Next string
			OK                                    bool
			TookMS                                float64 `json:"took_ms"`
			Facts                                 map[string]any
		}
	}
}

// TestProbe: the whole command against a carrier that works, with both drivers.
func TestProbe(t *testing.T) {
	s := smsctest.New(smsctest.Options{SystemID: "bindery", Password: "secret", Name: "carrier",
		IDs: smsctest.IDs{Response: smsctest.Hex, Receipt: smsctest.Padded}, Receipts: smsctest.Receipts{When: smsctest.After}})
	if err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	config := configFor("redis://127.0.0.1:1/0", s.Addr(), "")
	for _, driver := range []string{"native", "go-smpp"} {
		code, out, errs := runProbe(t, config, nil, "--driver", driver, "--to", "+821012345678", "--from", "1544", "--json", "--hex")
		var r probeReport
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		var steps []string
		for _, step := range r.Addresses[0].Steps {
			steps = append(steps, step.Step)
			if !step.OK || step.TookMS < 0 || step.Kind != "" {
				t.Errorf("%+v", step)
			}
		}
		if got := strings.Join(steps, " "); code != 0 || !r.OK || r.Driver != driver || got != "resolve connect bind enquire_link submit_sm receipt unbind" {
			t.Errorf("exit code %d, %s", code, got)
		}
		for _, line := range []string{"-> ", "<- ", " bind_transceiver 00 ", " ** ** ** ** ** ** 00 ", " submit_sm_resp 00 ", " deliver_sm 00 ", " unbind_resp 00 "} {
			if !strings.Contains(errs, line) {
				t.Errorf("--hex has no %q in\n%s", line, errs)
			}
		}
		code, out, errs = runProbe(t, config, nil, "--driver", driver, "--to", "821012345678")
		for _, line := range []string{"  ok     bind ", `the SMSC is "carrier", SMPP 3.4`, "  ok     enquire_link ", "5 answered, min ", "message_id: {submit: hex, receipt: decimal} fits", "stat:DELIVRD", "note: a probe's bind"} {
			if !strings.Contains(out, line) {
				t.Errorf("no %q in\n%s", line, out)
			}
		}
		if code != 0 || errs != "" || strings.ContainsFunc(out, func(r rune) bool { return r > 126 }) {
			t.Errorf("exit code %d, plain ASCII? stderr %q, stdout\n%s", code, errs, out)
		}
	}
}

// TestProbeBesideAGateway: a gateway that holds all of the account's binds is
// what the probe finds, and it loses nothing by being probed.
func TestProbeBesideAGateway(t *testing.T) {
	s := smsctest.New(smsctest.Options{SystemID: "bindery", Password: "secret", MaxBinds: 2, Receipts: smsctest.Receipts{When: smsctest.After, Bind: smsctest.AnyBind}})
	if err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rs := redistest.Start(t)
	config := configFor(rs.URL(), s.Addr(), "")
	p := serve(t, config)
	p.ready()
	p.bound(2)
	code, out, _ := runProbe(t, config, nil)
	if code != 1 || !strings.Contains(out, "FAILED bind ") || !strings.Contains(out, "ESME_RALYBND (0x05)") || !strings.Contains(out, "a running gateway may hold all of them") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	// With one bind more the carrier hands the gateway's receipts to the probe
	// too, while it waits for one that never comes.
	s.Set(func(o *smsctest.Options) {
		o.MaxBinds = 3
		o.Receipts.Decide = func(dest []byte) uint8 {
			if string(dest) == "821099999999" {
				return 0
			}
			return pdu.MessageStateDelivered
		}
	})
	probed := make(chan string, 1)
	go func() {
		_, out, _ := runProbe(t, config, nil, "--to", "+821099999999", "--wait", "4s")
		probed <- out
	}()
	p.until("the probe is bound", func() bool { return s.Stats().Bound == 3 })
	list := make([]string, 100)
	for i := range list {
		list[i] = fmt.Sprintf("message %d", i)
	}
	deliveredOnce(t, p, rs.Client(t), sendAll(p, list))
	if out := <-probed; !strings.Contains(out, "FAILED receipt") || !strings.Contains(out, " deliveries that were not the probe's") || s.Stats().AckErrors == 0 {
		t.Errorf("%d handed back\n%s", s.Stats().AckErrors, out)
	}
	if code := p.terminate(); code != 0 {
		t.Errorf("SIGTERM: exit code %d", code)
	}
}

// TestProbeExitCodes: 0 all is well, 1 a step failed, 2 called wrongly.
func TestProbeExitCodes(t *testing.T) {
	s := carrierSim(t, "127.0.0.1:0")
	good := configFor("redis://127.0.0.1:1/0", s.Addr(), "")
	for _, c := range []struct {
		want   int
		config string
		args   []string
	}{
		{0, good, nil},
		{1, strings.Replace(good, "password: secret", "password: wrong", 1), nil},
		{1, good, []string{"--address", closedPort(t)}},
		{0, strings.Replace(good, s.Addr(), closedPort(t), 1), []string{"--address", s.Addr()}},
		{2, strings.Replace(good, "id: alpha", "id: omega", 1), nil},
		{2, good, []string{"--driver", "none"}},
		{2, good, []string{"beta"}},
	} {
		config := strings.Replace(c.config, "[alpha]", "[omega]", 1)
		if !strings.Contains(config, "id: omega") {
			config = c.config
		}
		if code, out, errs := runProbe(t, config, nil, c.args...); code != c.want {
			t.Errorf("%q: exit code %d, want %d\n%s%s", c.args, code, c.want, out, errs)
		}
	}
}
