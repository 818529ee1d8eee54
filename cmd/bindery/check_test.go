package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write golden files anew")

// checked is what `bindery check` says of a file, as somebody in its directory
// sees it, and the exit code.
func checked(t *testing.T, dir, file string) (out, errs string, code int) {
	t.Helper()
	cmd := exec.Command("bindery", "check", "--config", file)
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH")}
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// TestCheckOfBrokenFiles holds all that check says of what careless people
// write: every error on a line of its own, with its line of the file.
func TestCheckOfBrokenFiles(t *testing.T) {
	const dir, golden = "testdata/broken", "testdata/broken.golden"
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var all strings.Builder
	for _, f := range files {
		out, errs, code := checked(t, dir, f.Name())
		fmt.Fprintf(&all, "$ bindery check --config %s\n%s\n", f.Name(), errs)
		if code != 1 || out != "" {
			t.Errorf("%s: exit code %d, on stdout %q", f.Name(), code, out)
		}
		text, _ := os.ReadFile(filepath.Join(dir, f.Name())) // nothing of a directory
		lines := strings.Count(string(text), "\n") + 1
		for _, line := range strings.Split(strings.TrimSuffix(errs, "\n"), "\n") {
			n := 0
			place := regexp.MustCompile(`^` + regexp.QuoteMeta(f.Name()) + `:(\d+): [^:]`).FindStringSubmatch(line)
			if place != nil {
				_, _ = fmt.Sscan(place[1], &n)
			}
			if !f.IsDir() && (n < 1 || n > lines) {
				t.Errorf("no line of the file in %q", line)
			}
		}
	}
	if *update {
		if err := os.WriteFile(golden, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if all.String() != string(want) {
		t.Errorf("check says\n%s\nwant\n%s", all.String(), want)
	}
}

// TestCheckOfTheExample: the file that help and manual point to is right.
func TestCheckOfTheExample(t *testing.T) {
	out, errs, code := checked(t, "../../config", "example.yaml")
	if code != 0 || errs != "" || !strings.Contains(out, "example.yaml: right: ") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}
