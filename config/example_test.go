package config

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestExampleIsWhole loads the example and wants every key of every struct in
// it. A key that is left to prose (api_key beside api_key_sha256) would not be
// found by whoever searches the file.
func TestExampleIsWhole(t *testing.T) {
	c, err := Load("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]bool{}
	for path := range c.lines {
		for strings.Contains(path, "[") { // accounts[1].id -> accounts.id
			i, j := strings.IndexByte(path, '['), strings.IndexByte(path, ']')
			path = path[:i] + path[j+1:]
		}
		given[path] = true
	}
	keys := keysOf(reflect.TypeFor[Config](), "")
	if len(keys) < 60 {
		t.Fatalf("only %d keys found: %v", len(keys), keys)
	}
	for _, key := range keys {
		if !given[key] {
			t.Errorf("example.yaml lacks %s", key)
		}
	}
}

func keysOf(t reflect.Type, path string) (keys []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[Prefix]() || t == reflect.TypeFor[Numbering]() {
		return nil
	}
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "" {
			keys = append(keys, join(path, tag))
			keys = append(keys, keysOf(t.Field(i).Type, join(path, tag))...)
		}
	}
	return keys
}

// TestExampleShowsDefaults: where the example's first carrier, first account
// and servers give a value that has a default, it is that default.
func TestExampleShowsDefaults(t *testing.T) {
	c, err := Load("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var want Config
	want.setDefaults()
	alpha := c.Carriers[0]
	var carrier Carrier
	carrier.setDefaults()
	ignore := cmpopts.IgnoreFields(Carrier{}, "ID", "Address", "Addresses", "SystemID", "Password", "DataCoding", "Statuses", "TLS")
	for _, diff := range []string{
		cmp.Diff(want.Redis, c.Redis),
		cmp.Diff(want.HTTP, c.HTTP, cmpopts.IgnoreFields(HTTP{}, "TLS")),
		cmp.Diff(carrier, alpha, ignore),
		cmp.Diff(10, c.Accounts[0].SMPP.MaxBinds), cmp.Diff(1000, c.Accounts[0].SMPP.Window),
		cmp.Diff(1, c.Accounts[0].Webhook.Batch), cmp.Diff("127.0.0.1:2775", c.SMPP.Listen),
	} {
		if diff != "" {
			t.Error(diff)
		}
	}
	// The numbers themselves are those of the public interface.
	if alpha.Window != 50 || alpha.Binds != 2 || alpha.Rate != 500 || alpha.ResponseTimeout != 10*time.Second || c.Redis.Lease != 10*time.Second {
		t.Errorf("defaults have moved: %+v", alpha)
	}
}

func TestExampleSaysUnitsOfDurations(t *testing.T) {
	text, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "Durations carry their unit") || !strings.Contains(string(text), "Rates are per second") {
		t.Error("the example does not say how durations and rates are written")
	}
}
