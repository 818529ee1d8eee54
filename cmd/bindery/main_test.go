package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain puts this test binary into PATH under the name bindery, so that
// tests run the real command as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bindery": func() { os.Exit(run(os.Args[1:])) }})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}
