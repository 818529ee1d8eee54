package client

import (
	"fmt"
	"strings"

	"bindery/cmd/bindery/internal/screen"
)

// Exit codes of the commands that speak to a gateway.
const (
	ExitRefused = 1 // the gateway said no, or something went wrong
	ExitUsage   = 2 // flags or arguments are not right; nothing was asked
	ExitLater   = 3 // nobody answered, or not now: the same again may do
)

// Problem says what went wrong, where, and what to do next.
type Problem struct {
	Exit   int
	Status int      // of the HTTP answer; 0: there was none
	What   string   // and where
	Fields []string // "field: what is wrong"
	Next   string
	Unsent bool // surely nothing reached the gateway
	Cause  error
}

func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.What)
	for _, f := range p.Fields {
		b.WriteString("\n  " + f)
	}
	if p.Next != "" {
		b.WriteString("\n  next: " + p.Next)
	}
	return b.String()
}

func (p *Problem) Unwrap() error { return p.Cause }

// ExitCode is the process's.
func (p *Problem) ExitCode() int { return p.Exit }

// Usage is a problem with what the user typed.
func Usage(next, format string, args ...any) *Problem {
	err := fmt.Errorf(format, args...)
	return &Problem{Exit: ExitUsage, What: err.Error(), Next: next, Cause: err}
}

// FieldError is a field at fault, as the API names it.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

func fieldLines(errs []FieldError) []string {
	lines := make([]string, 0, len(errs))
	for _, e := range errs {
		lines = append(lines, screen.Clean(e.Field+": "+e.Message))
	}
	return lines
}
