// Forms of output: tables for people, documents for files and programs.

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// What -o may say.
const (
	formatTable = "table"
	formatWide  = "wide"
	formatJSON  = "json"
	formatYAML  = "yaml"
	formatName  = "name"
)

var formats = []string{formatTable, formatWide, formatJSON, formatYAML, formatName}

func outputFlag(c *cobra.Command, format *string) {
	c.Flags().StringVarP(format, "output", "o", formatTable, "`format`: "+strings.Join(formats, ", "))
	mustComplete(c, "output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
}

func checkFormat(format string) error {
	if slices.Contains(formats, format) {
		return nil
	}
	return wrongUse("-o %q: expected one of %s", format, strings.Join(formats, ", "))
}

// show prints documents. One that was asked for by name is printed as itself,
// and not as a list.
func show(out io.Writer, k *kind, all []document, format string, single bool) error {
	switch format {
	case formatYAML:
		return writeYAML(out, all)
	case formatJSON:
		if single {
			return writeJSON(out, all[0])
		}
		return writeJSON(out, list{documentVersion, listKind, all})
	case formatName:
		for _, d := range all {
			if _, err := fmt.Fprintln(out, printable(d.named())); err != nil {
				return err
			}
		}
		return nil
	}
	var columns []column
	for _, c := range k.columns {
		if !c.wide || format == formatWide {
			columns = append(columns, c)
		}
	}
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	row := func(cell func(column) string) {
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = inCell(cell(c))
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	row(func(c column) string { return c.title })
	for _, d := range all {
		row(func(c column) string { return c.of(d) })
	}
	return table.Flush()
}

// inCell is text as one cell of a table has it: on its line, and steering nothing.
func inCell(s string) string {
	return strings.ReplaceAll(printable(s), "\n", " ")
}
