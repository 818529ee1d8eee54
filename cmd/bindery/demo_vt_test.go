package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// vt is as much of a terminal as the demo needs: what it does not know is a
// fault. It never wraps a picture, which would be one too.
type vt struct {
	columns  int
	lines    [][]rune
	row, col int
	drawing  bool // the cursor is hidden
	pictures int
	widest   int // columns of a picture's line
	highest  int // lines of a picture
	colours  int
	faults   []string
}

var sequence = regexp.MustCompile(`^\x1b\[(\??)(\d*)([A-Za-z])`)

// show feeds it what a program wrote.
func (v *vt) show(text string) {
	for text != "" {
		if m := sequence.FindStringSubmatch(text); m != nil {
			v.control(m[1]+m[3], m[2])
			text = text[len(m[0]):]
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		switch r {
		case '\r':
			v.col = 0
		case '\n':
			v.row++
		case '\x1b':
			v.fault("a sequence that is not known: %.10q", text)
		default:
			v.put(r)
		}
	}
}

func (v *vt) put(r rune) {
	if !v.drawing && v.col >= v.columns {
		v.row, v.col = v.row+1, 0
	}
	for len(v.lines) <= v.row {
		v.lines = append(v.lines, nil)
	}
	line := v.lines[v.row]
	for len(line) <= v.col {
		line = append(line, ' ')
	}
	line[v.col] = r
	v.lines[v.row] = line
	if v.col++; v.drawing {
		v.widest = max(v.widest, v.col)
	}
}

func (v *vt) control(what, argument string) {
	n, _ := strconv.Atoi(argument)
	switch what {
	case "?l":
		if n != 25 {
			v.fault("hidden: %d", n)
		}
		v.drawing = true
	case "?h":
		if n != 25 {
			v.fault("shown: %d", n)
		}
		if v.drawing {
			v.pictures++
		}
		v.drawing = false
	case "A":
		v.highest = max(v.highest, n+1)
		if v.row -= n; v.row < 0 {
			v.fault("above the top")
			v.row = 0
		}
	case "H":
		v.row, v.col = 0, 0
	case "K":
		v.cut(v.row, v.col)
	case "J":
		v.cut(v.row, v.col)
		v.lines = v.lines[:min(len(v.lines), v.row+1)]
		if n == 2 {
			v.lines = nil
		}
	case "m":
		v.colours++
	default:
		v.fault("a sequence that is not known: %s of %s", what, argument)
	}
}

func (v *vt) cut(row, col int) {
	if row < len(v.lines) {
		v.lines[row] = v.lines[row][:min(len(v.lines[row]), col)]
	}
}

func (v *vt) fault(format string, a ...any) { v.faults = append(v.faults, fmt.Sprintf(format, a...)) }

// text is what stands on it at the end.
func (v *vt) text() string {
	var b strings.Builder
	for _, line := range v.lines {
		b.WriteString(strings.TrimRight(string(line), " ") + "\n")
	}
	return b.String()
}
