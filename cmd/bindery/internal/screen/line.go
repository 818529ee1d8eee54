package screen

import (
	"strings"
	"unicode/utf8"
)

// Style sets a text off. It is never the only sign of anything: a screen may
// show no colours, and an eye may see none.
type Style string

// The styles, as SGR parameters (ECMA-48 §8.3.117).
const (
	Normal Style = ""
	Bold   Style = "1"
	Dim    Style = "2"
	Green  Style = "32"
	Yellow Style = "33"
)

// Text is one in a style.
type Text struct {
	Text  string
	Style Style
}

// Line is texts beside each other.
type Line []Text

// Of is a line of one text.
func Of(text string) Line { return Line{{Text: text}} }

// Width is how many columns it takes; its texts are taken to have characters
// of one.
func (l Line) Width() (n int) {
	for _, t := range l {
		n += utf8.RuneCountInString(t.Text)
	}
	return n
}

// paint writes at most width columns of it.
func (l Line) paint(b *strings.Builder, width int) {
	for _, t := range l {
		text := Shorten(t.Text, width)
		width -= utf8.RuneCountInString(text)
		if t.Style == Normal || text == "" {
			b.WriteString(text)
			continue
		}
		b.WriteString("\x1b[" + string(t.Style) + "m" + text + colourOff)
	}
}

// Column is one of a grid.
type Column struct {
	Head  string
	Left  bool // its texts are set to the left, else to the right
	Spare int  // the column with the highest is left out first; 0: never
}

// Grid sets rows in columns two blanks apart, and leaves out columns until it is
// at most width wide. Without a column that can be left out any more it answers
// what is left, which may be wider.
func Grid(columns []Column, rows [][]Text, width int) []Line {
	shown := make([]int, 0, len(columns))
	widths := make([]int, len(columns))
	all := -2
	for i, c := range columns {
		shown = append(shown, i)
		widths[i] = utf8.RuneCountInString(c.Head)
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].Text))
		}
		all += 2 + widths[i]
	}
	for all > width {
		most := 0
		for at, i := range shown {
			if columns[i].Spare > columns[shown[most]].Spare {
				most = at
			}
		}
		if columns[shown[most]].Spare == 0 {
			break
		}
		all -= 2 + widths[shown[most]]
		shown = append(shown[:most], shown[most+1:]...)
	}
	heads := make([]Text, len(columns))
	for i, c := range columns {
		heads[i] = Text{c.Head, Dim}
	}
	lines := make([]Line, 0, 1+len(rows))
	for _, row := range append([][]Text{heads}, rows...) {
		lines = append(lines, gridLine(columns, row, shown, widths))
	}
	return lines
}

func gridLine(columns []Column, row []Text, shown, widths []int) Line {
	var l Line
	for at, i := range shown {
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(row[i].Text))
		if at > 0 {
			l = append(l, Text{Text: "  "})
		}
		switch {
		case !columns[i].Left:
			l = append(l, Text{Text: pad}, row[i])
		case at == len(shown)-1:
			l = append(l, row[i])
		default:
			l = append(l, row[i], Text{Text: pad})
		}
	}
	return l
}

// Text is the line without its styles.
func (l Line) Text() string {
	var b strings.Builder
	for _, t := range l {
		b.WriteString(t.Text)
	}
	return strings.TrimRight(b.String(), " ")
}
