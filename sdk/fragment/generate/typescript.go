// TypeScript types from the catalogue: an interface for each definition, a union
// for each union. The console's renderer is written against them.
package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

func tsTypes(root *schema) []byte {
	var b bytes.Buffer
	b.WriteString("// Code generated from schema.json by ./generate. DO NOT EDIT.\n")
	for _, d := range root.Defs {
		s := d.Schema
		fmt.Fprintf(&b, "\n/** %s */\n", s.Description)
		switch {
		case s.UnionOf != nil:
			fmt.Fprintf(&b, "export type %s =\n  | %s;\n", d.Name, strings.Join(s.UnionOf.Members, "\n  | "))
		case s.Union != nil:
			fmt.Fprintf(&b, "export type %s = %s;\n", d.Name, strings.Join(s.Union, " | "))
		case isStruct(s):
			extends := ""
			if s.based() {
				extends = " extends Base"
			}
			fmt.Fprintf(&b, "export interface %s%s {\n", d.Name, extends)
			for _, p := range s.Properties {
				fmt.Fprintf(&b, "  /** %s */\n", p.Schema.Description)
				mark := "?"
				if slices.Contains(s.Required, p.Name) {
					mark = ""
				}
				fmt.Fprintf(&b, "  %s%s: %s;\n", p.Name, mark, tsType(p.Schema))
			}
			b.WriteString("}\n")
		case len(s.Enum) > 0:
			fmt.Fprintf(&b, "export type %s = %s;\n", d.Name, tsEnum(s.Enum))
		default:
			fmt.Fprintf(&b, "export type %s = string;\n", d.Name)
		}
	}
	return b.Bytes()
}

func tsEnum(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = "'" + v + "'"
	}
	return strings.Join(quoted, " | ")
}

func tsType(s *schema) string {
	switch {
	case s.Ref != "":
		return refName(s.Ref)
	case s.Const != nil:
		return "'" + *s.Const + "'"
	case len(s.Enum) > 0:
		return tsEnum(s.Enum)
	case s.Union != nil:
		return strings.Join(s.Union, " | ")
	case s.Type == "array":
		item := tsType(s.Items)
		if strings.Contains(item, " ") {
			item = "(" + item + ")"
		}
		return item + "[]"
	case s.Type == "object":
		if v := s.values(); v != nil {
			return "Record<string, " + tsType(v) + ">"
		}
		return "Record<string, unknown>"
	case s.Type == "integer" || s.Type == "number":
		return "number"
	case s.Type == "boolean":
		return "boolean"
	default:
		return "string"
	}
}
