package main

import (
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
  bindery serve --config FILE      run the gateway
  bindery send --to … --text …     send by it; status, tail, carriers, queue ask it`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(newServeCommand(), newCheckCommand(), newDemoCommand(), newSimulateCommand(),
		newSendCommand(), newStatusCommand(), newTailCommand(), newCarriersCommand(), newQueueCommand(), newBenchCommand())
	return root
}
