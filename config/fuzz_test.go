package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzParse: whatever the file holds, an answer and no panic; every problem is
// on a line of the file and fits on one line itself.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*.yaml", "example.yaml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	env := environment{testEnv, func(string) ([]byte, bool, error) { return nil, false, os.ErrNotExist }}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parse("fuzz.yaml", data, env)
		if err == nil {
			c.Warnings()
			return
		}
		var e *Error
		if !errors.As(err, &e) || len(e.Problems) == 0 || c != nil {
			t.Fatalf("error %v of type %T, configuration %v", err, err, c != nil)
		}
		lines := strings.Count(strings.ReplaceAll(string(data), "\r", "\n"), "\n") + 1
		for i, p := range e.Problems {
			if p.Line < 1 || p.Line > lines || i > 0 && p.Line < e.Problems[i-1].Line {
				t.Errorf("line %d of %d: %s", p.Line, lines, p)
			}
			if strings.ContainsAny(p.String(), "\n\r\x00") {
				t.Errorf("more than one line: %q", p.String())
			}
		}
	})
}
