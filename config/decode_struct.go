package config

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// pair is a key of a mapping with its value.
type pair struct {
	key   string
	path  string
	line  int
	value ast.Node
}

// pairs lists a mapping's keys in order, repeated ones reported, those of <<
// behind its own.
func (d *decoder) pairs(n ast.Node, path string) ([]pair, bool) {
	own, merges, ok := d.entries(n, path)
	if !ok {
		return nil, false
	}
	seen := map[string]int{}
	var list []pair
	for _, p := range own {
		if line, twice := seen[p.key]; twice {
			d.problem(p.line, p.path, "is given twice, first on line %d", line)
			continue
		}
		seen[p.key] = p.line
		list = append(list, p)
	}
	for _, p := range d.merged(merges, path) {
		if _, over := seen[p.key]; !over {
			seen[p.key] = p.line
			list = append(list, p)
		}
	}
	for _, p := range list {
		d.lines[p.path] = p.line
	}
	return list, true
}

// entries lists a mapping's own pairs, and what its << keys name.
func (d *decoder) entries(n ast.Node, path string) (own []pair, merges []ast.Node, ok bool) {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		d.at(n, path, "want a mapping, got %s", kindOf(n))
		return nil, nil, false
	}
	for _, v := range values {
		if v.Key.IsMergeKey() {
			merges = append(merges, v.Value)
			continue
		}
		key := nodeText(v.Key)
		own = append(own, pair{key, join(path, plainKey(key)), lineOf(v.Key), v.Value})
	}
	return own, merges, true
}

// merged are the pairs of the mappings that << names, the first first. One
// level is enough for settings.
func (d *decoder) merged(merges []ast.Node, path string) (all []pair) {
	for _, n := range merges {
		sources := []ast.Node{n}
		if seq, ok := n.(*ast.SequenceNode); ok {
			sources = seq.Values
		}
		for _, s := range sources {
			if s = d.resolve(s, path); s == nil {
				continue
			}
			own, deeper, _ := d.entries(s, path)
			if len(deeper) > 0 {
				d.problem(lineOf(s), path, "<< inside of what << names is not taken")
			}
			all = append(all, own...)
		}
	}
	return all
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// structure decodes a mapping into a struct. Its keys are the yaml tags.
func (d *decoder) structure(n ast.Node, path string, v reflect.Value) {
	if t, ok := v.Addr().Interface().(interface{ setDefaults() }); ok {
		t.setDefaults()
	}
	pairs, ok := d.pairs(n, path)
	if !ok {
		return
	}
	fields := fieldsOf(v)
	for _, p := range pairs {
		if f, ok := fields[p.key]; ok {
			d.into(p.value, p.path, f.Addr().Interface())
			continue
		}
		if f, ok := fields[strings.TrimSuffix(p.key, fileSuffix)]; ok && isSecret(f) {
			d.secretFile(p, f, slices.ContainsFunc(pairs, func(o pair) bool { return o.key+fileSuffix == p.key }))
			continue
		}
		d.problem(p.line, p.path, "unknown key%s", suggest(p.key, fields))
	}
}

// fileSuffix makes a secret's key that of a file which holds it.
const fileSuffix = "_file"

func isSecret(v reflect.Value) bool { return v.Type() == reflect.TypeFor[Secret]() }

func (d *decoder) secretFile(p pair, f reflect.Value, both bool) {
	if both {
		d.problem(p.line, p.path, "is given beside %s; leave one of them out", strings.TrimSuffix(p.key, fileSuffix))
		return
	}
	d.lines[strings.TrimSuffix(p.path, fileSuffix)] = p.line
	before := len(d.problems)
	var name string
	d.into(p.value, p.path, &name)
	if len(d.problems) > before {
		return
	}
	if name == "" {
		d.problem(p.line, p.path, "names no file")
		return
	}
	content, open, err := d.env.read(d.abs(name))
	if err != nil {
		d.problem(p.line, p.path, "%v", err)
		return
	}
	if open {
		d.notes = append(d.notes, Problem{p.line, p.path, "everybody on this machine may read the file; chmod 600 it"})
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if err := f.Addr().Interface().(scalar).set(value{text: text, quoted: true, expanded: true}); err != nil {
		d.problem(p.line, p.path, "%v", err)
	}
}

func (d *decoder) abs(name string) string { return absolute(d.dir, name) }

func absolute(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

func fieldsOf(v reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		if key := v.Type().Field(i).Tag.Get("yaml"); key != "" {
			fields[key] = v.Field(i)
		}
	}
	return fields
}

// suggest names the key that was probably meant.
func suggest(key string, fields map[string]reflect.Value) string {
	best, distance := "", 3
	for _, f := range sortedKeys(fields) {
		if n := editDistance(key, f); n < distance {
			best, distance = f, n
		}
	}
	if best != "" {
		return "; is " + best + " meant?"
	}
	return "; the keys here are " + strings.Join(sortedKeys(fields), ", ")
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// editDistance is Levenshtein's; a long key is like no other.
func editDistance(a, b string) int {
	if len(a) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
