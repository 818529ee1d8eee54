package screen

import (
	"bytes"
	"strings"
	"testing"
)

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		line  string
		width int
		want  string
	}{
		{"short", 5, "short"}, {"longer", 5, "long…"}, {"longer", 1, "l"}, {"longer", 0, ""}, {"longer", -3, ""}, {"가나다", 2, "가…"},
	} {
		if got := Shorten(c.line, c.width); got != c.want {
			t.Errorf("Shorten(%q, %d) = %q, want %q", c.line, c.width, got, c.want)
		}
	}
}

func TestBar(t *testing.T) {
	for _, c := range []struct {
		width, done, total int
		want               string
	}{
		{4, 0, 10, "[....]"}, {4, 5, 10, "[##..]"}, {4, 10, 10, "[####]"}, {4, 11, 10, "[####]"}, {4, -1, 10, "[....]"}, {4, 1, 0, ""}, {0, 1, 2, ""},
	} {
		if got := Bar(c.width, c.done, c.total); got != c.want {
			t.Errorf("Bar(%d, %d, %d) = %q, want %q", c.width, c.done, c.total, got, c.want)
		}
	}
}

func TestCleanLeavesNothingThatSteersATerminal(t *testing.T) {
	if got := Clean("a\x1b[31mb\r\n\u202ec\u009b2J 가"); got != "a?[31mb???c?2J 가" {
		t.Errorf("%q", got)
	}
}

func TestTableAlignsAndCleans(t *testing.T) {
	table := NewTable("ID", ">DEPTH", "NOTE")
	table.Row("a", 7, "")
	table.Row("longer", 12345, "x\ty")
	var b bytes.Buffer
	if err := table.Write(&b); err != nil {
		t.Fatal(err)
	}
	want := "ID      DEPTH  NOTE\na           7\nlonger  12345  x?y\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestProgressWithoutATerminalIsPlainLines(t *testing.T) {
	var b bytes.Buffer
	s := New(&b)
	s.Progress("one " + strings.Repeat("x", 200))
	s.Progress("two")
	s.End()
	if want := "one " + strings.Repeat("x", 200) + "\ntwo\n"; s.Live() || b.String() != want {
		t.Errorf("live %v, %q", s.Live(), b.String())
	}
}
