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
  bindery probe CARRIER --config … is it us or the carrier?
  bindery send --to … --text …     send by it; status, tail, carriers, queue ask it`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelpCommand())
	root.CompletionOptions.DisableDefaultCmd = true // ours stands below
	root.AddCommand(newServeCommand(), newCheckCommand(), newDemoCommand(), newSimulateCommand(),
		newSendCommand(), newStatusCommand(), newTailCommand(), newCarriersCommand(), newQueueCommand(), newBenchCommand(), newProbeCommand())
	root.AddCommand(newManCommand(), newCompletionCommand())
	group(root)
	return root
}

// groups are the headings of the help, in order, each with its commands.
var groups = []struct {
	id, title string
	commands  []string
}{
	{"run", "Run a gateway:", []string{"serve", "check"}},
	{"ask", "Send by one and ask it:", []string{"send", "status", "tail", "carriers", "queue"}},
	{"try", "Try and measure:", []string{"demo", "simulate", "probe", "bench"}},
	{"help", "Help:", []string{"help", "man", "completion"}},
}

func group(root *cobra.Command) {
	byName := map[string]string{}
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, name := range g.commands {
			byName[name] = g.id
		}
	}
	for _, c := range root.Commands() {
		c.GroupID = byName[c.Name()]
	}
	root.SetHelpCommandGroupID("help")
}
