package main

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bindery/cmd/bindery/internal/client"
	"bindery/cmd/bindery/internal/roff"
)

func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man",
		Short: "Print the manual page",
		Long: `Prints bindery(1) for man, made from the same texts as --help: every command with
its flags and examples, a first configuration, environment, files, exit codes and
signals.

Exit code: 0 printed; 2 wrong flags.`,
		Example: `  bindery man | man -l -
  bindery man > bindery.1`,
		Args:              noArguments(""),
		ValidArgsFunction: completeNothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), manual(cmd.Root()))
			return err
		},
	}
}

// manual is the page for a tree of commands.
func manual(root *cobra.Command) string {
	p := roff.New("bindery", "1", released(), "bindery "+version, "User Commands")
	p.Section("NAME")
	p.Text("bindery - " + root.Short)
	p.Section("SYNOPSIS")
	p.Plain(synopses(root)...)
	p.Section("DESCRIPTION")
	p.Text(manDescription)
	p.Section("COMMANDS")
	for _, c := range root.Commands() {
		writeCommand(p, c)
	}
	p.Sub("Flags of the clients")
	p.Text(client.Environment)
	writeFlags(p, clientFlags())
	p.Section("CONFIGURATION")
	p.Text(manConfiguration)
	for _, s := range manSections {
		p.Section(s.title)
		p.Text(s.text)
		for _, i := range s.items {
			p.Item(i[0], i[1])
		}
	}
	return p.String()
}

// released is the day of the commit, or today for what was built without one.
func released() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if day, _, cut := strings.Cut(s.Value, "T"); cut && s.Key == "vcs.time" {
				return day
			}
		}
	}
	return time.Now().UTC().Format(time.DateOnly)
}

// each calls do with a command and those below it.
func each(c *cobra.Command, do func(*cobra.Command)) {
	do(c)
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" {
			each(sub, do)
		}
	}
}

func useLine(c *cobra.Command) string { return strings.TrimSuffix(c.UseLine(), " [flags]") }

func synopses(root *cobra.Command) (lines []string) {
	for _, c := range root.Commands() {
		each(c, func(c *cobra.Command) { lines = append(lines, useLine(c)) })
	}
	return lines
}

func writeCommand(p *roff.Page, c *cobra.Command) {
	each(c, func(c *cobra.Command) {
		p.Sub(useLine(c))
		p.Text(c.Short + ".")
		p.Text(strings.TrimSpace(strings.ReplaceAll(c.Long, client.Environment, "")))
		common := clientFlags()
		own := pflag.NewFlagSet("", pflag.ContinueOnError)
		isClient := c.Flags().Lookup("key-file") != nil
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && !(isClient && common.Lookup(f.Name) != nil) {
				own.AddFlag(f)
			}
		})
		if own.HasFlags() {
			p.Text("Flags:")
			writeFlags(p, own)
		}
		if isClient {
			p.Text("It takes the flags of the clients, too; see below.")
		}
		if c.Example != "" {
			p.Text("Examples:")
			p.Text(c.Example)
		}
	})
}

// clientFlags are those that every client has.
func clientFlags() *pflag.FlagSet {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	var api client.Flags
	api.Register(set)
	return set
}

func writeFlags(p *roff.Page, set *pflag.FlagSet) {
	set.VisitAll(func(f *pflag.Flag) {
		kind, usage := pflag.UnquoteUsage(f)
		kind = cmp.Or(map[string]string{"strings": "words", "durationSlice": "durations"}[kind], kind)
		term := "--" + f.Name
		if f.Shorthand != "" {
			term = "-" + f.Shorthand + ", " + term
		}
		if kind != "" {
			term += " " + kind
		}
		if !slices.Contains([]string{"", "false", "0", "0s", "[]"}, f.DefValue) && !strings.Contains(usage, "(default") {
			usage += " (default " + f.DefValue + ")"
		}
		p.Item(term, usage)
	})
}
