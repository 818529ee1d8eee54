package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func texts(ps []Problem) (list []string) {
	for _, p := range ps {
		list = append(list, p.String())
	}
	return list
}

func TestUnserved(t *testing.T) {
	const file = `redis: {history: {memory: 30%}}
smpp: {}
accounts:
  - id: a
    api_key: 0123456789abcdefghijklm
    smpp: {system_id: s, password: p}
    webhook: {url: "https://example.com", secret: "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}
    rate: 5
    inbox: true
    ordered: true
carriers:
  - {id: c, accept: {system_id: t, password: p}, time_zone: "+09:00"}
routes: [{id: d, carriers: [c]}]
`
	c, err := Parse("x.yaml", []byte(file), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	got := texts(c.Unserved())
	want := []string{"1: redis.history.memory: ", "2: smpp: ", "6: accounts[0].smpp: ", "7: accounts[0].webhook: ", "9: accounts[0].inbox: ", "10: accounts[0].ordered: ", "12: carriers[0].accept: ", "12: carriers[0].time_zone: "}
	if len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]+"is not served by this version") {
			t.Errorf("got %q, want %q…", got[i], want[i])
		}
	}
	for name, why := range map[string]string{"minimal": "nothing", "json": "nothing", "tls": "nothing"} {
		if list := load(t, name).Unserved(); len(list) > 0 {
			t.Errorf("%s uses %s that is unserved, got %q", name, why, texts(list))
		}
	}
}

func TestWarnings(t *testing.T) {
	const file = `accounts: [{id: a, api_key: short}]
carriers:
  - {id: c, address: "h:1", system_id: s, tls: {insecure: true}}
  - {id: unused, address: "h:1", system_id: s}
routes:
  - {id: all, carriers: [c]}
  - {id: never, match: {prefix: ["+82"]}, carriers: [c]}
`
	c, err := Parse("x.yaml", []byte(file), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(texts(c.Warnings()), "\n")
	for _, want := range []string{"1: accounts[0].api_key: is shorter", "3: carriers[0].tls.insecure: ", "4: carriers[1]: no route", "7: routes[1]: is never reached"} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "\n") + 1; n != 4 {
		t.Errorf("%d warnings:\n%s", n, got)
	}
	if list := texts(load(t, "defaults").Warnings()); len(list) != 2 {
		t.Errorf("no account, no route: %q", list)
	}
	if list := load(t, "minimal").Warnings(); len(list) != 0 {
		t.Errorf("minimal: %q", texts(list))
	}
}

func TestWarnsOfOpenSecretFile(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	for mode, want := range map[os.FileMode]int{0o644: 1, 0o600: 0} {
		if err := os.WriteFile(key, []byte("0123456789abcdefghijklm"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(key, mode); err != nil {
			t.Fatal(err)
		}
		c, err := Parse(filepath.Join(dir, "x.yaml"), []byte("accounts:\n- {id: a, api_key_file: key}\nroutes: []\n"), testEnv)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(strings.Join(texts(c.Warnings()), "\n"), "2: accounts[0].api_key_file: everybody"); got != want {
			t.Errorf("mode %o: %d warnings, want %d", mode, got, want)
		}
	}
}
