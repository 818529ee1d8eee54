package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commands calls do with each command and its words.
func commands(c *cobra.Command, do func(c *cobra.Command, path string)) {
	do(c, c.CommandPath())
	for _, sub := range c.Commands() {
		commands(sub, do)
	}
}

// TestEveryFlagIsTried: a flag of a command stands in a line of a script that
// calls this command.
func TestEveryFlagIsTried(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) < 5 {
		t.Fatalf("%v %v", files, err)
	}
	var lines []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Split(string(b), "\n")...)
	}
	commands(newRootCommand(), func(c *cobra.Command, path string) {
		if !c.Runnable() || c.HasParent() && c.Parent().Name() == "completion" {
			return
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" || f.Name == "version" {
				return
			}
			names := "--" + f.Name
			if f.Shorthand != "" {
				names += "|-" + f.Shorthand
			}
			call := regexp.MustCompile(`\b` + regexp.QuoteMeta(path) + ` (.* )?(` + names + `)([ =]|$)`)
			for _, l := range lines {
				if call.MatchString(l) {
					return
				}
			}
			t.Errorf("no script tries %s --%s", path, f.Name)
		})
	})
}

// TestEveryHelpHasExamples, which name the command, and no flag without a word.
func TestEveryHelpHasExamples(t *testing.T) {
	commands(newRootCommand(), func(c *cobra.Command, path string) {
		if c.Name() == "bindery" || c.Name() == "help" || c.Name() == "completion" || c.HasParent() && c.Parent().Name() == "completion" {
			return
		}
		if c.Short == "" || c.Long == "" || !strings.Contains(c.Example, path) {
			t.Errorf("%s: short %q, long %q, example %q", path, c.Short, c.Long, c.Example)
		}
		for _, line := range strings.Split(c.Long, "\n") {
			if len(line) > 84 {
				t.Errorf("%s: a line of %d columns: %q", path, len(line), line)
			}
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s has no usage", path, f.Name)
			}
		})
	})
}
