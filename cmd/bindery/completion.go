package main

import (
	"strings"

	"github.com/spf13/cobra"

	"bindery/cmd/bindery/internal/client"
)

// shells are those for which cobra writes a completion.
var shells = []string{"bash", "zsh", "fish", "powershell"}

func newCompletionCommand() *cobra.Command {
	var plain bool
	cmd := &cobra.Command{
		Use:   "completion {bash | zsh | fish | powershell}",
		Short: "Print the completion script of a shell",
		Long: `Prints a script that lets a shell complete commands, flags, the words that flags
take, files by their ending, and the ids of carriers: from the gateway, if it
answers within a second with the key in the environment, else from bindery.yaml
here or in /etc/bindery.

For this session alone:
  bash        source <(bindery completion bash)
  zsh         source <(bindery completion zsh)
  fish        bindery completion fish | source
  powershell  bindery completion powershell | Out-String | Invoke-Expression

For every new one (bash needs the package bash-completion; zsh needs
"autoload -U compinit; compinit" in ~/.zshrc):
  bash        bindery completion bash > /etc/bash_completion.d/bindery
  zsh         bindery completion zsh > "${fpath[1]}/_bindery"
  fish        bindery completion fish > ~/.config/fish/completions/bindery.fish
  powershell  bindery completion powershell >> $PROFILE

Exit code: 0 printed; 2 no such shell.`,
		Example: `  bindery completion bash > bindery.bash
  bindery completion zsh --no-descriptions > _bindery`,
		Args:              oneShell,
		ValidArgsFunction: cobra.FixedCompletions(shells, cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, !plain)
			case "zsh":
				if plain {
					return root.GenZshCompletionNoDesc(out)
				}
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, !plain)
			default:
				if plain {
					return root.GenPowerShellCompletion(out)
				}
				return root.GenPowerShellCompletionWithDesc(out)
			}
		},
	}
	cmd.Flags().BoolVar(&plain, "no-descriptions", false, "words alone, without what they mean")
	return cmd
}

func oneShell(cmd *cobra.Command, args []string) error {
	next := "one of " + strings.Join(shells, ", ")
	if len(args) != 1 {
		return client.Usage(next, "%d shells given", len(args))
	}
	for _, s := range shells {
		if s == args[0] {
			return nil
		}
	}
	return client.Usage(next, "no completion for %q", args[0])
}
