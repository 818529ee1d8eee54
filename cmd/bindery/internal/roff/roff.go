// Package roff writes manual pages in the man macros, which groff and mandoc
// read. The man command calls it; it calls nothing of the project.
//
// A Page belongs to one goroutine.
package roff

import (
	"fmt"
	"strings"
)

// Page is a manual page being written.
type Page struct {
	b     strings.Builder
	fresh bool // a heading was the last: it begins a paragraph by itself
}

// New begins a page. section is its chapter of the manual, as in "1".
func New(name, section, date, source, manual string) *Page {
	p := &Page{}
	// The date is read, so its dashes stand as they are.
	fmt.Fprintf(&p.b, ".TH %s %s \"%s\" %s %s\n", quote(strings.ToUpper(name)), quote(section), date, quote(source), quote(manual))
	p.b.WriteString(".nh\n.ad l\n") // neither hyphens nor stretched lines: most of it is typed as it stands
	return p
}

// String is the page so far.
func (p *Page) String() string { return p.b.String() }

// macro writes a request whose arguments are texts.
func (p *Page) macro(name string, args ...string) {
	p.b.WriteString("." + name)
	for _, a := range args {
		p.b.WriteString(" " + quote(a))
	}
	p.b.WriteByte('\n')
}

// quote makes a text an argument.
func quote(s string) string { return `"` + strings.ReplaceAll(escape(s), `"`, `\(dq`) + `"` }

// Section begins a section, Sub one inside it.
func (p *Page) Section(title string) {
	p.macro("SH", title)
	p.fresh = true
}

// Sub begins a section inside a section.
func (p *Page) Sub(title string) {
	p.macro("SS", title)
	p.fresh = true
}

// part begins a paragraph where none has begun.
func (p *Page) part() {
	if !p.fresh {
		p.b.WriteString(".PP\n")
	}
	p.fresh = false
}

// Text writes paragraphs, which blank lines part. Lines that begin with two
// blanks stand as they are.
func (p *Page) Text(text string) {
	var fill, plain []string
	flush := func() {
		p.paragraph(fill)
		p.Plain(plain...)
		fill, plain = nil, nil
	}
	for _, line := range strings.Split(strings.Trim(text, "\n"), "\n") {
		indented := strings.HasPrefix(line, "  ")
		if line == "" && len(plain) == 0 || indented && len(fill) > 0 || line != "" && !indented && len(plain) > 0 {
			flush()
		}
		switch {
		case indented, line == "" && len(plain) > 0:
			plain = append(plain, strings.TrimPrefix(line, "  "))
		case line != "":
			fill = append(fill, line)
		}
	}
	flush()
}

func (p *Page) paragraph(lines []string) {
	if len(lines) == 0 {
		return
	}
	p.part()
	for _, l := range lines {
		p.b.WriteString(line(l))
	}
}

// Plain writes lines as they stand, indented.
func (p *Page) Plain(lines ...string) {
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	if len(lines) == 0 {
		return
	}
	p.part()
	p.b.WriteString(".RS 4\n.nf\n")
	for _, l := range lines {
		if l == "" {
			p.b.WriteString(".sp\n") // an empty line is bad style to mandoc
			continue
		}
		p.b.WriteString(line(l))
	}
	p.b.WriteString(".fi\n.RE\n")
}

// Item writes a term and what it means.
func (p *Page) Item(term, meaning string) {
	p.fresh = false
	p.b.WriteString(".TP\n")
	p.b.WriteString(`\fB` + escape(term) + "\\fR\n")
	for _, l := range strings.Split(meaning, "\n") {
		p.b.WriteString(line(l))
	}
}

// line is a line of text, which no reader may take for a request.
func line(s string) string {
	s = escape(s)
	if s != "" && (s[0] == '.' || s[0] == '\'') {
		s = `\&` + s
	}
	return strings.TrimRight(s, " ") + "\n"
}

// escapes are the characters that roff, or the fonts of a terminal, would show
// as others: what is copied from the page must be what was typed.
var escapes = map[rune]string{'\\': `\e`, '-': `\-`, '\'': `\(aq`, '`': `\(ga`, '^': `\(ha`, '~': `\(ti`}

func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		e, special := escapes[r]
		switch {
		case special:
			b.WriteString(e)
		case r == '\t' || r == '\n':
			b.WriteByte(' ')
		case r < ' ' || r == 0x7F:
			b.WriteByte('?')
		case r > '~':
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
