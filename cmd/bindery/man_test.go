package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bindery/config"
)

// TestManualIsWhole: every command with every flag, and the sections that man
// pages have, in order.
func TestManualIsWhole(t *testing.T) {
	page := manual(newRootCommand())
	at := 0
	for _, s := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "CONFIGURATION", "ENVIRONMENT", "FILES", "EXIT STATUS", "SIGNALS", "EXAMPLES", "SEE ALSO"} {
		i := strings.Index(page[at:], `.SH "`+s+`"`+"\n")
		if i < 0 {
			t.Fatalf("no section %s behind those before it", s)
		}
		at += i
	}
	commands(newRootCommand(), func(c *cobra.Command, path string) {
		if !c.HasParent() {
			return
		}
		_, after, found := strings.Cut(page, `.SS "`+strings.ReplaceAll(useLine(c), "-", `\-`)[:len(path)])
		if !found {
			t.Errorf("%s is not there", path)
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !regexp.MustCompile(`(?m)^\\fB(\\-\w, )?\\-\\-` + strings.ReplaceAll(f.Name, "-", `\\-`) + `[ \\]`).MatchString(after) {
				t.Errorf("%s --%s is not there", path, f.Name)
			}
		})
	})
}

// TestFirstConfigurationIsRight: the manual's configuration passes check.
func TestFirstConfigurationIsRight(t *testing.T) {
	cfg, err := config.Parse("manual", []byte(firstConfig), func(name string) (string, bool) {
		return "0123456789abcdef0123456789", name == "ACME_KEY"
	})
	if err != nil {
		t.Fatal(err)
	}
	if w := cfg.Warnings(); len(w) > 0 {
		t.Errorf("warnings %v", w)
	}
	if n := strings.Count(firstConfig, "\n") + 1; n != 10 {
		t.Errorf("%d lines; help.go says ten", n)
	}
}

// TestManualForItsReaders: groff and mandoc find nothing wrong with it.
func TestManualForItsReaders(t *testing.T) {
	page := manual(newRootCommand())
	found := 0
	for _, reader := range [][]string{{"groff", "-man", "-Tutf8", "-ww", "-z"}, {"mandoc", "-Tlint", "-Wwarning"}} {
		if _, err := exec.LookPath(reader[0]); err != nil {
			continue
		}
		found++
		cmd := exec.Command(reader[0], reader[1:]...)
		cmd.Stdin = strings.NewReader(page)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%.2000s", reader[0], err, out)
		}
	}
	if found == 0 && os.Getenv("BINDERY_REQUIRE") == "1" {
		t.Fatal("neither groff nor mandoc here")
	}
	if found == 0 {
		t.Skip("neither groff nor mandoc here")
	}
}
