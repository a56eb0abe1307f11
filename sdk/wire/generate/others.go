// The constants in Rust and AssemblyScript.
package main

import (
	"bytes"
	"fmt"

	spec "github.com/atoll-platform/atoll/sdk/wire"
)

// writer says how a language writes a group of constants.
type writer struct {
	b           bytes.Buffer
	head, group string // formats: the file's comment, a group's beginning
	constant    string // format: comment, name, type, value
}

func (w *writer) begin(name, about string) { fmt.Fprintf(&w.b, w.group, about, name) }
func (w *writer) end()                     { w.b.WriteString("}\n") }
func (w *writer) add(about, name, kind string, value any) {
	fmt.Fprintf(&w.b, w.constant, about, name, kind, value)
}

func (w *writer) all(s *spec.Spec, title func(string) string) []byte {
	w.b.WriteString(notice)
	w.b.WriteString(w.head)
	w.begin(title("limit"), "Limits that hold in every version of ABI v1.")
	for _, l := range s.Limits {
		w.add(limit(l), upper(l.Name), "u32", l.Value)
	}
	w.end()
	w.begin(title("frame"), "Types of frames.")
	for _, f := range s.Frames {
		w.add(sides(f), upper(f.Name), "u8", f.Number)
	}
	w.end()
	w.begin(title("flag"), "Flags of frames.")
	for _, f := range s.Flags {
		w.add(f.About, upper(f.Name), "u8", f.Number)
	}
	w.end()
	w.begin(title("code"), "Codes of RESET and STOP. The list is closed.")
	for _, c := range s.Codes {
		w.add(c.About, upper(c.Name), "u16", c.Number)
	}
	w.end()
	w.begin(title("tag"), "Tags of fields.")
	for _, t := range s.Tags {
		w.add(block(t)+" "+form(t), upper(t.Name), "u16", t.Number)
	}
	w.end()
	w.begin(title("field_flag"), "Flags of fields.")
	for _, f := range s.FieldFlags {
		w.add(f.About, upper(f.Name), "u16", f.Number)
	}
	w.end()
	w.begin(title("feature"), "Bits of the features field.")
	for _, f := range s.Features {
		w.add(f.About, upper(f.Name), "u64", f.Number)
	}
	w.end()
	return w.b.Bytes()
}

func rust(s *spec.Spec) []byte {
	w := &writer{head: "\n//! The numbers of the wire, ABI v1. The specification is sdk/wire/README.md.\n", group: "\n/// %s\npub mod %s {\n", constant: "    /// %s\n    pub const %s: %s = %d;\n"}
	return w.all(s, func(name string) string { return name })
}

func assemblyScript(s *spec.Spec) []byte {
	w := &writer{head: "\n// The numbers of the wire, ABI v1. The specification is sdk/wire/README.md.\n", group: "\n/** %s */\nexport namespace %s {\n", constant: "  /** %s */\n  export const %s: %s = %d;\n"}
	return w.all(s, camel)
}
