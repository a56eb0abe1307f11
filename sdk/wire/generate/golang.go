// The constants in Go: sdk/go/wire/numbers.go.
package main

import (
	"bytes"
	"fmt"
	"go/format"
	"strings"

	spec "github.com/atoll-platform/atoll/sdk/wire"
)

func golang(s *spec.Spec) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(notice + "\npackage wire\n\n")
	b.WriteString("// Limits that hold in every version of ABI v1.\nconst (\n")
	for _, l := range s.Limits {
		fmt.Fprintf(&b, "\t%s = %s // %s\n", camel(l.Name), number(l.Value), limit(l))
	}
	b.WriteString(")\n\n// The frames of ABI v1.\nconst (\n")
	for _, f := range s.Frames {
		fmt.Fprintf(&b, "\t%s Type = %d // %s\n", camel(f.Name), f.Number, sides(f))
	}
	b.WriteString(")\n\nvar typeNames = [...]string{\n")
	for _, f := range s.Frames {
		fmt.Fprintf(&b, "\t%s: %q,\n", camel(f.Name), f.Name)
	}
	b.WriteString("}\n\n// Flags of frames.\nconst (\n")
	for _, f := range s.Flags {
		fmt.Fprintf(&b, "\t%s Flags = %#02x // %s\n", camel(f.Name), f.Number, f.About)
	}
	b.WriteString(")\n\n// Codes.\nconst (\n")
	for _, c := range s.Codes {
		fmt.Fprintf(&b, "\t%s Code = %d // %s\n", camel(c.Name), c.Number, c.About)
	}
	b.WriteString(")\n\nvar codeNames = [...]string{\n")
	for _, c := range s.Codes {
		fmt.Fprintf(&b, "\t%s: %q,\n", camel(c.Name), c.Name)
	}
	b.WriteString("}\n\n// The tags of ABI v1. The comment says the value's form and where it stands;\n// integers are little endian, text is UTF-8.\nconst (\n")
	last := ""
	for _, t := range s.Tags {
		if group := block(t); group != last {
			if last != "" {
				b.WriteString("\n")
			}
			fmt.Fprintf(&b, "\t// %s\n", group)
			last = group
		}
		fmt.Fprintf(&b, "\tTag%s Tag = %d // %s%s\n", camel(t.Name), t.Number, form(t), places(t))
	}
	b.WriteString(")\n")
	for _, f := range s.FieldFlags {
		b.WriteString("\n" + comment(fmt.Sprintf("%sField is a flag of fields: %s.", camel(f.Name), f.About)))
		fmt.Fprintf(&b, "const %sField uint16 = %#04x\n", camel(f.Name), f.Number)
	}
	for _, f := range s.Features {
		b.WriteString("\n" + comment(fmt.Sprintf("Feature%s is a bit of TagFeatures: %s.", camel(f.Name), f.About)))
		fmt.Fprintf(&b, "const Feature%s uint64 = %#x\n", camel(f.Name), f.Number)
	}
	out, err := format.Source(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("numbers.go: %w", err)
	}
	return out, nil
}

// comment writes a sentence as a comment of lines of at most 80 characters.
func comment(text string) string {
	var b strings.Builder
	line := "//"
	for _, w := range strings.Fields(text) {
		if len(line)+1+len(w) > 80 {
			b.WriteString(line + "\n")
			line = "//"
		}
		line += " " + w
	}
	return b.String() + line + "\n"
}
