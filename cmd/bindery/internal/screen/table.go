package screen

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Table is rows of columns; a column that starts with ">" in the heading is set
// to the right.
type Table struct {
	heads []string
	rows  [][]string
}

// NewTable starts a table with its heading.
func NewTable(heads ...string) *Table { return &Table{heads: heads} }

// Row adds a row; cells are cleaned.
func (t *Table) Row(cells ...any) {
	row := make([]string, len(t.heads))
	for i := range row {
		if i < len(cells) {
			row[i] = Clean(fmt.Sprint(cells[i]))
		}
	}
	t.rows = append(t.rows, row)
}

// Write prints it, columns two blanks apart.
func (t *Table) Write(w io.Writer) error {
	widths, right := make([]int, len(t.heads)), make([]bool, len(t.heads))
	heads := make([]string, len(t.heads))
	for i, h := range t.heads {
		heads[i], right[i] = strings.CutPrefix(h, ">")
	}
	all := append([][]string{heads}, t.rows...)
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range all {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if right[i] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}
