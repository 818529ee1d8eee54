package config

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// decoder walks the syntax tree of a file along the fields of Config. It keeps
// going after a problem, so that one run tells all of them.
type decoder struct {
	env      environment
	dir      string // of the file: what it names is relative to it
	lines    lines
	problems []Problem
	notes    []Problem // not wrong, but worth a warning
	anchors  map[string]ast.Node
}

func newDecoder(name string, env environment) *decoder {
	return &decoder{env: env, dir: filepath.Dir(name), lines: lines{}, anchors: map[string]ast.Node{}}
}

func (d *decoder) problem(line int, path, format string, args ...any) {
	d.problems = append(d.problems, Problem{max(1, line), path, fmt.Sprintf(format, args...)})
}

// at reports a problem with the value at a path.
func (d *decoder) at(n ast.Node, path, format string, args ...any) {
	d.problem(d.lineOf(n, path), path, format, args...)
}

// lineOf is where the value at path begins, or n where the path is not known.
func (d *decoder) lineOf(n ast.Node, path string) int {
	if line, ok := d.lines[path]; ok {
		return line
	}
	return lineOf(n)
}

// maxNesting of brackets: the parser is recursive, and no setting of ours lies
// deeper than six.
const maxNesting = 64

// root parses data and answers the top of its tree, nil after a problem.
func (d *decoder) root(data []byte) ast.Node {
	if len(data) > maxFile {
		d.problem(1, "", "the file is larger than %d octets", maxFile)
		return nil
	}
	if line, what := notText(data); line > 0 {
		d.problem(line, "", "%s; save the file as UTF-8", what)
		return nil
	}
	if line := tooNested(data); line > 0 {
		d.problem(line, "", "nested deeper than %d levels", maxNesting)
		return nil
	}
	file, err := parseYAML(data)
	if err != nil {
		d.syntax(err)
		return nil
	}
	var docs []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.CommentType {
			docs = append(docs, doc.Body)
		}
	}
	switch len(docs) {
	case 0:
		d.problem(1, "", "the file is empty")
		return nil
	case 1:
		return docs[0]
	}
	d.problem(lineOf(docs[1]), "", "a second document; the file is one")
	return nil
}

// parseYAML keeps a panic of the parser, which is not ours, from ending a
// gateway that only reloads its file.
func parseYAML(data []byte) (file *ast.File, err error) {
	data = bytes.TrimPrefix(data, []byte("\uFEFF")) // editors on Windows write one, and the parser takes it for text
	defer func() {
		if r := recover(); r != nil {
			file, err = nil, errors.New("not YAML that the parser copes with")
		}
	}()
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
}

func (d *decoder) syntax(err error) {
	var at interface {
		GetMessage() string
		GetToken() *token.Token
	}
	if errors.As(err, &at) {
		line := 1
		if t := at.GetToken(); t != nil && t.Position != nil {
			line = t.Position.Line
		}
		d.problem(line, "", "not YAML: %s", plainSyntax(at.GetMessage()))
		return
	}
	d.problem(1, "", "not YAML: %v", err)
}

// syntaxHints put what people do wrong beside what the parser says of it, by
// how its words begin.
var syntaxHints = []struct{ said, hint string }{
	{"found character '\t' that cannot start any token", "a tab indents this line; YAML takes blanks only"},
	{"tab character cannot", "a tab indents this line; YAML takes blanks only"},
	{"unexpected key name", "not KEY: VALUE; is there a blank behind each colon, here and on the lines before?"},
	{"value is not allowed in this context", "out of place; is the line indented as its neighbours are?"},
	{"could not find end character", "a quote is opened here and never closed"},
}

func plainSyntax(said string) string {
	for _, h := range syntaxHints {
		if strings.HasPrefix(said, h.said) {
			return h.hint
		}
	}
	return plain(said)
}

// notText answers the line of the first octet that is not UTF-8, 0 for none,
// and what it is.
func notText(data []byte) (line int, what string) {
	if bytes.HasPrefix(data, []byte{0xFF, 0xFE}) || bytes.HasPrefix(data, []byte{0xFE, 0xFF}) {
		return 1, "is UTF-16"
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return 1 + bytes.Count(data[:i], []byte{'\n'}), fmt.Sprintf("the octet 0x%02X is not UTF-8", data[i])
		}
		i += size
	}
	return 0, ""
}

// tooNested answers the first line on which more brackets or block sequences
// are open than maxNesting; 0 for none. Brackets inside quotes count too, which
// only ever refuses what nobody writes.
func tooNested(data []byte) int {
	line, open, dashes := 1, 0, 0
	fresh := true // nothing but blanks and dashes on this line yet
	for _, c := range data {
		switch c {
		case '\n':
			line, dashes, fresh = line+1, 0, true
			continue
		case '[', '{':
			open++
		case ']', '}':
			open = max(0, open-1)
		case '-', '?', ':':
			if fresh {
				dashes++
			}
		case ' ', '\t':
		default:
			fresh = false
		}
		if open > maxNesting || dashes > maxNesting {
			return line
		}
	}
	return 0
}

// lineOf is the line on which a node begins.
func lineOf(n ast.Node) int {
	var t *token.Token
	switch n := n.(type) {
	case nil:
		return 1
	case *ast.MappingNode:
		t = n.Start
		if !n.IsFlowStyle && len(n.Values) > 0 {
			t = n.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		t = n.Key.GetToken()
	case *ast.SequenceNode:
		t = n.Start
	default:
		t = n.GetToken()
	}
	if t == nil || t.Position == nil {
		return 1
	}
	return t.Position.Line
}

// kindOf is what a node is called in a message.
func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	}
	return single
}

const single = "a single value"

// resolve follows aliases and takes anchors off. It answers nil, and says so,
// for what it cannot follow.
func (d *decoder) resolve(n ast.Node, path string) ast.Node {
	for range maxNesting {
		switch v := n.(type) {
		case *ast.AnchorNode:
			d.anchors[nodeText(v.Name)] = v.Value
			n = v.Value
		case *ast.AliasNode:
			target, ok := d.anchors[nodeText(v.Value)]
			if !ok {
				d.at(n, path, "alias *%s has no anchor before it", plainKey(nodeText(v.Value)))
				return nil
			}
			n = target
		case *ast.TagNode:
			d.at(n, path, "tags are not taken")
			return nil
		default:
			return n
		}
	}
	d.at(n, path, "an alias of itself")
	return nil
}

func nodeText(n ast.Node) string {
	if n == nil || n.GetToken() == nil {
		return ""
	}
	return n.GetToken().Value
}

// plainKey makes what stands for a key fit for an error line.
func plainKey(key string) string {
	if len(key) > 64 {
		key = key[:64] + "…"
	}
	return plain(key)
}

func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
