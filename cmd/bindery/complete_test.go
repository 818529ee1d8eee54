package main

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// completed is what a shell is offered behind some words, and the directive,
// as cobra's __complete prints both.
func completed(t *testing.T, dir string, environment []string, args ...string) (words []string, directive string) {
	t.Helper()
	cmd := exec.Command("bindery", append([]string{"__completeNoDesc"}, args...)...)
	cmd.Dir, cmd.Env = dir, append([]string{"PATH=" + os.Getenv("PATH")}, environment...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for _, w := range lines[:len(lines)-1] {
		if strings.HasPrefix(w, args[len(args)-1]) { // as shells do
			words = append(words, w)
		}
	}
	return words, lines[len(lines)-1]
}

// Directives as cobra numbers them.
const (
	noFiles   = ":4"
	byEnding  = ":8"
	moreWords = ":6" // no file, and no blank behind
	anyFile   = ":0"
)

const northAndSouth = `accounts: [{id: acme, api_key: "0123456789abcdef0123456789"}]
carriers:
  - {id: north, address: "127.0.0.1:1", system_id: a, password: b}
  - {id: south, address: "127.0.0.1:1", system_id: a, password: b}
routes: [{id: all, carriers: [north, south]}]
`

func TestCompletion(t *testing.T) {
	api := httptest.NewServer(contractAPI())
	defer api.Close()
	asked := []string{"BINDERY_API=" + api.URL, "BINDERY_API_KEY=" + contractKey}
	nobody := []string{"BINDERY_API=http://127.0.0.1:1", "BINDERY_API_KEY=key"}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bindery.yaml"), []byte(northAndSouth), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args        string
		environment []string
		want        string
		directive   string
	}{
		{"car", nil, "carriers", noFiles},
		{"carriers ", nil, "pause resume", noFiles},
		{"help carriers ", nil, "pause resume", noFiles},
		{"carriers pause ", asked, "alpha beta", noFiles},
		{"carriers resume alpha ", asked, "beta", noFiles},
		{"carriers pause ", nobody, "north south", noFiles},
		{"carriers pause ", []string{"BINDERY_API=" + api.URL, "BINDERY_API_KEY=no-admin"}, "north south", noFiles},
		{"carriers pause ", nil, "north south", noFiles},
		{"carriers pause north s", nil, "south", noFiles},
		{"check --config ", nil, "yaml yml json", byEnding},
		{"serve -c ", nil, "yaml yml json", byEnding},
		{"send --file ", nil, "csv tsv ndjson jsonl", byEnding},
		{"send --priority ", nil, "bulk normal urgent", noFiles},
		{"send --encoding ucs", nil, "ucs2", noFiles},
		{"send --to ", nil, "", noFiles},
		{"send --refused ", nil, "", anyFile},
		{"send --key-file ", nil, "", anyFile},
		{"tail --status delivered,un", nil, "delivered,undelivered delivered,unknown", moreWords},
		{"simulate --receipt-form tlv", nil, "tlv tlv-only", noFiles},
		{"simulate --tls-cert ", nil, "pem crt key", byEnding},
		{"simulate --latency ", nil, "", noFiles},
		{"simulate --intermediate enroute,acc", nil, "enroute,accepted", moreWords},
		{"status ", nil, "", noFiles},
		{"completion ", nil, "bash zsh fish powershell", noFiles},
	} {
		words, directive := completed(t, dir, c.environment, strings.Split(c.args, " ")...)
		want := strings.Fields(c.want)
		slices.Sort(want)
		slices.Sort(words)
		if !slices.Equal(words, want) || directive != c.directive {
			t.Errorf("%q: %q %s, want %q %s", c.args, words, directive, want, c.directive)
		}
	}
}

// TestEveryFlagCompletes: a flag that takes a value offers its words, the
// endings of its files, or nothing; files only where it takes a file.
func TestEveryFlagCompletes(t *testing.T) {
	files := []string{"key-file", "refused", "record"}
	for _, c := range []*cobra.Command{newSendCommand(), newStatusCommand(), newTailCommand(), newCarriersCommand(), newQueueCommand(), newSimulateCommand(), newServeCommand(), newCheckCommand()} {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Value.Type() == "bool" || f.Value.Type() == "int" || f.Name == "help" {
				return
			}
			if _, ok := c.GetFlagCompletionFunc(f.Name); ok == slices.Contains(files, f.Name) {
				t.Errorf("%s --%s completes: %t", c.Name(), f.Name, ok)
			}
		})
	}
}

// TestBashCompletes sources the script in a real bash, and asks it as readline
// would.
func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	script := filepath.Join(t.TempDir(), "bindery.bash")
	out, err := exec.Command("bindery", "completion", "bash").Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(script, out, 0o600); err != nil {
		t.Fatal(err)
	}
	// What bash-completion would do before; the script needs no more of it.
	const ask = `
_get_comp_words_by_ref() { words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; cur=${COMP_WORDS[COMP_CWORD]}; prev=${COMP_WORDS[COMP_CWORD-1]}; }
_init_completion() { _get_comp_words_by_ref; }
__ltrim_colon_completions() { :; }
compopt() { :; }
source "$1"
COMP_WORDS=(bindery simulate --ids hex-u) COMP_CWORD=3 COMP_LINE="bindery simulate --ids hex-u" COMP_POINT=28 COMP_TYPE=9
__start_bindery
printf '%s\n' "${COMPREPLY[@]}"`
	out, err = exec.Command(bash, "--norc", "-c", ask, "bash", script).CombinedOutput()
	if got := strings.Join(strings.Fields(string(out)), " "); err != nil || got != "hex-upper hex-upper-padded" {
		t.Errorf("%v %q", err, got)
	}
}
