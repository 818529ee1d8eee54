package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// output collects what a process prints, and tells when a text has come.
type output struct {
	mu   sync.Mutex // guards all
	b    bytes.Buffer
	want string
	seen chan struct{} // closed once want has come
}

func watchFor(want string) *output { return &output{want: want, seen: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	had := strings.Contains(o.b.String(), o.want)
	o.b.Write(p)
	if !had && strings.Contains(o.b.String(), o.want) {
		close(o.seen)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// exitCode is as shells have it; a process that ended otherwise fails the test.
func exitCode(t *testing.T, cmd *exec.Cmd, bound time.Duration) int {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			return 128 + int(s.Signal())
		}
		return cmd.ProcessState.ExitCode()
	case <-time.After(bound):
		_ = cmd.Process.Kill()
		<-done
		t.Fatalf("it did not end within %s", bound)
		return -1
	}
}

// Ctrl-C ends the demo at any moment, within the bound, in silence.
func TestDemoEndsAtAnyMoment(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	type moment struct {
		text  string        // once this was printed …
		after time.Duration // … and this has passed
		codes string
	}
	// Until Go's handlers are in place the signal itself ends the process: 130.
	moments := []moment{{after: 0, codes: "130"}, {after: 10 * time.Millisecond, codes: "130"}, {after: 50 * time.Millisecond, codes: "130"},
		{text: "Bindery demo", codes: "130"}, {text: "Bindery demo", after: 100 * time.Millisecond, codes: "130"},
		{text: "Bindery demo", after: 700 * time.Millisecond, codes: "130"}, {text: "[", after: 300 * time.Millisecond, codes: "130"},
		{text: "Where every message went", codes: "0"}, {text: "Stays up", after: 50 * time.Millisecond, codes: "0"}}
	for i, m := range moments {
		t.Run(fmt.Sprintf("%d %s %s", i, m.text, m.after), func(t *testing.T) {
			t.Parallel()
			messages := "1000"
			if m.codes == "0" {
				messages = "60"
			}
			cmd := exec.Command("bindery", "demo", "--messages", messages)
			out := watchFor(m.text)
			cmd.Stdout, cmd.Stderr = out, out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if m.text != "" {
				select {
				case <-out.seen:
				case <-time.After(60 * time.Second):
					_ = cmd.Process.Kill()
					t.Errorf("%q did not come", m.text)
				}
			}
			<-time.After(m.after)
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			code := exitCode(t, cmd, 12*time.Second)
			said := out.String()
			if fmt.Sprint(code) != m.codes || strings.Contains(said, "panic") || strings.Contains(said, "goroutine ") || strings.Contains(said, "bindery: ") {
				t.Errorf("exit code %d, want %s; it said:\n%s", code, m.codes, said)
			}
		})
	}
}

// A busy port 8080 is somebody else's: the demo takes another.
func TestDemoBesideABusyPort(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	l, err := net.Listen("tcp", "127.0.0.1:8080")
	if err == nil {
		defer l.Close()
	} // else it is busy already
	out, err := exec.Command("bindery", "demo", "--messages", "20", "--exit").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "lost              0\n") || strings.Contains(string(out), "127.0.0.1:8080") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestDemoProgressFitsTheWidth(t *testing.T) {
	d := &demoTally{accepted: map[string]time.Time{}, finals: map[string]int{"delivered": 99_000}, ended: map[string]int{}, submitted: 100_000}
	for i := range 99_999 {
		d.ended[fmt.Sprint(i)] = 1
	}
	for _, width := range []int{200, 80, 60, 40, 30, 20, 14} {
		if line := d.progress(100_000, 123*time.Second, width); len(line) >= width {
			t.Errorf("%d columns: %q", width, line)
		}
	}
}
