package config

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden error lines anew")

// testEnv is the environment of the fixtures.
func testEnv(name string) (string, bool) {
	v, ok := map[string]string{"SECRET": "hunter2-hunter2-hunter2", "NUMBER": "7", "TRUE": "true", "HOST": "h"}[name]
	return v, ok
}

func parseFile(t *testing.T, path string) (*Config, error) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return Parse(path, data, testEnv)
}

func fixtures(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*.yaml"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d fixtures in %s, %v", len(files), dir, err)
	}
	return files
}

// TestBad holds every rule against its fixture: the error lines are those of
// the .golden file beside it.
func TestBad(t *testing.T) {
	for _, file := range fixtures(t, "bad") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			c, err := parseFile(t, file)
			var e *Error
			if !errors.As(err, &e) || c != nil {
				t.Fatalf("got %v, %v; want an *Error and no configuration", c, err)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, readErr := os.ReadFile(golden)
			if readErr != nil {
				t.Fatal(readErr)
			}
			if got := err.Error() + "\n"; got != string(want) {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "cret@") {
				t.Errorf("a secret is in %q", err)
			}
		})
	}
}

func TestGood(t *testing.T) {
	for _, file := range fixtures(t, "good") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			if _, err := parseFile(t, file); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLoadMissing(t *testing.T) {
	_, err := Load(filepath.Join("testdata", "none.yaml"))
	if !errors.Is(err, fs.ErrNotExist) || Problems(err) != nil {
		t.Errorf("got %v, problems %v", err, Problems(err))
	}
}

func TestLoadTooLarge(t *testing.T) {
	file := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(file, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("got %v", err)
	}
	if _, err := Parse("x", make([]byte, maxFile+1), testEnv); Problems(err) == nil {
		t.Errorf("got %v", err)
	}
}
