// Forms of output: tables for people, documents for files and programs.

package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

// What -o may say.
const (
	formatTable = "table"
	formatWide  = "wide"
	formatText  = "text"
	formatJSON  = "json"
	formatYAML  = "yaml"
	formatName  = "name"
)

// formats are those of lists.
var formats = []string{formatTable, formatWide, formatJSON, formatYAML, formatName}

// outputFlag adds -o; the first format is the default.
func outputFlag(c *cobra.Command, format *string, all ...string) {
	c.Flags().StringVarP(format, "output", "o", all[0], "`format`: "+strings.Join(all, ", "))
	mustComplete(c, "output", cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp))
}

func checkFormat(format string, all ...string) error {
	if slices.Contains(all, format) {
		return nil
	}
	return wrongUse("-o %q: expected one of %s", format, strings.Join(all, ", "))
}

// showValue prints what the API answered, as JSON or YAML.
func showValue(out io.Writer, v any, format string) error {
	if format == formatJSON {
		return writeJSON(out, v)
	}
	e := yaml.NewEncoder(out)
	e.SetIndent(2)
	return errors.Join(e.Encode(v), e.Close())
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
