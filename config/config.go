// Package config reads the gateway's configuration file: YAML (JSON is YAML)
// into typed settings, strictly. Unknown and repeated keys, values of the wrong
// type, numbers out of their range and settings that contradict each other are
// errors, each with its line and all of them at once. cmd loads a file with it,
// package gateway maps the result to what each part of the gateway wants; it
// imports nothing of ours.
//
// # Values
//
// ${NAME} in any value stands for that environment variable; one that is not
// set is an error. $${ is a literal ${. A secret may be given as <key>_file
// instead, the name of a file that holds it (one newline at its end is not part
// of it); that and the files of tls are found relative to the configuration
// file. Durations are written with their unit, 90s or 1h30m. Rates are per
// second.
//
// # Concurrency
//
// None: a Config is made once and read only.
package config

import (
	"errors"
	"fmt"
	"os"
)

// Config is the whole file.
type Config struct {
	Redis    Redis     `yaml:"redis"`
	HTTP     HTTP      `yaml:"http"`
	SMPP     *SMPP     `yaml:"smpp"` // nil: nobody can bind to us
	Accounts []Account `yaml:"accounts"`
	Carriers []Carrier `yaml:"carriers"`
	Routes   []Route   `yaml:"routes"` // first match wins

	name  string // of the file
	lines lines
	notes []Problem // warnings found while reading
}

func (c *Config) setDefaults() {
	c.Redis.setDefaults()
	c.HTTP.setDefaults()
}

// maxFile is the largest configuration taken, octets.
const maxFile = 4 << 20

// Load reads the file at path. A configuration that is wrong is an *Error.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("config: %s is a directory, not a file", path)
	}
	data, err := readBounded(f, maxFile)
	if err != nil {
		return nil, fmt.Errorf("config: %s: %w", path, err)
	}
	return Parse(path, data, os.LookupEnv)
}

// Parse reads a configuration from data. name is the file's, for error messages
// and to find the files that it names; lookupEnv is os.LookupEnv or a test's.
func Parse(name string, data []byte, lookupEnv func(string) (string, bool)) (*Config, error) {
	return parse(name, data, environment{lookupEnv, readFile})
}

func parse(name string, data []byte, env environment) (*Config, error) {
	c := &Config{name: name}
	c.setDefaults()
	d := newDecoder(name, env)
	if root := d.root(data); root != nil {
		d.into(root, "", c)
	}
	c.lines, c.notes = d.lines, d.notes
	k := &checker{lines: d.lines, problems: d.problems, files: env, dir: d.dir, systemIDs: map[string]string{}}
	k.config(c)
	if len(k.problems) > 0 {
		return nil, newError(name, k.problems)
	}
	return c, nil
}

// Problems are what err says line by line, nil when it is not about the content
// of a configuration.
func Problems(err error) []Problem {
	var e *Error
	if errors.As(err, &e) {
		return e.Problems
	}
	return nil
}
