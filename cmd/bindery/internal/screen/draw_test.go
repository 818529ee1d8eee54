package screen

import (
	"bytes"
	"strings"
	"testing"
)

// TestDrawRedrawsInItsPlace: the octets of pictures that grow, shrink and meet a
// resize.
func TestDrawRedrawsInItsPlace(t *testing.T) {
	var b bytes.Buffer
	width, height := 10, 3
	s := &Screen{w: &b, size: func() (int, int) { return width, height }}
	const hide, show = "\x1b[?25l", "\x1b[?25h"
	for _, c := range []struct {
		lines []Line
		w, h  int
		want  string
	}{
		{[]Line{Of("one"), {{"two", Bold}, {"!", Normal}}}, 10, 3, hide + "one\x1b[K\n\x1b[1mtwo\x1b[0m!\x1b[K\x1b[J" + show},
		{[]Line{Of("a")}, 10, 3, hide + "\r\x1b[1Aa\x1b[K\x1b[J" + show},
		{[]Line{Of("12345678901"), nil, nil, nil}, 10, 3, hide + "\r12345678…\x1b[K\n\x1b[K\n\x1b[K\x1b[J" + show}, // three lines, nine columns
		{[]Line{Of("b")}, 12, 3, hide + "\x1b[H\x1b[2Jb\x1b[K\x1b[J" + show},
		{[]Line{Of("c")}, 14, 3, hide + "\rc\x1b[K\x1b[J" + show}, // one line that nothing can have wrapped
		{[]Line{Of("d")}, 5, 3, hide + "\x1b[H\x1b[2Jd\x1b[K\x1b[J" + show},
		{[]Line{{{"1234", Green}, {"5", Dim}}}, 5, 3, hide + "\r\x1b[32m1234\x1b[0m\x1b[K\x1b[J" + show},
		{[]Line{nil}, 5, 3, hide + "\r\x1b[K\x1b[J" + show},
	} {
		b.Reset()
		width, height = c.w, c.h
		if err := s.Draw(func(int, int) []Line { return c.lines }); err != nil || b.String() != c.want {
			t.Errorf("%v: %v\n got %q\nwant %q", c.lines, err, b.String(), c.want)
		}
	}
	b.Reset()
	s.End()
	s.End()
	if got := b.String(); got != "\x1b[0m"+show+"\n" {
		t.Errorf("%q", got)
	}
	b.Reset()
	s.Progress("123456")
	s.End()
	s.End()
	if got := b.String(); got != "\r\x1b[K123…\n" {
		t.Errorf("%q", got)
	}
}

func TestGridLeavesColumnsOut(t *testing.T) {
	columns := []Column{{Head: "NAME", Left: true}, {Head: "LESS", Spare: 2}, {Head: "N"}, {Head: "LEAST", Left: true, Spare: 3}}
	rows := [][]Text{{{"a", Bold}, {"1", Normal}, {"22", Normal}, {"x", Normal}}, {{"longer", Bold}, {"12345", Normal}, {"3", Normal}, {"", Normal}}}
	for width, want := range map[int]string{
		99: "NAME     LESS   N  LEAST\na           1  22  x\nlonger  12345   3",
		24: "NAME     LESS   N  LEAST\na           1  22  x\nlonger  12345   3",
		23: "NAME     LESS   N\na           1  22\nlonger  12345   3",
		16: "NAME     N\na       22\nlonger   3",
		3:  "NAME     N\na       22\nlonger   3", // nothing more can be left out
	} {
		var lines []string
		for _, l := range Grid(columns, rows, width) {
			lines = append(lines, l.Text())
		}
		if got := strings.Join(lines, "\n"); got != want {
			t.Errorf("%d columns:\n%s\nwant\n%s", width, got, want)
		}
	}
}
