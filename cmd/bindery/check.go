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
		Long: `Reads the file as serve would. Every error stands on a line of its own on stderr,
FILE:LINE: setting: what is wrong; the exit code is then 1. Warnings (settings
that are right but probably not meant, or not served by this version) go to
stdout and leave it 0.`,
		Example: "  bindery check --config bindery.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
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
	cmd.Flags().StringVarP(&file, "config", "c", "", "configuration file (YAML or JSON)")
	_ = cmd.MarkFlagRequired("config") // fails only for a flag that is not there
	return cmd
}
