package child

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func shell(t *testing.T, script string) *Child {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh")
	}
	c, err := Start(t.TempDir(), "it", "sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStop(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		want   string // of the error; empty: none
	}{
		"ends by the signal":   {"trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done", ""},
		"deaf to it":           {"trap '' TERM; echo up; while :; do sleep 0.05; done", "did not end within"},
		"had ended before":     {"echo last words; exit 3", "had ended before: last words"},
		"a child of its child": {"echo up; sleep 1 & wait", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := shell(t, c.script)
			if err := p.Until(context.Background(), "a word", 10*time.Second, func() bool { return p.Tail() != "" }); err != nil && !p.ended() {
				t.Fatal(err)
			}
			if strings.Contains(c.script, "exit 3") {
				<-p.done
			}
			err := p.Stop(syscall.SIGTERM, 500*time.Millisecond)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if !p.ended() {
				t.Error("it still runs")
			}
		})
	}
	if err := (*Child)(nil).Stop(syscall.SIGTERM, 0); err != nil {
		t.Error(err)
	}
	if _, err := Start(t.TempDir(), "none", "/no/such/program"); err == nil {
		t.Error("a program that is not there was started")
	}
}

func TestUntil(t *testing.T) {
	p := shell(t, "echo said; exec sleep 60")
	defer func() { _ = p.Stop(syscall.SIGKILL, time.Second) }()
	never := func() bool { return false }
	if err := p.Until(context.Background(), "the impossible", 30*time.Millisecond, never); err == nil || !strings.Contains(err.Error(), "the impossible took longer than") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Until(ctx, "", time.Minute, never); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	dead := shell(t, "echo why; exit 1")
	if err := dead.Until(context.Background(), "", time.Minute, never); err == nil || !strings.Contains(err.Error(), "it ended: why") {
		t.Errorf("%v", err)
	}
	if err := Explain(errors.New("first"), p, nil, dead); !strings.Contains(err.Error(), "first; it ended: why") {
		t.Errorf("%v", err)
	}
	if err := Explain(errors.New("first"), p); err.Error() != "first" {
		t.Errorf("%v", err)
	}
}

func TestUsageIsTold(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("told by /proc")
	}
	p := shell(t, "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo counted; exec sleep 60")
	defer func() { _ = p.Stop(syscall.SIGKILL, time.Second) }()
	if err := p.Until(context.Background(), "counting", time.Minute, func() bool { return p.Tail() == "counted" }); err != nil {
		t.Fatal(err)
	}
	if used := p.CPU(); used < time.Second/ticks || used > time.Minute {
		t.Errorf("CPU %s", used)
	}
	if peak := p.Peak(); peak < 100<<10 || peak > 1<<30 {
		t.Errorf("peak %d", peak)
	}
	if OwnCPU() <= 0 || MachineCPU() <= p.CPU() {
		t.Errorf("own %s, machine's %s", OwnCPU(), MachineCPU())
	}
	if err := p.Stop(syscall.SIGKILL, time.Second); err != nil {
		t.Fatal(err)
	}
	if p.CPU() != -1 || p.Peak() != -1 {
		t.Errorf("of one that has ended: %s, %d", p.CPU(), p.Peak())
	}
}

func TestMachine(t *testing.T) {
	if v := between("Redis server v=7.0.15 sha=0", "v=", " "); v != "7.0.15" {
		t.Errorf("%q", v)
	}
	if v := between("Kannel bearerbox version `1.4.5'.\nCompiler", "version `", "'"); v != "1.4.5" {
		t.Errorf("%q", v)
	}
	if v := between("", "v=", " "); v != "" {
		t.Errorf("%q", v)
	}
	if m := ThisMachine(""); m.Cores < 1 || m.Kannel != "" || m.Date == "" {
		t.Errorf("%+v", m)
	}
}

// Whoever else answers in the place of a process that has ended is not it.
func TestUntilIsOfThisProcess(t *testing.T) {
	c := shell(t, "echo the port is taken; exit 1")
	err := c.Until(t.Context(), "answering", time.Minute, func() bool { <-c.done; return true })
	if err == nil || !strings.Contains(err.Error(), "it ended: the port is taken") {
		t.Errorf("%v", err)
	}
}

func TestResidentIsAtMostThePeak(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("told by /proc")
	}
	c := shell(t, "echo up; exec sleep 10")
	if err := c.Until(t.Context(), "up", time.Minute, func() bool { return c.Tail() == "up" }); err != nil {
		t.Fatal(err)
	}
	if now, peak := c.Resident(), c.Peak(); now <= 0 || now > peak {
		t.Errorf("%d resident, %d at most", now, peak)
	}
	if err := c.Stop(syscall.SIGKILL, time.Minute); err != nil {
		t.Error(err)
	}
}
