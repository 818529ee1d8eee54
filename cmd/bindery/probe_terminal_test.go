//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// On a terminal a step has a mark; with NO_COLOR or TERM=dumb a word.
func TestProbeOnATerminal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bindery.yaml")
	if err := os.WriteFile(file, []byte(configFor("redis://127.0.0.1:1/0", closedPort(t), "")), 0o600); err != nil {
		t.Fatal(err)
	}
	for environment, want := range map[string][2]string{
		"NO_COLOR=": {"✓      resolve", "✗      connect"}, "NO_COLOR=1": {"ok     resolve", "FAILED connect"},
	} {
		ours, theirs := terminal(t, 120)
		cmd := exec.Command("bindery", "probe", "alpha", "--config", file)
		cmd.Stdout, cmd.Env = theirs, append(os.Environ(), environment, "TERM=xterm")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		theirs.Close()
		said := make(chan string, 1)
		go func() {
			var all strings.Builder
			for buf := make([]byte, 4096); ; {
				n, err := ours.Read(buf) // EIO once the other side is closed
				all.Write(buf[:n])
				if err != nil {
					said <- all.String()
					return
				}
			}
		}()
		code := exitCode(t, cmd, 20*time.Second)
		if out := <-said; code != 1 || !strings.Contains(out, want[0]) || !strings.Contains(out, want[1]) {
			t.Errorf("%s: exit code %d\n%s", environment, code, out)
		}
	}
}
