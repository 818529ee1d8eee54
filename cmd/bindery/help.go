package main

import (
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bindery/cmd/bindery/internal/client"
)

// noCommand tells a mistyped subcommand from an argument.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	next := cmd.CommandPath() + " --help lists the commands"
	if like := nearest(args[0], names(cmd)); like != "" {
		next = "did you mean `" + cmd.CommandPath() + " " + like + "`? " + next
	}
	return client.Usage(next, "no command %q", args[0])
}

func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND …]",
		Short:   "Show what a command does, its flags and examples",
		Long:    "Shows the same as COMMAND --help.\n\nExit code: 0 shown; 2 no such command.",
		Example: "  bindery help send\n  bindery help carriers pause",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err == nil {
				err = noCommand(about, rest)
			}
			if err != nil {
				return err
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) (list []string, _ cobra.ShellCompDirective) {
			if about, _, err := cmd.Root().Find(args); err == nil {
				for _, c := range about.Commands() {
					if c.IsAvailableCommand() {
						list = append(list, c.Name()+"\t"+c.Short)
					}
				}
			}
			return list, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

func names(cmd *cobra.Command) (list []string) {
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			list = append(list, c.Name())
		}
	}
	return list
}

// some demands arguments.
func some(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return client.Usage(cmd.UseLine(), "no %s given", what)
		}
		return nil
	}
}

// noArguments takes none; what is there was probably meant for flag.
func noArguments(flag string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		next := cmd.CommandPath() + " --help"
		if flag != "" {
			next = "did you mean --" + flag + " " + args[0] + "? " + next
		}
		return client.Usage(next, "%q: %s takes no arguments", args[0], cmd.CommandPath())
	}
}

// flagError says which flag was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	next := cmd.CommandPath() + " --help lists the flags"
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		var flags []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				flags = append(flags, f.Name)
			}
		})
		if like := nearest(unknown.GetSpecifiedName(), flags); like != "" {
			next = "did you mean --" + like + "? " + next
		}
	}
	return client.Usage(next, "%w", err)
}

// nearest is the word that was probably meant: the only one that begins so, or
// the one that is at most two letters away.
func nearest(typed string, words []string) string {
	best, least, begins := "", 3, ""
	for _, w := range words {
		if n := distance(typed, w); n < least && n < len(w) {
			best, least = w, n
		}
		if len(typed) > 1 && strings.HasPrefix(w, typed) {
			begins = onlyOne(begins, w)
		}
	}
	if best == "" && begins != "?" {
		return begins
	}
	return best
}

// onlyOne is "?" once there is a second.
func onlyOne(first, next string) string {
	if first == "" {
		return next
	}
	return "?"
}

// distance is that of Damerau and Levenshtein without moves over what was
// edited: letters that changed places count once. What is long is far away.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j-1]+cost, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// usualFiles is where a configuration is looked for, to name it to somebody who
// named none. None is read unasked.
var usualFiles = []string{"bindery.yaml", "bindery.yml", "/etc/bindery/bindery.yaml"}

// configFlag registers --config.
func configFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVarP(file, "config", "c", "", "configuration `FILE` (YAML or JSON)")
	completeFiles(cmd, "config", "yaml", "yml", "json")
}

// configGiven is an error that says where a configuration may be.
func configGiven(file string) error {
	if file == "" {
		return client.Usage(whichConfig(), "no --config FILE given")
	}
	return nil
}

func whichConfig() string {
	for _, f := range usualFiles {
		if info, err := os.Stat(f); err == nil && !info.IsDir() {
			return "did you mean --config " + f + "?"
		}
	}
	return "none is at " + strings.Join(usualFiles, ", ") + ";\n  bindery man | man -l -   shows a first one, of ten lines"
}
