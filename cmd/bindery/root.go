package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// version is set at link time: -ldflags "-X main.version=…".
var version = "dev"

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "bindery",
		Short: "SMPP gateway and carrier connector",
		Long: `Bindery takes text messages over HTTP, keeps them in Redis, sends them to
carriers over SMPP under each carrier's window and rate, and tells what became
of every one of them.

  bindery demo                     see it work, nothing needed
  bindery check --config FILE      is this configuration right?
  bindery serve --config FILE      run the gateway`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("no command %q; bindery --help lists them", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(newServeCommand(), newCheckCommand(), newDemoCommand(), newSimulateCommand())
	return root
}
