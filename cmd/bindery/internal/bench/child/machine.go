package child

import (
	"bufio"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Machine says where figures were measured, and of what.
type Machine struct {
	CPU    string `json:"cpu,omitempty"`
	Cores  int    `json:"cores"`
	OS     string `json:"os"`
	Redis  string `json:"redis"`            // version
	Kannel string `json:"kannel,omitempty"` // version
	Go     string `json:"go"`
	Commit string `json:"commit,omitempty"` // of this program, when built from a checkout
	Date   string `json:"date"`
}

// ThisMachine asks the system and the programs; what is not told is left empty.
func ThisMachine(bearerbox string) Machine {
	m := Machine{CPU: model(), Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), Date: time.Now().Format(time.DateOnly)}
	// "Redis server v=7.0.15 sha=…"
	m.Redis = between(output("redis-server", "--version"), "v=", " ")
	if bearerbox != "" {
		// "Kannel bearerbox version `1.4.5'."
		m.Kannel = between(output(bearerbox, "--version"), "version `", "'")
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				m.Commit = s.Value[:min(8, len(s.Value))] + m.Commit
			case s.Key == "vcs.modified" && s.Value == "true":
				m.Commit += ", modified"
			}
		}
	}
	return m
}

func model() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// output ignores the exit code: some programs end with 1 after their version.
func output(program string, args ...string) string {
	b, _ := exec.Command(program, args...).CombinedOutput()
	return string(b)
}

func between(text, before, after string) string {
	_, rest, found := strings.Cut(text, before)
	if !found {
		return ""
	}
	value, _, _ := strings.Cut(rest, after)
	return strings.TrimSpace(value)
}
