// Package redistest starts real redis-servers for tests: on a free loopback
// port, in a directory of the test's own, ended with the test.
package redistest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server is one redis-server process.
type Server struct {
	Addr string
	dir  string
	args []string
	cmd  *exec.Cmd
}

// Start runs a redis-server with the given extra settings ("--maxmemory",
// "64mb", …). Without the program the test is skipped, or failed when
// BINDERY_REQUIRE=1 says that the whole suite must run.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("BINDERY_REQUIRE") == "1" {
			t.Fatal("redis-server is not installed: ./scripts/test installs it")
		}
		t.Skip("redis-server is not installed")
	}
	for try := 1; ; try++ {
		s := &Server{dir: t.TempDir()}
		ports := free(t, 2)
		s.Addr = fmt.Sprintf("127.0.0.1:%d", ports[0])
		s.args = append([]string{
			"--bind", "127.0.0.1", "--port", fmt.Sprint(ports[0]), "--dir", s.dir, "--save", "",
			"--logfile", filepath.Join(s.dir, "log"), "--daemonize", "no",
		}, args...)
		if slices.Contains(args, "--cluster-enabled") && !slices.Contains(args, "--cluster-port") {
			// Its own choice, ten thousand above the other, may be somebody's.
			s.args = append(s.args, "--cluster-port", fmt.Sprint(ports[1]))
		}
		err := s.run(t)
		if errors.Is(err, errTaken) && try < 5 {
			s.Kill(t)
			continue
		}
		t.Cleanup(func() { s.Kill(t) })
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// free are loopback ports, all different, on which nobody listens now.
func free(t testing.TB, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// URL is the server's address as config takes it.
func (s *Server) URL() string { return "redis://" + s.Addr + "/0" }

// Client is a plain client, closed with the test.
func (s *Server) Client(t testing.TB) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: s.Addr})
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("closing the redis client: %v", err)
		}
	})
	return c
}

// Run starts the process again, after Kill, and waits until it answers.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	if err := s.run(t); err != nil {
		t.Fatal(err)
	}
}

// errTaken: somebody listens where nobody did a moment ago.
var errTaken = errors.New("redis-server: a port is taken")

func (s *Server) run(t testing.TB) error {
	t.Helper()
	s.cmd = exec.Command("redis-server", s.args...)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1, DialerRetries: 1, ReadTimeout: time.Second})
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for c.Ping(ctx).Err() != nil {
		log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		switch {
		case bytes.Contains(log, []byte("Address already in use")):
			return fmt.Errorf("%w: %s", errTaken, log)
		case ctx.Err() != nil:
			return fmt.Errorf("redis-server did not come up: %s", log)
		}
		<-tick.C
	}
	return nil
}

// Kill ends the process at once, as kill -9 does.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Kill(); err != nil {
		t.Errorf("killing redis-server: %v", err)
	}
	_ = s.cmd.Wait() // it ends by the signal
	s.cmd = nil
}

// Signal sends the process a signal: SIGSTOP has it fall silent with its
// connections up, SIGCONT ends that.
func (s *Server) Signal(t testing.TB, sig os.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}
