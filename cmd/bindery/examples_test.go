package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"bindery/internal/redistest"
)

// exampleFiles are what the examples of the help texts name.
var exampleFiles = map[string]string{
	"messages.ndjson": `{"to":"+821012345678","from":"1544","text":"one"}` + "\n" + `{"to":"+821012345679","from":"1544","text":"two"}` + "\n",
	"numbers.csv":     "to\n+821012345678\n+821012345679\n",
	"people.csv":      "to,name,code\n+821012345678,Kim,1\n+821012345679,Lee,2\n",
	"bindery.yaml":    northAndSouth,
}

// elsewhere says of examples that this test does not run where they are.
var elsewhere = map[string]string{
	"bindery demo":  "demo.txtar",
	"bindery bench": "bench.txtar: minutes at full length",
	"bindery probe": "probe_test.go",
	"bindery serve": "every test of the gateway",
	"kill -HUP":     "TestHangup",
}

// TestExamplesAreTwo: every command has at least two lines to copy, each with
// flags that there are.
func TestExamplesAreTwo(t *testing.T) {
	commands(newRootCommand(), func(c *cobra.Command, path string) {
		if !c.HasParent() {
			return
		}
		lines := examples(c)
		if len(lines) < 2 {
			t.Errorf("%s: %d examples", path, len(lines))
		}
		for _, line := range lines {
			_, args, ok := strings.Cut(line, "bindery ")
			if !ok || strings.Contains(args, "pidof") {
				continue
			}
			args, _, _ = strings.Cut(args, " | ")
			for _, shell := range []string{" > ", " < ", " && ", " 2>"} {
				args, _, _ = strings.Cut(args, shell)
			}
			root := newRootCommand()
			about, rest, err := root.Find(strings.Fields(strings.NewReplacer(`"`, "", "'", "").Replace(args)))
			if err != nil || !about.HasParent() {
				t.Errorf("%s: %s: no such command", path, line)
				continue
			}
			if strings.ContainsAny(args, `"'`) {
				continue // words of a shell: the real one reads them below
			}
			if err := about.ParseFlags(rest); err != nil {
				t.Errorf("%s: %s: %v", path, line, err)
			}
		}
	})
}

// examples are a command's lines, without its comments.
func examples(c *cobra.Command) (lines []string) {
	for _, line := range strings.Split(c.Example, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestEveryExampleRuns copies each line into a shell, with a gateway at hand.
func TestEveryExampleRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	for _, tool := range []string{"bash", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("no ", tool)
		}
	}
	r := redistest.Start(t)
	alpha, beta := carrierSim(t, "127.0.0.1:0"), carrierSim(t, "127.0.0.1:0")
	p := serve(t, strings.Replace(twoCarriers(r.URL(), alpha.Addr(), beta.Addr()), "{id: acme, ", "{id: acme, admin: true, ", 1))
	p.ready()
	p.bound(3)
	dir := t.TempDir()
	for name, text := range exampleFiles {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"server.pem", "server.key"} {
		b, err := os.ReadFile("../../config/testdata/tls/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ran := 0
	commands(newRootCommand(), func(c *cobra.Command, path string) {
	lines:
		for _, line := range examples(c) {
			for begins := range elsewhere {
				if strings.HasPrefix(line, begins) {
					continue lines
				}
			}
			ran++
			p.example(t, dir, line)
		}
	})
	if ran < 30 {
		t.Errorf("%d lines ran", ran)
	}
}

// example runs one line. What it names by an id is made for it; what never
// ends gets an end.
func (p *process) example(t *testing.T, dir, line string) {
	t.Helper()
	command := strings.NewReplacer("06FJ2K7R0W5T3M8QX9VZ41CDEA", p.scheduled(t), "06FJ2K9S1Y6V4N0RZ8XW52BFGC", p.batched(t),
		"man -l -", "cat", "--listen 127.0.0.1:3550", "").Replace(line)
	switch {
	case strings.HasPrefix(line, "bindery simulate"):
		command = strings.Replace(command, "--duration 10s", "", 1) + " --listen 127.0.0.1:0 --duration 50ms"
	case strings.HasPrefix(line, "bindery tail"):
		command = "timeout --preserve-status -s INT 1 " + strings.Replace(command, "--count 100", "--count 1", 1)
	}
	cmd := exec.Command("bash", "-c", "set -o pipefail; "+command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "BINDERY_API="+p.base, "BINDERY_API_KEY="+key)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s\n(as %s): %v\n%s", line, command, err, out)
	}
}

// scheduled is the id of a message that waits for an hour.
func (p *process) scheduled(t *testing.T) string {
	t.Helper()
	at := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	a := p.do("POST", "/v1/messages", key, fmt.Sprintf(`{"to":"+821012345678","from":"1544","text":"later","send_at":%q}`, at))
	var m struct{ ID string }
	if err := json.Unmarshal(a.body, &m); err != nil || m.ID == "" {
		t.Fatalf("%d %s", a.code, a.body)
	}
	return m.ID
}

func (p *process) batched(t *testing.T) string {
	t.Helper()
	a := p.do("POST", "/v1/batches", key, `{"from":"1544","text":"hello","recipients":[{"to":"+821012345678"}]}`)
	var b struct{ Batch string }
	if err := json.Unmarshal(a.body, &b); err != nil || b.Batch == "" {
		t.Fatalf("%d %s", a.code, a.body)
	}
	return b.Batch
}
