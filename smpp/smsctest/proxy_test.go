package smsctest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// echo is a server that answers each line, and counts lines.
type echo struct {
	l     net.Listener
	lines chan string
}

func newEcho(t *testing.T) *echo {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &echo{l: l, lines: make(chan string, 100)}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go e.serve(c)
		}
	}()
	return e
}

func (e *echo) serve(c net.Conn) {
	defer c.Close()
	for r := bufio.NewReader(c); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		e.lines <- line
		if _, err := io.WriteString(c, line); err != nil {
			return
		}
	}
}

func proxied(t *testing.T) (*Proxy, *echo) {
	t.Helper()
	e := newEcho(t)
	p, err := NewProxy(e.l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p, e
}

func client(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// ask sends a line and reads the answer.
func ask(c net.Conn, line string) (string, error) {
	if _, err := io.WriteString(c, line); err != nil {
		return "", err
	}
	b := make([]byte, len(line))
	_, err := io.ReadFull(c, b)
	return string(b), err
}

func TestProxyPassesAndCuts(t *testing.T) {
	p, _ := proxied(t)
	c := client(t, p)
	if got, err := ask(c, "one\n"); got != "one\n" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	if p.Connections() != 1 {
		t.Errorf("%d connections", p.Connections())
	}
	p.Cut()
	if _, err := ask(c, "two\n"); err == nil {
		t.Error("a cut connection answers")
	}
	p.Refuse(true)
	if c, err := net.Dial("tcp", p.Addr()); err == nil { // or it fails at once
		if _, err := ask(c, "three\n"); err == nil {
			t.Error("a refused connection answers")
		}
		c.Close()
	}
	p.Refuse(false)
	if got, err := ask(client(t, p), "four\n"); got != "four\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestProxyStallsAndLoses(t *testing.T) {
	p, e := proxied(t)
	c := client(t, p)
	p.Stall()
	if _, err := io.WriteString(c, "late\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case line := <-e.lines:
		t.Errorf("%q came through a stalled proxy", line)
	case <-time.After(50 * time.Millisecond):
	}
	p.Resume()
	b := make([]byte, 5)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "late\n" {
		t.Errorf("%q, %v", b, err)
	}
	<-e.lines

	p.Blackhole()
	if _, err := io.WriteString(c, "lost\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case line := <-e.lines:
		t.Errorf("%q came through a black hole", line)
	case <-time.After(50 * time.Millisecond):
	}
	p.Resume()
	if got, err := ask(c, "kept\n"); got != "kept\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestProxySwallowsAReply(t *testing.T) {
	p, e := proxied(t)
	applied := p.SwallowReply(func(b []byte) bool { return bytes.Contains(b, []byte("marker")) }, 1)
	c := client(t, p)
	if got, err := ask(c, "plain\n"); got != "plain\n" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	<-e.lines
	if got, err := ask(c, "marker\n"); err == nil {
		t.Errorf("the reply came: %q", got)
	}
	if line := <-e.lines; line != "marker\n" {
		t.Errorf("the target saw %q", line)
	}
	if got, err := ask(client(t, p), "marker\n"); got != "marker\n" || err != nil || applied() != 1 {
		t.Errorf("%q, %v, applied %d times", got, err, applied())
	}
}

func TestProxyDropsARequest(t *testing.T) {
	p, e := proxied(t)
	applied := p.DropRequest(func(b []byte) bool { return bytes.Contains(b, []byte("marker")) }, 1)
	if got, err := ask(client(t, p), "marker\n"); err == nil {
		t.Errorf("the reply came: %q", got)
	}
	if got, err := ask(client(t, p), "after\n"); got != "after\n" || err != nil || applied() != 1 {
		t.Errorf("%q, %v, applied %d times", got, err, applied())
	}
	if line := <-e.lines; line != "after\n" {
		t.Errorf("the target saw %q", line)
	}
}

func TestProxySendsAgain(t *testing.T) {
	p, e := proxied(t)
	applied := p.SendAgain(func(b []byte) bool { return bytes.HasPrefix(b, []byte("twice")) }, 1, 20*time.Millisecond)
	c := client(t, p)
	for _, line := range []string{"once\n", "twice\n"} {
		if got, err := ask(c, line); got != line || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if got := <-e.lines + <-e.lines + <-e.lines; got != "once\ntwice\ntwice\n" || applied() != 1 {
		t.Errorf("the target saw %q; applied %d times", got, applied())
	}
}

func TestProxyFaults(t *testing.T) {
	p, _ := proxied(t)
	p.Fault(Faults{Chunk: 1, WriteCut: 3})
	got, err := ask(client(t, p), "abcdef\n")
	if err == nil || !strings.HasPrefix(got, "abc\x00") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestProxyWithoutTarget(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	p, err := NewProxy(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if c, err := net.Dial("tcp", p.Addr()); err == nil { // or it fails at once
		if _, err := ask(c, "x\n"); err == nil {
			t.Error("it answers")
		}
		c.Close()
	}
}

func TestRESPRequests(t *testing.T) {
	one := "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
	two := "*3\r\n$7\r\nEVALSHA\r\n$0\r\n\r\n$2\r\n\r\n\r\n"
	for name, tc := range map[string]struct {
		chunks []string
		want   []string
	}{
		"whole":       {[]string{one}, []string{one}},
		"pipeline":    {[]string{one + two + one}, []string{one, two, one}},
		"octets":      {strings.Split(one+two, ""), []string{one, two}},
		"no RESP":     {[]string{"hello\n", one}, []string{"hello\n", one}},
		"bad count":   {[]string{"*x\r\nfoo"}, []string{"*x\r\nfoo"}},
		"bad element": {[]string{"*1\r\n+OK\r\n"}, []string{"*1\r\n+OK\r\n"}},
		"minus":       {[]string{"*-1\r\n"}, []string{"*-1\r\n"}},
		"endless":     {[]string{"*" + strings.Repeat("1", 40)}, []string{"*" + strings.Repeat("1", 40)}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			f := framed{frame: respRequest}
			for _, c := range tc.chunks {
				if err := f.each([]byte(c), func(b []byte) error { got = append(got, string(b)); return nil }); err != nil {
					t.Fatal(err)
				}
			}
			if strings.Join(got, "|") != strings.Join(tc.want, "|") {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	stop := errors.New("stop")
	f := framed{frame: respRequest}
	if err := f.each([]byte(one), func([]byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}
