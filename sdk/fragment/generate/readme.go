// The README's catalogue: every definition with its properties, between two marks.
package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

const (
	catalogueBegin = "<!-- catalogue: generated from schema.json by ./generate -->\n"
	catalogueEnd   = "<!-- end of catalogue -->\n"
)

// catalogue puts the generated part into the README.
func catalogue(root *schema, readme []byte) ([]byte, error) {
	before, rest, ok := bytes.Cut(readme, []byte(catalogueBegin))
	_, after, ok2 := bytes.Cut(rest, []byte(catalogueEnd))
	if !ok || !ok2 {
		return nil, fmt.Errorf("README.md has no place for the catalogue: %q ... %q", catalogueBegin, catalogueEnd)
	}
	var b bytes.Buffer
	b.Write(before)
	b.WriteString(catalogueBegin)
	for _, group := range []string{"layout", "text", "data", "live", "input", "states"} {
		fmt.Fprintf(&b, "\n### Nodes: %s\n", group)
		for _, d := range root.Defs {
			if d.Schema.Group == group {
				describe(&b, d)
			}
		}
	}
	b.WriteString("\n### Everything else\n")
	for _, d := range root.Defs {
		if d.Schema.Group == "" {
			describe(&b, d)
		}
	}
	b.WriteString("\n")
	b.WriteString(catalogueEnd)
	b.Write(after)
	return b.Bytes(), nil
}

func describe(b *bytes.Buffer, d named) {
	s := d.Schema
	title := d.Name
	for _, p := range s.Properties {
		if p.Name == "is" && p.Schema.Const != nil {
			title = *p.Schema.Const
		}
	}
	fmt.Fprintf(b, "\n#### %s\n\n%s\n", title, s.Description)
	switch {
	case s.UnionOf != nil:
		fmt.Fprintf(b, "\nOne of %s; `%s` says which.\n", strings.Join(s.UnionOf.Members, ", "), s.UnionOf.By)
	case s.Union != nil:
		fmt.Fprintf(b, "\n`%s`\n", strings.Join(s.Union, " | "))
	case len(s.Enum) > 0:
		fmt.Fprintf(b, "\n`%s`\n", tsEnum(s.Enum))
	case isStruct(s):
		b.WriteString("\n| property | type | |\n|---|---|---|\n")
		for _, p := range s.Properties {
			if p.Name == "is" {
				continue
			}
			name := "`" + p.Name + "`"
			if slices.Contains(s.Required, p.Name) {
				name += " (required)"
			}
			fmt.Fprintf(b, "| %s | `%s` | %s |\n", name, strings.ReplaceAll(tsType(p.Schema), "|", "\\|"), strings.ReplaceAll(p.Schema.Description, "|", "\\|"))
		}
	}
}
