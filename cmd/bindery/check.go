package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newCheckCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "check --config FILE",
		Short: "Validate a configuration file",
		Long: `Reads the file as serve would, with the files and the environment that it names,
and asks nobody: run it before a start and before each SIGHUP. Every error
stands on a line of its own on stderr, FILE:LINE: setting: what is wrong.
Warnings (settings that are right but probably not meant, or not served by this
version) go to stdout.

Exit code: 0 right, perhaps with warnings; 1 wrong, or not to be read; 2 wrong
flags.`,
		Example: `  bindery check --config bindery.yaml
  bindery check -c bindery.yaml && echo right`,
		Args: noArguments("config"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := configGiven(file); err != nil {
				return err
			}
			cfg, err := loadConfig(cmd.ErrOrStderr(), file)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			for _, w := range cfg.Warnings() {
				fmt.Fprintf(out, "%s:%d: %s: warning: %s\n", file, w.Line, w.Path, w.Message)
			}
			fmt.Fprintf(out, "%s: right: %d accounts, %d carriers, %d routes\n", file, len(cfg.Accounts), len(cfg.Carriers), len(cfg.Routes))
			return nil
		},
	}
	configFlag(cmd, &file)
	return cmd
}
