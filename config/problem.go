package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong, or worth a warning, and where.
type Problem struct {
	Line    int    // from 1
	Path    string // "carriers[0].rate"; "" is the file as a whole
	Message string
}

func (p Problem) String() string {
	if p.Path == "" {
		return fmt.Sprintf("%d: %s", p.Line, p.Message)
	}
	return fmt.Sprintf("%d: %s: %s", p.Line, p.Path, p.Message)
}

// Error is all that is wrong with a configuration, sorted by line.
type Error struct {
	File     string
	Problems []Problem
}

// Error gives a line to each problem, FILE:LINE: PATH: MESSAGE.
func (e *Error) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s:%s", e.File, p)
	}
	return b.String()
}

func newError(file string, problems []Problem) *Error {
	sortProblems(problems)
	return &Error{file, slices.Compact(problems)}
}

func sortProblems(ps []Problem) {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Path, b.Path))
	})
}

// lines knows on which line each path of the file begins.
type lines map[string]int

// of answers the line of a path, or of the nearest thing around it: what is
// missing is missing there.
func (l lines) of(path string) int {
	for path != "" {
		if n, ok := l[path]; ok {
			return n
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return max(1, l[""])
}
