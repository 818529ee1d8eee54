package wire

import (
	"context"
	"net"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served answers each request line with the next answer, whatever it asks, and
// closes behind the last.
func served(t *testing.T, answers ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for _, a := range answers {
			if _, err := conn.Read(make([]byte, 100)); err != nil {
				return
			}
			_, _ = conn.Write([]byte(a))
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func TestAsk(t *testing.T) {
	ctx := context.Background()
	c, err := Dial(ctx, served(t, "HTTP/1.1 202 Accepted\r\nServer: x\r\nContent-Length: 3\r\n\r\nyes", "HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if status, body, err := c.Ask([]byte("GET")); err != nil || status != 202 || string(body) != "yes" {
		t.Errorf("%d %q %v", status, body, err)
	}
	if status, body, err := c.Ask([]byte("GET")); err != nil || status != 503 || len(body) != 0 {
		t.Errorf("%d %q %v", status, body, err)
	}
	if _, _, err := c.Ask([]byte("GET")); err == nil {
		t.Error("half a status line was taken")
	}
}

func TestAskRefusesWhatIsNoAnswer(t *testing.T) {
	for name, answer := range map[string]string{
		"no length": "HTTP/1.1 200 OK\r\n\r\n", "bad length": "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "huge": "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
		"no status": "HTTP/1.1 yes\r\n\r\n", "short line": "\r\n", "body cut short": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour", "nothing": "", "no end": "HTTP/1.1 200 OK\r\n" + strings.Repeat("x", 5000),
	} {
		c, err := Dial(context.Background(), served(t, answer))
		if err != nil {
			t.Fatal(err)
		}
		if status, _, err := c.Ask([]byte("GET")); err == nil {
			t.Errorf("%s: taken as %d", name, status)
		}
		c.Close()
	}
}

// The end of the context ends an ask that would wait for ever.
func TestContextEndsAsk(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	c, err := Dial(ctx, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cancel()
	if _, _, err := c.Ask([]byte("GET")); err == nil {
		t.Error("an answer came from nobody")
	}
}
