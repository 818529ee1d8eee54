package client

import (
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Flags name a gateway and a key. The key never stands on the command line,
// where every user of the machine may read it.
type Flags struct {
	API     string
	KeyFile string
	Timeout time.Duration
	JSON    bool
}

// DefaultAPI is where `serve` listens by default.
const DefaultAPI = "http://127.0.0.1:8080"

// Environment is told in every help text of these commands.
const Environment = `The gateway is the one at --api or BINDERY_API (` + DefaultAPI + ` by default);
the account's key comes from the environment, BINDERY_API_KEY, or from --key-file.

Exit code: 0 done; 1 refused or failed; 2 wrong flags, nothing was asked; 3 no
answer, or not now (429, 503): the same again may do.`

// Register adds the flags to a command.
func (f *Flags) Register(set *pflag.FlagSet) {
	set.StringVar(&f.API, "api", "", "`ADDRESS` of the gateway (default BINDERY_API, or "+DefaultAPI+")")
	set.StringVar(&f.KeyFile, "key-file", "", "`FILE` that holds the API key (default: BINDERY_API_KEY)")
	set.DurationVar(&f.Timeout, "timeout", 30*time.Second, "longest wait for an answer")
	set.BoolVar(&f.JSON, "json", false, "print JSON, for scripts")
}

// Client makes the client that the flags and the environment describe.
func (f *Flags) Client() (*Client, error) {
	if f.Timeout <= 0 {
		return nil, Usage("such as --timeout 30s", "--timeout: %s is no time to wait", f.Timeout)
	}
	base, from := f.API, "--api"
	if base == "" {
		base, from = os.Getenv("BINDERY_API"), "BINDERY_API"
	}
	if base == "" {
		base, from = DefaultAPI, "the default"
	}
	key, keyFrom, err := f.key()
	if err != nil {
		return nil, err
	}
	c, err := New(base, key, f.Timeout)
	if err != nil {
		return nil, err
	}
	c.baseFrom, c.keyFrom = from, keyFrom
	return c, nil
}

// key answers where it comes from too, and never gets into an error.
func (f *Flags) key() (key, from string, err error) {
	const next = "set BINDERY_API_KEY, or name a file that holds the key by --key-file"
	key, from = os.Getenv("BINDERY_API_KEY"), "BINDERY_API_KEY"
	if f.KeyFile != "" {
		b, err := os.ReadFile(f.KeyFile)
		if err != nil {
			return "", "", Usage(next, "--key-file: %w", err)
		}
		key, from = string(b), "--key-file "+f.KeyFile
	}
	key = strings.TrimSpace(key)
	switch {
	case key == "" && f.KeyFile == "":
		return "", "", Usage(next, "no API key")
	case key == "":
		return "", "", Usage(next, "%s holds no key", from)
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", "", Usage(next, "%s holds more than a key: a key is one word of ASCII", from)
	}
	return key, from, nil
}
