package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// environment is what a configuration may refer to outside of its file.
type environment struct {
	lookup func(string) (string, bool)
	// read answers a file's content, and whether everybody may read it.
	read func(name string) (content []byte, open bool, err error)
}

// maxSecret is the largest file that a setting may name, octets: a bundle of
// certificates fits.
const maxSecret = 1 << 20

// readFile reads a regular file; others (a pipe) could block for ever.
func readFile(name string) ([]byte, bool, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, false, withName(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, false, fmt.Errorf("%s is no regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, false, withName(name, err)
	}
	defer f.Close()
	data, err := readBounded(f, maxSecret)
	if err != nil {
		return nil, false, withName(name, err)
	}
	return data, info.Mode().Perm()&0o004 != 0, nil
}

func withName(name string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("cannot read %s: %w", name, err)
}

func readBounded(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("is larger than %d octets", limit)
	}
	return data, nil
}

// expand puts environment variables in. What comes from one is not looked
// through again.
func (v *value) expand(lookup func(string) (string, bool)) error {
	var out strings.Builder
	rest := v.text
	for {
		i := strings.Index(rest, "${")
		if i < 0 {
			break
		}
		if i > 0 && rest[i-1] == '$' {
			out.WriteString(rest[:i-1] + "${")
			rest = rest[i+2:]
			continue
		}
		name, after, closed := strings.Cut(rest[i+2:], "}")
		if !closed {
			return errors.New("${ has no }; a literal ${ is written $${")
		}
		if !isVariable(name) {
			return errors.New("${…} takes the name of an environment variable, nothing else; a literal ${ is written $${")
		}
		content, ok := lookup(name)
		if !ok {
			return fmt.Errorf("environment variable %s is not set", name)
		}
		out.WriteString(rest[:i] + content)
		rest, v.expanded = after, true
	}
	v.text = out.String() + rest
	return nil
}

func isVariable(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != "" && len(name) <= 128
}
