//go:build linux

package main

import (
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startSimulator runs one on what the caller gave its command and waits until
// it has said want.
func startSimulator(t *testing.T, cmd *exec.Cmd, told *output) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	select {
	case <-told.seen:
	case <-time.After(30 * time.Second):
		t.Fatalf("only %q", told)
	}
}

// On a terminal the counts stay in one line that is no wider; Ctrl-C leaves it,
// and a tally is below.
func TestSimulateOnATerminal(t *testing.T) {
	for _, columns := range []uint16{200, 40} {
		ours, theirs := terminal(t, columns)
		cmd := exec.Command("bindery", "simulate", "--listen", "127.0.0.1:0")
		cmd.Stdout, cmd.Stderr, cmd.Env = theirs, theirs, append(os.Environ(), "NO_COLOR=", "TERM=xterm")
		told := watchFor("binds 0")
		copied := make(chan struct{})
		go func() {
			_, _ = io.Copy(told, ours) // EIO once the other side is closed
			close(copied)
		}()
		startSimulator(t, cmd, told)
		_ = theirs.Close()
		_ = cmd.Process.Signal(os.Interrupt)
		if code := exitCode(t, cmd, 20*time.Second); code != 0 {
			t.Errorf("Ctrl-C: exit code %d", code)
		}
		<-copied
		said := told.String()
		if !strings.Contains(said, "\x1b[") {
			t.Errorf("%d columns: nothing is redrawn in %q", columns, said)
		}
		shown := controlSequence.ReplaceAllString(said, "")
		if !regexp.MustCompile(`\nafter [0-9.]+m?s:\r\n  binds  `).MatchString(shown) {
			t.Errorf("%d columns: no tally on lines of its own in %q", columns, said)
		}
		for _, line := range strings.FieldsFunc(shown, func(r rune) bool { return r == '\r' || r == '\n' }) {
			if n := len([]rune(line)); strings.HasPrefix(line, "binds") && n >= int(columns) {
				t.Errorf("%d columns: a line of %d", columns, n)
			}
		}
		if strings.LastIndex(said, "\x1b[?25l") > strings.LastIndex(said, "\x1b[?25h") {
			t.Errorf("%d columns: the cursor stays hidden in %q", columns, said)
		}
	}
}

// controlSequence is what steers a terminal.
var controlSequence = regexp.MustCompile(`\x1b\[[?0-9;]*[A-Za-z]`)

// Piped, there is no controlSequence sequence, and SIGTERM prints the tally too.
func TestSimulatePiped(t *testing.T) {
	cmd := exec.Command("bindery", "simulate", "--listen", "127.0.0.1:0")
	listening, errs := watchFor("listening on "), watchFor("after ")
	cmd.Stdout, cmd.Stderr = listening, errs
	startSimulator(t, cmd, listening)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if code := exitCode(t, cmd, 20*time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if !regexp.MustCompile(`^after [0-9.]+m?s:\n  binds  [^\x1b\r]*$`).MatchString(errs.String()) {
		t.Errorf("%q", errs)
	}
}
