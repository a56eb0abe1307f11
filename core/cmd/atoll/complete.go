// Completion of names in the shell, by asking Atoll.

package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

// completionTime is how long somebody who pressed Tab waits.
const completionTime = 3 * time.Second

// completeNames completes the names of things of a kind in a place, without those
// that are there already. Where Atoll cannot be asked there are none.
func completeNames(c *cobra.Command, t *target, word string, p place, without []string) ([]cobra.Completion, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp
	k, err := kindOf(word)
	if err != nil || k.at(p) != nil {
		return nil, directive
	}
	parent := c.Context()
	if parent == nil {
		parent = context.Background()
	}
	ctx, cancel := context.WithTimeout(parent, completionTime)
	defer cancel()
	api, err := t.connect(ctx)
	if err != nil {
		cobra.CompDebugln(err.Error(), false)
		return nil, directive
	}
	defer api.close()
	all, err := k.all(ctx, api, p, nil)
	if err != nil {
		cobra.CompDebugln(err.Error(), false)
		return nil, directive
	}
	var names []cobra.Completion
	for _, d := range all {
		if name := printable(d.named()); d.Kind == k.name && !slices.Contains(without, name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, directive
}

// completeExtension completes the name of one extension.
func completeExtension(t *target) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return completeNames(c, t, "extensions", place{}, nil)
	}
}

// completeFlag completes a flag by the names of things of a kind in a place.
func completeFlag(c *cobra.Command, t *target, flag, kind string, at func() place) {
	mustComplete(c, flag, func(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return completeNames(c, t, kind, at(), nil)
	})
}

// mustComplete has a flag completed.
func mustComplete(c *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // there is no such flag: a mistake in this program
	}
}
