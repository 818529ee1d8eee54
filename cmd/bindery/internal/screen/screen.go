// Package screen writes for people: a picture that is redrawn in its place and
// keeps to the size of the terminal, tables, and text from elsewhere made
// harmless. The subcommands of bindery call it; it calls nothing of the project.
//
// A Screen belongs to one goroutine. A picture is one write, which hides the
// cursor while it draws and shows it again: whatever ends the process between
// two pictures, be it a panic or a kill, leaves a terminal in order.
package screen

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// What a terminal that does not tell its size is taken to have.
const (
	unknownWidth  = 80
	unknownHeight = 24
)

// Screen is an output with at most one picture at its end.
type Screen struct {
	w     io.Writer
	size  func() (width, height int) // nil: no terminal
	plain bool
	drawn int // lines of the picture that stands there

	width, height int // when it was drawn by Draw
}

// New looks at w. NO_COLOR (https://no-color.org) and TERM=dumb keep escape
// sequences away: progress is then told as if piped.
func New(w io.Writer) *Screen {
	s := &Screen{w: w, plain: true}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.size = func() (int, int) { return sizeOf(int(f.Fd())) }
		kind := os.Getenv("TERM")
		s.plain = os.Getenv("NO_COLOR") != "" || kind == "" || kind == "dumb"
	}
	return s
}

func sizeOf(fd int) (width, height int) {
	width, height, err := term.GetSize(fd)
	if err != nil || width <= 0 || height <= 0 {
		return unknownWidth, unknownHeight
	}
	return width, height
}

// Plain writes lines only, even on a terminal: other output runs between them.
func Plain(w io.Writer) *Screen { return &Screen{w: w, plain: true} }

// Live tells whether a picture can be redrawn in its place.
func (s *Screen) Live() bool { return !s.plain }

// Width is the columns that a line may have. What is no terminal has no end. On
// one, a column is left free: many wrap when the last is written.
func (s *Screen) Width() int {
	if s.size == nil {
		return 1 << 20
	}
	w, _ := s.size() // asked each time: the window may have been resized
	return w - 1
}

const (
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	clearAll   = "\x1b[H\x1b[2J" // and go to the top
	clearLine  = "\x1b[K"        // from here to its end
	clearBelow = "\x1b[J"        // from here on
	colourOff  = "\x1b[0m"
)

// Draw replaces the picture. picture is asked for one of at most so many columns
// and lines; what it has beyond is cut. After a resize nobody knows where the
// last one stands (some terminals wrap anew what they show, some don't), so the
// window is cleared. It is for a Screen that is Live.
func (s *Screen) Draw(picture func(width, height int) []Line) error {
	width, height := s.size()
	lines := picture(width-1, height)
	lines = lines[:min(len(lines), height)]
	var b strings.Builder
	b.WriteString(hideCursor)
	switch {
	case s.drawn == 0:
	case width < s.width || s.drawn > 1 && (width != s.width || height != s.height):
		b.WriteString(clearAll)
	case s.drawn > 1:
		fmt.Fprintf(&b, "\r\x1b[%dA", s.drawn-1)
	default:
		b.WriteString("\r")
	}
	for i, line := range lines {
		if i > 0 {
			b.WriteString("\n")
		}
		line.paint(&b, width-1)
		b.WriteString(clearLine)
	}
	b.WriteString(clearBelow + showCursor)
	s.drawn, s.width, s.height = len(lines), width, height
	_, err := io.WriteString(s.w, b.String())
	return err
}

// Progress draws a line anew. Where lines cannot be redrawn it is a line of its
// own; how often, the caller decides by Live.
func (s *Screen) Progress(line string) {
	if s.plain {
		fmt.Fprintln(s.w, line)
		return
	}
	fmt.Fprint(s.w, "\r"+clearLine+Shorten(line, s.Width()))
	s.drawn = 1
}

// End leaves the picture as it stands, and goes on below it. Of what was drawn
// last a part may be missing: at Ctrl-C the terminal's driver drops what nobody
// has read yet.
func (s *Screen) End() {
	end := "\n"
	switch {
	case s.drawn == 0:
		return
	case s.height > 0:
		end = colourOff + showCursor + end
	}
	_, _ = io.WriteString(s.w, end) // whoever drew was told of errors
	s.drawn, s.height = 0, 0
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
