package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

func load(t *testing.T, name string) *Config {
	t.Helper()
	c, err := parseFile(t, "testdata/good/"+name+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSecretNeverPrints(t *testing.T) {
	const word = "hunter2"
	s := Secret(word)
	inside := struct {
		Password Secret
		List     []Secret
		Map      map[string]Secret
		Ptr      *Secret
	}{s, []Secret{s}, map[string]Secret{"a": s}, &s}
	var outs []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s"} {
		outs = append(outs, fmt.Sprintf(verb, s), fmt.Sprintf(verb, inside))
	}
	js, err := json.Marshal(inside)
	if err != nil {
		t.Fatal(err)
	}
	ym, err := yaml.Marshal(inside)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s)
	outs = append(outs, string(js), string(ym), log.String(), s.String(), s.GoString())
	for _, out := range outs {
		for _, leak := range []string{word, "68756e", "68756E", "hun"} {
			if strings.Contains(out, leak) {
				t.Errorf("%q shows the secret", out)
			}
		}
		if !strings.Contains(out, redacted) && !strings.Contains(out, "0x") {
			t.Errorf("%q does not say that something is hidden", out)
		}
	}
	if string(s) != word {
		t.Errorf("the value is %q", string(s))
	}
}

func TestEnvironmentAndEscape(t *testing.T) {
	c := load(t, "environment")
	if string(c.Redis.URL) != "redis://:hunter2-hunter2-hunter2@h:1/0" || string(c.Accounts[0].APIKey) != "hunter2-hunter2-hunter2" {
		t.Error("the environment is not put in")
	}
	if c.Accounts[0].Rate != 7 || !c.Accounts[0].Admin {
		t.Errorf("number and bool from the environment: %d, %t", c.Accounts[0].Rate, c.Accounts[0].Admin)
	}
	if got := string(c.Carriers[0].Password); got != "a${b}" {
		t.Errorf("$${ became %q", got)
	}
}

// TestExpandOnce: what an environment variable holds is not looked through.
func TestExpandOnce(t *testing.T) {
	v := value{text: "a${X}b${X}"}
	if err := v.expand(func(string) (string, bool) { return "${X}", true }); err != nil || v.text != "a${X}b${X}" || !v.expanded {
		t.Errorf("got %+v, %v", v, err)
	}
}

func TestSecretFile(t *testing.T) {
	c := load(t, "secret_file")
	if got := string(c.Accounts[0].APIKey); got != "key-from-a-file-0123456789" {
		t.Errorf("got %q", got)
	}
}

func TestAnchorsAndMerge(t *testing.T) {
	c := load(t, "anchors")
	a, b, third := c.Carriers[0], c.Carriers[1], c.Carriers[2]
	if b.ID != "b" || b.Window != 7 || b.Retry.Temporary != 2 || b.Retry.Uncertain != 3 || b.Addresses[0] != a.Addresses[0] {
		t.Errorf("b: %+v", b)
	}
	if third.ID != "c" || third.Binds != 4 || third.Window != 7 {
		t.Errorf("c: %+v", third)
	}
}

// TestWords: what YAML takes for a number or a bool is a text as written where
// a text is wanted, leading zeros and all.
func TestWords(t *testing.T) {
	c := load(t, "words").Carriers[0]
	if string(c.Password) != "0123" || c.SystemType != "true" {
		t.Errorf("password %q, system_type %q", string(c.Password), c.SystemType)
	}
	if c.MessageID != (MessageID{"auto", "decimal"}) {
		t.Errorf("message_id %+v", c.MessageID)
	}
	if _, offset := time.Now().In(c.Location()).Zone(); offset != 9*3600 {
		t.Errorf("zone %+d s", offset)
	}
	if got := load(t, "json").Carriers[0].MessageID; got != (MessageID{"hex", "hex"}) {
		t.Errorf("one word for both: %+v", got)
	}
}

func TestAllow(t *testing.T) {
	allow := load(t, "accept").Carriers[0].Accept.Allow
	if !allow[0].Contains(netip.MustParseAddr("10.9.9.9")) || allow[0].Contains(netip.MustParseAddr("11.0.0.1")) || !allow[1].Contains(netip.IPv6Loopback()) {
		t.Errorf("got %v", allow)
	}
}

func TestFilesAreFoundBesideTheConfiguration(t *testing.T) {
	c := load(t, "tls")
	if c.HTTP.TLS.Cert != "testdata/tls/server.pem" || c.Carriers[0].TLS.CA != "testdata/tls/server.pem" {
		t.Errorf("got %q, %q", c.HTTP.TLS.Cert, c.Carriers[0].TLS.CA)
	}
}

func TestDefaults(t *testing.T) {
	c := load(t, "defaults")
	if string(c.Redis.URL) != "redis://127.0.0.1:6379/0" || c.HTTP.Listen != "127.0.0.1:8080" || c.SMPP != nil || c.HTTP.TLS != nil {
		t.Errorf("got %+v", c)
	}
}
