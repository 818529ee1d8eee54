package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bindery/cmd/bindery/internal/client"
	"bindery/config"
)

// completeBound is the longest that a shell waits for words from the gateway.
const completeBound = time.Second

// complete tells shells the words that a flag takes.
func complete(cmd *cobra.Command, flag string, words ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
}

// completeList is complete for a flag whose words stand with commas between.
func completeList(cmd *cobra.Command, flag string, words ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		taken := strings.Split(before, ",")
		var list []string
		for _, w := range words {
			if !slices.Contains(taken, w) {
				list = append(list, before+w)
			}
		}
		return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}

// completeFiles tells shells the endings of the files that a flag takes.
func completeFiles(cmd *cobra.Command, flag string, endings ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(endings, cobra.ShellCompDirectiveFilterFileExt))
}

// registerAPI adds the flags of a client of the gateway.
func registerAPI(cmd *cobra.Command, api *client.Flags) {
	api.Register(cmd.Flags())
	complete(cmd, "api")
	complete(cmd, "timeout")
}

// completeNothing is for arguments that nobody can guess: not files either.
func completeNothing(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// choices are the words that a flag takes, nil for one that takes anything.
func choices(f *pflag.Flag) []string {
	if w, ok := f.Value.(interface{ Words() []string }); ok {
		return w.Words()
	}
	return nil
}

// completeCarriers asks the gateway for its carriers; where it does not answer,
// or the key is no admin's, the configuration that is nearest is read. Neither
// says an error: a shell shows words or none.
func completeCarriers(api *client.Flags) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		list := slices.DeleteFunc(carriersOf(api), func(one string) bool {
			id, _, _ := strings.Cut(one, "\t")
			return slices.Contains(args, id)
		})
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}

// carriersOf are ids, behind a tab what is known of them.
func carriersOf(api *client.Flags) (ids []string) {
	short := *api
	short.Timeout = completeBound
	if c, err := short.Client(); err == nil {
		var list struct {
			Carriers []carrierView `json:"carriers"`
		}
		if _, err := c.Get(context.Background(), "/v1/carriers", &list); err == nil {
			for _, one := range list.Carriers {
				ids = append(ids, one.ID+"\t"+one.State)
			}
			return ids
		}
	}
	for _, f := range usualFiles {
		if cfg, err := config.Load(f); err == nil {
			for i := range cfg.Carriers {
				ids = append(ids, cfg.Carriers[i].ID)
			}
			return ids
		}
	}
	return nil
}
