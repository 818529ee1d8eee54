package main

import (
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
)

// TestExitCodes holds the codes that the help texts promise.
func TestExitCodes(t *testing.T) {
	api := httptest.NewServer(contractAPI())
	defer api.Close()
	for _, c := range []struct {
		want int
		args []string
	}{
		{0, []string{"status", "m1"}},
		{0, []string{"--version"}},
		{0, []string{"help", "send"}},
		{0, []string{"completion", "bash"}},
		{1, []string{"status", "none"}},
		{1, []string{"send", "--to", "+82422", "--from", "1", "--text", "x"}},
		{1, []string{"check", "--config", "nothing.yaml"}},
		{2, []string{"frobnicate"}},
		{2, []string{"status"}},
		{2, []string{"status", "m1", "--frobnicate"}},
		{2, []string{"serve"}},
		{2, []string{"send", "--to", "+82422"}},
		{2, []string{"queue", "--api", "here"}},
		{3, []string{"queue", "--api", "http://127.0.0.1:1"}},
		{3, []string{"send", "--to", "+82503", "--from", "1", "--text", "x"}},
		{3, []string{"send", "--to", "+82429", "--from", "1", "--text", "x"}},
	} {
		cmd := exec.Command("bindery", c.args...)
		cmd.Env = append(os.Environ(), "BINDERY_API="+api.URL, "BINDERY_API_KEY="+contractKey)
		out, err := cmd.CombinedOutput()
		code := 0
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			code = exit.ExitCode()
		}
		if code != c.want {
			t.Errorf("bindery %q: exit code %d, want %d\n%s", c.args, code, c.want, out)
		}
	}
}
