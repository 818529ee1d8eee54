//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A bench that is interrupted ends its processes and leaves no file.
func TestBenchInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	if _, err := exec.LookPath("redis-server"); err != nil && os.Getenv("BINDERY_REQUIRE") != "1" {
		t.Skip("redis-server is not installed")
	}
	ours := []string{"--single", "--messages", "1000000"}
	soak := []string{"--duration", "1h", "--rate", "1000"}
	kannel := []string{"--vs-kannel", "--messages", "100", "--kannel-messages", "1000000"}
	for name, c := range map[string]struct {
		args   []string
		moment string // a file of that name is there
		after  time.Duration
	}{
		"redis starts": {ours, "redis-server.log", 0}, "carrier starts": {ours, "carrier.log", 0}, "gateway starts": {ours, "gateway.log", 0},
		"load":             {ours, "gateway.*", 2 * time.Second},
		"load of a soak":   {soak, "gateway.*", 2 * time.Second},
		"soak starts":      {soak, "carrier.log", 0},
		"bearerbox starts": {kannel, "bearerbox.log", 0}, "smsbox starts": {kannel, "smsbox.log", 0},
		"load of kannel": {kannel, "smsbox.*", 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath("bearerbox"); err != nil && slices.Contains(c.args, "--vs-kannel") && os.Getenv("BINDERY_REQUIRE") != "1" {
				t.Skip("kannel is not installed")
			}
			dir := t.TempDir()
			cmd := exec.Command("bindery", append([]string{"bench", "--receipts-after", "0s"}, c.args...)...)
			cmd.Env = append(os.Environ(), "TMPDIR="+dir)
			out := watchFor("nothing")
			cmd.Stdout, cmd.Stderr = out, out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for bound := time.Now().Add(30 * time.Second); ; <-tick.C {
				if found, err := filepath.Glob(filepath.Join(dir, "bindery-bench-*", c.moment)); err != nil || len(found) > 0 {
					break
				}
				if time.Now().After(bound) {
					t.Fatalf("%s did not come: %s", c.moment, out)
				}
			}
			<-time.After(c.after) // into the load
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			if code := exitCode(t, cmd, 20*time.Second); code != exitInterrupted {
				t.Errorf("exit code %d: %s", code, out)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
			for _, p := range processesWith(t, dir) {
				t.Errorf("still running: %s", p)
			}
		})
	}
}

// processesWith are the command lines that name a directory.
func processesWith(t *testing.T, dir string) (list []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, _ := os.ReadFile(f) // it may have ended
		if line := strings.ReplaceAll(string(b), "\x00", " "); strings.Contains(line, dir) {
			list = append(list, line)
		}
	}
	return list
}
