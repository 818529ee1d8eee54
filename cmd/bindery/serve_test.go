package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServeWhereSomethingListens: the setting, what to do, and exit code 1.
func TestServeWhereSomethingListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file := filepath.Join(t.TempDir(), "bindery.yaml")
	config := strings.Replace(configFor("redis://127.0.0.1:1/0", "127.0.0.1:1", ""), `listen: "127.0.0.1:0"`, `listen: "`+l.Addr().String()+`"`, 1)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bindery", "serve", "--config", file)
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, cmd, 30*time.Second); code != 1 {
		t.Errorf("exit code %d", code)
	}
	want := `\nbindery: http.listen: .*address already in use\n  next: something listens there already, .*bindery\.yaml\n$`
	if !regexp.MustCompile(want).MatchString(errs.String()) {
		t.Errorf("%s", errs.String())
	}
}

// TestServeWithoutRedis: that it waits is said once, a bad file changes nothing
// and says so, and a stop is none of Redis' errors.
func TestServeWithoutRedis(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p := serve(t, configFor("redis://"+nobody+"/0", "127.0.0.1:1", ""))
	waits := func() int { return strings.Count(p.said(), "waiting for redis") }
	p.until("it says that it waits", func() bool { return waits() > 0 && strings.Contains(p.said(), nobody) })
	if a := p.do("GET", "/readyz", "", ""); a.code != 503 {
		t.Errorf("/readyz: %d", a.code)
	}
	if err := os.WriteFile(p.cmd.Args[3], []byte("carriers: [{id: alpha, windw: 3}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.until("the bad file is told", func() bool {
		return strings.Contains(p.said(), "not reloaded: the file is wrong; everything stays as it was") && strings.Contains(p.said(), `"setting":"carriers[0].windw"`)
	})
	<-time.After(3 * time.Second) // it tries again meanwhile
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := waits(); n != 1 || strings.Contains(p.said(), "context canceled") {
		t.Errorf("said %d times:\n%s", n, p.said())
	}
}
