// Command bindery is an SMPP gateway and carrier connector: one binary whose
// subcommands run it, check its configuration, show it, try it and speak to it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run(os.Args[1:])) }

// exitError carries the exit code of a command whose message is already out.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// ExitCode is the code.
func (e exitError) ExitCode() int { return int(e) }

// Exit codes that are not a command's own.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130 // 128 + SIGINT, as shells have it
)

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRootCommand()
	root.SetArgs(args)
	began := false
	onRun(root, func() { began = true })
	cmd, err := root.ExecuteContextC(ctx)
	var code interface{ ExitCode() int }
	var quiet exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &quiet):
		return int(quiet)
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &code):
		fmt.Fprintf(os.Stderr, "bindery: %v\n", err)
		return code.ExitCode()
	case !began:
		fmt.Fprintf(os.Stderr, "bindery: %v\n  next: %s --help\n", err, cmd.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(os.Stderr, "bindery: %v\n", err)
	return exitFailed
}

// onRun lets do know when a command begins: what fails before it is the fault of
// its flags or arguments.
func onRun(cmd *cobra.Command, do func()) {
	if inner := cmd.RunE; inner != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			do()
			return inner(cmd, args)
		}
	}
	for _, c := range cmd.Commands() {
		onRun(c, do)
	}
}
