//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// terminal is a pseudo terminal of a width: ours, and the side that the program
// sees.
func terminal(t *testing.T, columns uint16) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	t.Cleanup(func() { _ = ours.Close() })
	ioctl := func(request uintptr, arg unsafe.Pointer) {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, ours.Fd(), request, uintptr(arg)); errno != 0 {
			t.Fatal(errno)
		}
	}
	unlock, number := int32(0), uint32(0)
	ioctl(syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	ioctl(syscall.TIOCGPTN, unsafe.Pointer(&number))
	size := [4]uint16{24, columns}
	ioctl(syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

// onTerminal runs the demo on one and answers all that it wrote.
func onTerminal(t *testing.T, columns uint16, environment ...string) string {
	t.Helper()
	ours, theirs := terminal(t, columns)
	cmd := exec.Command("bindery", "demo", "--messages", "60", "--exit")
	cmd.Stdout, cmd.Stderr = theirs, theirs
	cmd.Env = append(os.Environ(), environment...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := theirs.Close(); err != nil {
		t.Fatal(err)
	}
	all := make(chan string, 1)
	go func() {
		var b strings.Builder
		buffer := make([]byte, 4096)
		for {
			n, err := ours.Read(buffer) // EIO once the other side is closed
			b.Write(buffer[:n])
			if err != nil {
				all <- b.String()
				return
			}
		}
	}()
	if code := exitCode(t, cmd, 60*time.Second); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	return <-all
}

// On a terminal the progress line is redrawn in its place and never wider than
// the terminal; with NO_COLOR there is no escape sequence at all.
func TestDemoOnATerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	for _, columns := range []uint16{120, 40, 20} {
		said := onTerminal(t, columns, "NO_COLOR=", "TERM=xterm")
		drawn := regexp.MustCompile(`\r\x1b\[K([^\r\n]*)`).FindAllStringSubmatch(said, -1)
		if len(drawn) < 2 {
			t.Errorf("%d columns: %d progress lines in %q", columns, len(drawn), said)
		}
		for _, d := range drawn {
			if n := len([]rune(d[1])); n == 0 || n >= int(columns) {
				t.Errorf("%d columns: a progress line of %d: %q", columns, n, d[1])
			}
		}
		if !strings.Contains(said, "lost              0") {
			t.Errorf("%d columns: no summary in %q", columns, said)
		}
	}
	if said := onTerminal(t, 80, "NO_COLOR=1", "TERM=xterm"); strings.Contains(said, "\x1b") || !strings.Contains(said, "lost              0") {
		t.Errorf("NO_COLOR: %q", said)
	}
}
