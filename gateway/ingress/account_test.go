package ingress

import (
	"strings"
	"testing"
)

func credential(id, key string) Credential {
	h := HashKey(key)
	return Credential{Account{ID: id}, &h}
}

func TestAuthenticate(t *testing.T) {
	a, err := NewAccounts([]Credential{credential("acme", "sesame"), credential("shop", "open"), {Account: Account{ID: "keyless"}}})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"sesame": "acme", "open": "shop", "": "", "Sesame": "", "sesame ": "", "sesam": ""} {
		got, ok := a.Authenticate(key)
		if ok != (want != "") || ok && got.ID != want {
			t.Errorf("%q: got %+v, %t", key, got, ok)
		}
	}
	if err := a.Set([]Credential{credential("x", "k"), credential("y", "k")}); err == nil || strings.Contains(err.Error(), "k is") {
		t.Errorf("one key for two: %v", err)
	}
	if _, ok := a.Authenticate("sesame"); !ok {
		t.Error("a table that cannot be has changed something")
	}
	if err := a.Set([]Credential{credential("acme", "new")}); err != nil {
		t.Fatal(err)
	}
	if _, ok := a.Authenticate("sesame"); ok {
		t.Error("a key that is gone still opens")
	}
	if got, ok := a.Authenticate("new"); !ok || got.ID != "acme" {
		t.Error("a new key does not open")
	}
}
