//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
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
	unlock, number := int32(0), uint32(0)
	ioctl(t, ours, syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	ioctl(t, ours, syscall.TIOCGPTN, unsafe.Pointer(&number))
	size := [4]uint16{24, columns}
	ioctl(t, ours, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

// onPTY is a program on a pseudo terminal.
type onPTY struct {
	*output
	ours *os.File
	cmd  *exec.Cmd
	all  chan struct{} // closed once everything that it wrote was read
}

func ioctl(t *testing.T, f *os.File, request uintptr, arg unsafe.Pointer) {
	t.Helper()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(arg)); errno != 0 {
		t.Fatal(errno)
	}
}

func (x *onPTY) resize(t *testing.T, columns, rows int) {
	size := [4]uint16{uint16(rows), uint16(columns)}
	ioctl(t, x.ours, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
}

// onTerminal starts the demo on one that it controls: \x03 is Ctrl-C there.
// want is what may be waited for.
func onTerminal(t *testing.T, columns, rows int, want string, environment []string, args ...string) *onPTY {
	t.Helper()
	ours, theirs := terminal(t, uint16(columns))
	x := &onPTY{output: watchFor(want), ours: ours, all: make(chan struct{})}
	x.resize(t, columns, rows)
	x.cmd = exec.Command("bindery", append([]string{"demo"}, args...)...)
	x.cmd.Stdin, x.cmd.Stdout, x.cmd.Stderr = theirs, theirs, theirs
	x.cmd.Env = append(append(os.Environ(), "NO_COLOR=", "TERM=xterm"), environment...)
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := theirs.Close(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(x.all)
		buffer := make([]byte, 4096)
		for {
			n, err := ours.Read(buffer) // EIO once the other side is closed
			_, _ = x.Write(buffer[:n])
			if err != nil {
				return
			}
		}
	}()
	return x
}

// await waits for what is watched for.
func (o *output) await(t *testing.T) {
	t.Helper()
	select {
	case <-o.seen:
	case <-time.After(60 * time.Second):
		t.Errorf("%q did not come in\n%s", o.want, o)
	}
}

// end waits for the end and answers exit code and all that was written.
func (x *onPTY) end(t *testing.T, bound time.Duration) (code int, said string) {
	t.Helper()
	code = exitCode(t, x.cmd, bound)
	<-x.all
	return code, x.String()
}

func (x *onPTY) interrupt(t *testing.T) {
	t.Helper()
	if _, err := x.ours.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
}

var summaryIsWhole = regexp.MustCompile(`accepted +60 [^$]*lost +0 [^$]*repeated +0 [^$]*told twice +0 `)

// On a terminal of any size the table is redrawn in its place, never wider or
// higher than the terminal, and the cursor is there after each picture.
func TestDemoOnATerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	for _, c := range []struct {
		columns, rows int
		shown, not    string
	}{
		{140, 40, `(?s)HABITS .*THROTTLED .*north .*south .*all .*PRIORITY .*bulk .*\[#+\] 100 %  60 of 60 ended`, `$^`},
		{80, 24, `(?s)BINDS .*THROTTLED .*north .*PRIORITY .*urgent .*\[#+\] 100 %`, `HABITS`},
		{80, 9, `(?s)BINDS .*north .*all .*queued: urgent 0, normal 0, bulk 0\n\[#+\] 100 %`, `PRIORITY`},
		{40, 5, `(?s)CARRIER .*DELIVERED\nnorth .*\nqueued: .*\n\[#+\] 100 %`, `PRIORITY|BINDS|all  `},
		{20, 5, `CARRIER  DELIVERED\nnorth .*\nsouth .*\nqueued 0/0/0\n\[#+\] 100 %`, `PRIORITY|BINDS|SUBMITS`},
		{80, 3, `\[#+\] 100 %  60 of 60 ended`, `CARRIER`},
		{12, 2, `60/60`, `CARRIER|\[`},
	} {
		t.Run(fmt.Sprintf("%d columns %d rows", c.columns, c.rows), func(t *testing.T) {
			t.Parallel()
			code, said := onTerminal(t, c.columns, c.rows, "", nil, "--messages", "60", "--exit").end(t, 60*time.Second)
			v := &vt{columns: c.columns}
			v.show(said)
			live, _, _ := strings.Cut(v.text(), "Where every")
			if code != 0 || len(v.faults) > 0 || v.drawing || v.pictures < 3 || v.widest >= c.columns || v.highest > c.rows {
				t.Errorf("exit code %d, %d pictures, %d wide, %d high, hidden %v, %q", code, v.pictures, v.widest, v.highest, v.drawing, v.faults)
			}
			if !regexp.MustCompile(c.shown).MatchString(live) || regexp.MustCompile(c.not).MatchString(live) {
				t.Errorf("%s", live)
			}
			if c.columns > 20 && (!summaryIsWhole.MatchString(v.text()+" ") || v.colours == 0 && c.rows > 5) {
				t.Errorf("%d colours, summary\n%s", v.colours, v.text())
			}
		})
	}
}

// Where escape sequences are not wanted there is none, and no line is wider than
// the terminal all the same.
func TestDemoWithoutEscapes(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	for _, environment := range []string{"NO_COLOR=1", "TERM=dumb", "TERM="} {
		t.Run(environment, func(t *testing.T) {
			t.Parallel()
			code, said := onTerminal(t, 50, 24, "", []string{environment}, "--messages", "60", "--exit").end(t, 60*time.Second)
			if code != 0 || strings.Contains(said, "\x1b") || !strings.Contains(said, "60 of 60 ended") {
				t.Errorf("exit code %d\n%s", code, said)
			}
			for _, line := range strings.Split(said, "\r\n") {
				if strings.Contains(line, "ended") && len(line) >= 50 {
					t.Errorf("%d columns: %q", len(line), line)
				}
			}
		})
	}
	t.Run("piped", func(t *testing.T) {
		t.Parallel()
		said, err := exec.Command("bindery", "demo", "--messages", "300", "--exit").CombinedOutput()
		if err != nil || strings.ContainsAny(string(said), "\x1b\r\b") || !strings.Contains(string(said), "300 of 300 ended") {
			t.Errorf("%v\n%q", err, said)
		}
	})
}

// A window that is resized is drawn anew for its size.
func TestDemoFollowsTheWindow(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	const cleared = "\x1b[H\x1b[2J"
	x := onTerminal(t, 120, 30, "PRIORITY", nil, "--messages", "1000", "--exit")
	x.await(t)
	x.resize(t, 40, 8)
	if code, said := x.end(t, 60*time.Second); code != 0 || strings.Count(said, cleared) != 1 {
		t.Errorf("exit code %d, cleared %d times", code, strings.Count(said, cleared))
	} else {
		_, after, _ := strings.Cut(said, cleared)
		v := &vt{columns: 40, drawing: true}
		v.show(after)
		if len(v.faults) > 0 || v.widest >= 40 || v.highest > 8 || v.pictures < 2 || !strings.HasPrefix(v.text(), "CARRIER") {
			t.Errorf("%d wide, %d high, %d pictures, %q\n%s", v.widest, v.highest, v.pictures, v.faults, v.text())
		}
	}
}

// Ctrl-C at any moment, once or twice, ends it, and leaves the terminal in order:
// the driver drops what was not read when it comes, and a second one may come
// upon the last words.
func TestDemoInterruptedOnATerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	for i := range 10 {
		after := time.Duration(rand.Int64N(int64(2500 * time.Millisecond)))
		twice := i%3 == 0
		t.Run(fmt.Sprintf("%s, twice %v", after, twice), func(t *testing.T) {
			t.Parallel()
			x := onTerminal(t, 100, 24, "", nil, "--messages", "300")
			<-time.After(after)
			x.interrupt(t)
			if twice {
				<-time.After(time.Duration(rand.Int64N(int64(100 * time.Millisecond))))
				_, _ = x.ours.WriteString("\x03") // it may have ended
			}
			code, said := x.end(t, 12*time.Second)
			v := &vt{columns: 100}
			v.show(said)
			over := strings.Contains(said, "Stays up")
			if code != exitInterrupted && !(code == 0 && over) || v.drawing && !twice || strings.Contains(said, "panic") || strings.Contains(said, "goroutine ") || strings.Contains(said, "bindery: ") {
				t.Errorf("exit code %d, hidden %v, %q, it said:\n%s", code, v.drawing, v.faults, v.text())
			}
		})
	}
}
