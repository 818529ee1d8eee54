package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// into decodes a node into what target points at.
func (d *decoder) into(n ast.Node, path string, target any) {
	if n = d.resolve(n, path); n == nil {
		return
	}
	if _, ok := d.lines[path]; !ok {
		d.lines[path] = lineOf(n)
	}
	if n.Type() == ast.NullType {
		d.at(n, path, "has no value; leave the key out or give one")
		return
	}
	if s, ok := target.(scalar); ok {
		d.scalar(n, path, s)
		return
	}
	if w, ok := target.(word); ok && !isMapping(n) {
		d.scalar(n, path, scalarFunc(func(v value) error { return w.setWord(v.text) }))
		return
	}
	v := reflect.ValueOf(target).Elem()
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.into(n, path, v.Interface())
	case reflect.Struct:
		d.structure(n, path, v)
	case reflect.Slice:
		d.list(n, path, v)
	case reflect.Map:
		d.table(n, path, v)
	default:
		d.scalar(n, path, primitive{v})
	}
}

func isMapping(n ast.Node) bool {
	return n.Type() == ast.MappingType || n.Type() == ast.MappingValueType
}

func (d *decoder) list(n ast.Node, path string, v reflect.Value) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		if text := nodeText(n); kindOf(n) == single && text != "" && text != "|" && text != ">" {
			d.at(n, path, "want a list, got a single value; is [%s] meant?", plainKey(text))
			return
		}
		d.at(n, path, "want a list, got %s", kindOf(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values)))
	for i, e := range seq.Values {
		p := fmt.Sprintf("%s[%d]", path, i)
		d.lines[p] = lineOf(e)
		d.into(e, p, v.Index(i).Addr().Interface())
	}
}

// table decodes a mapping whose keys are the user's. A key that reads itself may
// be written in more than one way, and still stands once.
func (d *decoder) table(n ast.Node, path string, v reflect.Value) {
	pairs, ok := d.pairs(n, path)
	if !ok {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, p := range pairs {
		key := reflect.New(v.Type().Key())
		if own, ok := key.Interface().(interface{ setKey(string) error }); !ok {
			key.Elem().SetString(p.key)
		} else if err := own.setKey(p.key); err != nil {
			d.problem(p.line, p.path, "%v", err)
			continue
		} else if v.MapIndex(key.Elem()).IsValid() {
			d.problem(p.line, p.path, "is given twice, the first time written differently")
			continue
		}
		e := reflect.New(v.Type().Elem())
		d.into(p.value, p.path, e.Interface())
		v.SetMapIndex(key.Elem(), e.Elem())
	}
}

// scalar decodes a single value.
func (d *decoder) scalar(n ast.Node, path string, s scalar) {
	val := value{}
	switch n := n.(type) {
	case *ast.StringNode:
		if n.Token.Type == token.StringType && strings.HasPrefix(n.Value, "“") {
			d.at(n, path, "stands in typographic quotes; YAML wants \" or '")
			return
		}
		val.text, val.quoted = n.Value, true
	case *ast.LiteralNode:
		val.text, val.quoted = n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		val.text = nodeText(n)
	default:
		d.at(n, path, "want a single value, got %s", kindOf(n))
		return
	}
	if err := val.expand(d.env.lookup); err != nil {
		d.at(n, path, "%v", err)
		return
	}
	if err := s.set(val); err != nil {
		d.at(n, path, "%v", err)
	}
}

// value is a scalar as the file has it, environment put in.
type value struct {
	text string
	// quoted: YAML takes it for a text, whether or not it stood in quotes.
	quoted bool
	// expanded: something of it came from the environment. Then it may be a
	// secret, and no error quotes it.
	expanded bool
}

// show quotes the value for an error.
func (v value) show() string {
	if v.expanded {
		return "what the environment gives"
	}
	return strconv.Quote(v.text)
}

// scalar is a target that reads itself from a single value.
type scalar interface{ set(v value) error }

type scalarFunc func(value) error

func (f scalarFunc) set(v value) error { return f(v) }

// word is a structure for which the file may give one word.
type word interface{ setWord(string) error }
