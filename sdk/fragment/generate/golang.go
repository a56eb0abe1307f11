// Go types from the catalogue: a struct for each definition, an interface for
// each union, and a MarshalJSON that writes the property that tells members apart.
package main

import (
	"bytes"
	"fmt"
	"go/format"
	"slices"
	"strings"
)

// goNames are names that do not follow from the property's.
var goNames = map[string]string{"$": "Pointer", "t": "Key", "id": "ID", "ui": "UI", "gvr": "GVR", "cpu": "CPU", "json": "JSON", "yaml": "YAML"}

func goName(name string) string {
	if n, ok := goNames[name]; ok {
		return n
	}
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '.' || r == '-' }) {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

func refName(ref string) string { return strings.TrimPrefix(ref, "#/$defs/") }

// kinds tells what a definition becomes in Go.
func isStruct(s *schema) bool {
	return s.UnionOf == nil && s.Union == nil && s.Type == "object" && len(s.Properties) > 0
}

func goType(defs map[string]*schema, s *schema, required bool) string {
	switch {
	case s.Ref != "":
		name := refName(s.Ref)
		if isStruct(defs[name]) && !required {
			return "*" + name
		}
		return name
	case s.Union != nil:
		return "any"
	case s.Type == "array":
		return "[]" + goType(defs, s.Items, true)
	case s.Type == "object":
		if v := s.values(); v != nil {
			return "map[string]" + goType(defs, v, true)
		}
		return "map[string]any"
	case s.Type == "integer":
		return "int"
	case s.Type == "boolean":
		return "bool"
	default:
		return "string"
	}
}

func goTypes(root *schema) ([]byte, error) {
	defs := map[string]*schema{}
	member := map[string][]string{} // definition -> unions it belongs to
	for _, d := range root.Defs {
		defs[d.Name] = d.Schema
		if u := d.Schema.UnionOf; u != nil {
			for _, m := range u.Members {
				member[m] = append(member[m], d.Name)
			}
		}
	}
	var b bytes.Buffer
	b.WriteString("// Code generated from schema.json by ./generate. DO NOT EDIT.\n\npackage fragment\n\nimport \"encoding/json\"\n")
	for _, d := range root.Defs {
		s := d.Schema
		fmt.Fprintf(&b, "\n// %s: %s\n", d.Name, s.Description)
		switch {
		case s.UnionOf != nil:
			fmt.Fprintf(&b, "// One of %s.\n", strings.Join(s.UnionOf.Members, ", "))
			fmt.Fprintf(&b, "type %s interface{ is%s() }\n", d.Name, d.Name)
		case s.Union != nil:
			fmt.Fprintf(&b, "// In Go one of: %s.\n", strings.Join(s.Union, ", "))
			fmt.Fprintf(&b, "type %s = any\n", d.Name)
		case isStruct(s):
			goStruct(&b, defs, d, member[d.Name])
		default:
			fmt.Fprintf(&b, "type %s string\n", d.Name)
			if len(s.Enum) > 0 {
				fmt.Fprintf(&b, "\n// The values of %s.\nconst (\n", d.Name)
				for _, v := range s.Enum {
					fmt.Fprintf(&b, "\t%s%s %s = %q\n", d.Name, goName(v), d.Name, v)
				}
				b.WriteString(")\n")
			}
		}
	}
	out, err := format.Source(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("types.go: %w", err)
	}
	return out, nil
}

func goStruct(b *bytes.Buffer, defs map[string]*schema, d named, unions []string) {
	s := d.Schema
	fmt.Fprintf(b, "type %s struct {\n", d.Name)
	if s.based() {
		b.WriteString("\tBase\n")
	}
	var consts []named
	for _, p := range s.Properties {
		if p.Schema.Const != nil {
			consts = append(consts, p)
			continue
		}
		required := slices.Contains(s.Required, p.Name)
		tag := p.Name
		if !required {
			tag += ",omitempty"
		}
		fmt.Fprintf(b, "\t// %s\n\t%s %s `json:%q`\n", p.Schema.Description, goName(p.Name), goType(defs, p.Schema, required), tag)
	}
	b.WriteString("}\n")
	for _, u := range unions {
		fmt.Fprintf(b, "\nfunc (%s) is%s() {}\n", d.Name, u)
	}
	if len(consts) == 0 {
		return
	}
	fmt.Fprintf(b, "\n// MarshalJSON writes the %s with the properties that never vary.\n", d.Name)
	fmt.Fprintf(b, "func (v %s) MarshalJSON() ([]byte, error) {\n\ttype plain %s\n\treturn json.Marshal(struct {\n", d.Name, d.Name)
	var values []string
	for _, c := range consts {
		fmt.Fprintf(b, "\t\t%s string `json:%q`\n", goName(c.Name), c.Name)
		values = append(values, fmt.Sprintf("%q", *c.Schema.Const))
	}
	fmt.Fprintf(b, "\t\tplain\n\t}{%s, plain(v)})\n}\n", strings.Join(values, ", "))
}
