// Package screen writes for people: a progress line that keeps to the width of
// the terminal, tables, and text from elsewhere made harmless. The subcommands
// of bindery call it; it calls nothing of the project.
//
// A Screen belongs to one goroutine.
package screen

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// unknownWidth is what a terminal that does not tell its width is taken to have.
const unknownWidth = 80

// Screen is an output with at most one progress line at its end.
type Screen struct {
	w     io.Writer
	fd    int // of the terminal; -1: no terminal
	plain bool
	open  bool // a progress line stands there
}

// New looks at w. NO_COLOR (https://no-color.org) and TERM=dumb keep escape
// sequences away: progress is then told as if piped.
func New(w io.Writer) *Screen {
	s := &Screen{w: w, fd: -1, plain: true}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.fd = int(f.Fd())
		s.plain = os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb"
	}
	return s
}

// Plain writes lines only, even on a terminal: other output runs between them.
func Plain(w io.Writer) *Screen { return &Screen{w: w, fd: -1, plain: true} }

// Live tells whether a progress line can be redrawn in its place.
func (s *Screen) Live() bool { return !s.plain }

// Width is the columns of a line. What is no terminal has no end.
func (s *Screen) Width() int {
	if s.fd < 0 {
		return 1 << 20
	}
	// Asked each time: the window may have been resized.
	if w, _, err := term.GetSize(s.fd); err == nil && w > 0 {
		return w
	}
	return unknownWidth
}

// Progress draws the line anew. Where lines cannot be redrawn it is a line of
// its own; how often, the caller decides by Live.
func (s *Screen) Progress(line string) {
	if s.plain {
		fmt.Fprintln(s.w, line)
		return
	}
	// One column is left free: many terminals wrap when the last is written.
	fmt.Fprintf(s.w, "\r\x1b[K%s", Shorten(line, s.Width()-1))
	s.open = true
}

// End leaves the progress line as it stands, and goes on below it.
func (s *Screen) End() {
	if s.open {
		fmt.Fprintln(s.w)
		s.open = false
	}
}

// Shorten cuts a line to at most width columns.
func Shorten(line string, width int) string {
	runes := []rune(line)
	if len(runes) <= width {
		return line
	}
	if width < 2 {
		return string(runes[:max(width, 0)])
	}
	return string(runes[:width-1]) + "…"
}

// Bar draws done of total.
func Bar(width, done, total int) string {
	if total <= 0 || width <= 0 {
		return ""
	}
	full := min(width, width*max(done, 0)/total)
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", width-full) + "]"
}

// Clean replaces what could steer a terminal: senders choose references and
// campaigns, carriers choose error texts.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || unicode.Is(unicode.Bidi_Control, r) {
			return '?'
		}
		return r
	}, s)
}
