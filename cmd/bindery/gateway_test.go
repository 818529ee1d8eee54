package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is `bindery serve` as users run it.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	base string // http://host:port
	mu   sync.Mutex
	log  bytes.Buffer // guarded by mu
	done chan struct{}
}

const key = "test-key-0123456789"

// configFor is a configuration of one account and one carrier.
func configFor(redisURL, carrier, extra string) string {
	return fmt.Sprintf(`
redis: {url: %q}
http: {listen: "127.0.0.1:0"}
accounts:
  - {id: acme, api_key: %q}
  - {id: rival, api_key: "another-key-987654"}
carriers:
  - id: alpha
    address: %q
    system_id: bindery
    password: secret
    binds: 2
    window: 50
    rate: 0
    %s
routes:
  - {id: default, carriers: [alpha]}
`, redisURL, key, carrier, extra)
}

func serve(t *testing.T, config string) *process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bindery.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command("bindery", "serve", "--config", file), done: make(chan struct{})}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	go p.follow(stderr, address)
	t.Cleanup(func() {
		select {
		case <-p.done:
		default:
			_ = p.cmd.Process.Kill()
			<-p.done
		}
		_ = p.cmd.Wait()
		if t.Failed() {
			t.Logf("the gateway said:\n%s", p.said())
		}
	})
	select {
	case a := <-address:
		p.base = "http://" + a
	case <-p.done:
		t.Fatalf("serve ended: %s", p.said())
	case <-time.After(20 * time.Second):
		t.Fatal("serve did not listen in 20 s")
	}
	return p
}

// follow keeps the log and finds the address in it.
func (p *process) follow(r io.Reader, address chan<- string) {
	defer close(p.done)
	for lines := bufio.NewScanner(r); lines.Scan(); {
		p.mu.Lock()
		p.log.Write(lines.Bytes())
		p.log.WriteByte('\n')
		p.mu.Unlock()
		var l struct{ Message, Address string }
		if json.Unmarshal(lines.Bytes(), &l) == nil && l.Message == "listening" {
			address <- l.Address
		}
	}
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// terminate sends SIGTERM and answers the exit code.
func (p *process) terminate() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.t.Fatal("serve did not end 20 s after SIGTERM")
	}
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

type answer struct {
	code int
	head http.Header
	body []byte
}

func (p *process) do(method, path, apiKey, body string, header ...string) answer {
	p.t.Helper()
	req, err := http.NewRequest(method, p.base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if apiKey != "" {
		req.Header.Set("Authorization", "Bearer "+apiKey)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, b}
}

// ready waits until /readyz says so.
func (p *process) ready() {
	p.t.Helper()
	p.until("the gateway is ready", func() bool { return p.do("GET", "/readyz", "", "").code == 200 })
}

// bound waits until carrier alpha has n binds up.
func (p *process) bound(n int) {
	p.t.Helper()
	p.until(fmt.Sprintf("%d binds are up", n), func() bool {
		up := 0
		for _, line := range strings.Split(string(p.do("GET", "/metrics", "", "").body), "\n") {
			if strings.HasPrefix(line, `bindery_bind_up{`) && strings.HasSuffix(line, " 1") {
				up++
			}
		}
		return up >= n
	})
}

func (p *process) until(what string, ok func() bool) {
	p.t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			p.t.Fatalf("waited 30 s for: %s", what)
		}
	}
}

// send posts one message and answers its id.
func (p *process) send(to, text string) string {
	p.t.Helper()
	body, err := json.Marshal(map[string]string{"to": to, "from": "1544", "text": text, "reference": "r" + to})
	if err != nil {
		p.t.Fatal(err)
	}
	a := p.do("POST", "/v1/messages", key, string(body))
	var m struct{ ID, Status string }
	if err := json.Unmarshal(a.body, &m); err != nil || a.code != 202 || m.Status != "queued" || len(m.ID) != 26 {
		p.t.Fatalf("send answered %d %s", a.code, a.body)
	}
	return m.ID
}
