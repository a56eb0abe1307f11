// What every command has, and what the binary ends with.

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestEveryCommandHasHelpWithExamples(t *testing.T) {
	count := 0
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for _, below := range c.Commands() {
			walk(below)
		}
		if !c.Runnable() || c.HasSubCommands() && c.Example == "" {
			return
		}
		count++
		if c.Short == "" || !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s: its help says %q, with the examples %q", c.CommandPath(), c.Short, c.Example)
		}
		for line := range strings.Lines(c.Example) {
			if rest, ok := strings.CutPrefix(line, "  "); !ok || strings.HasPrefix(rest, " ") {
				t.Errorf("%s: the example %q is not indented by two", c.CommandPath(), line)
			}
		}
	}
	walk(newRoot())
	if count < 15 {
		t.Fatalf("only %d commands were found: the walk is broken", count)
	}
}

func TestCodesOfTheBuiltBinary(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the binary")
	}
	p := launch(t, setUp(t))
	defer p.kill(t)
	dir := t.TempDir()
	atHome(t, filepath.Join(dir, "config"))
	t.Setenv("ATOLL_SERVER", p.url)
	t.Setenv("ATOLL_TOKEN", p.newToken(t))
	const red = "apiVersion: atoll.dev/v1\nkind: Workspace\nmetadata: {name: red}\n"
	for _, test := range []struct {
		in, args  string
		code      int
		out, said string
	}{
		{"", "whoami -o name", 0, "admin\n", ""},
		{"", "get workspace red", exitNotFound, "", "atoll: "},
		{red, "diff -f -", exitDiffers, "--- nothing\n+++ workspace red\n", ""},
		{red + "spec: {tilte: x}\n", "apply -f -", exitUsage, "", "atoll: standard input:4: /spec/tilte: "},
		{red, "apply -f -", 0, "workspace red: created\n1 document: 1 created.\n", ""},
		{red, "apply -f -", 0, "workspace red: as it was\n1 document: 1 as it was.\n", ""},
		{red, "diff -f -", 0, "", ""},
		{"", "get workspaces -o name", 0, "red\n", ""},
		{"", "delete workspace red", exitUsage, "", "atoll: "},
		{"", "delete workspace red --yes", 0, "workspace red is deleted.\n", ""},
		{"", "gte workspaces", exitUsage, "", "atoll: unknown command"},
		{"", "get workspaces --server http://127.0.0.1:1", exitUnavailable, "", "atoll: no Atoll answers"},
		{"", "get workspaces --token atoll_none", exitSignedOut, "", "atoll: "},
	} {
		c := exec.Command(p.cmd.Path, strings.Fields(test.args)...)
		c.Stdin = strings.NewReader(test.in)
		var said strings.Builder
		c.Stderr = &said
		out, err := c.Output()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if code := c.ProcessState.ExitCode(); code != test.code || string(out) != test.out || !strings.HasPrefix(said.String(), test.said) || test.said == "" && said.Len() > 0 {
			t.Errorf("atoll %s: %d %q %q; want %d %q %q", test.args, code, out, said.String(), test.code, test.out, test.said)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "config")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a sign-in was kept: %v", err)
	}
}
