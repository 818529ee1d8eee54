package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a string that never prints itself; string(s) is its value.
type Secret string

const redacted = "***"

// String, GoString, Format, MarshalJSON, MarshalYAML, MarshalText and LogValue
// are all ways in which a value finds its way into a log.
func (Secret) String() string { return redacted }

// GoString is for %#v.
func (Secret) GoString() string { return redacted }

// Format is for every verb of package fmt, %x and %d too.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalJSON hides the value in JSON.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalYAML hides the value in YAML.
func (Secret) MarshalYAML() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText hides the value from whatever encodes by it.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue hides the value in log/slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
