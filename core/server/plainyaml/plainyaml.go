// Package plainyaml reads YAML that people wrote, strictly: as what JSON can say,
// held to a JSON Schema, with the line and the JSON Pointer of what is wrong.
//
// What belongs here: turning YAML's nodes into values and faults.
// What does not: what a file means (core/server for atoll.yaml, core/cmd/atoll
// for documents that are applied).
package plainyaml

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// maxFaults bounds how many are told at once.
const maxFaults = 100

// Fault is one thing that is wrong.
type Fault struct {
	Line    int    // of the file, from 1
	Pointer string // JSON Pointer; "" for all of it
	Message string // what is wrong and what would be right
}

func (f *Fault) Error() string {
	return fmt.Sprintf("%d: %s: %s", f.Line, first(f.Pointer, "the file"), f.Message)
}

func first(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// Value is a node as JSON has it: numbers as float64. Anchors, tags of one's own,
// keys that are no text and keys given twice are a *Fault.
func Value(n *yaml.Node) (any, error) { return value(n, "") }

func value(n *yaml.Node, pointer string) (any, error) {
	fault := func(n *yaml.Node, at, format string, args ...any) error {
		return &Fault{n.Line, at, fmt.Sprintf(format, args...)}
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode || key.Tag != "!!str" {
				return nil, fault(key, pointer, "a key must be text")
			}
			at := pointer + "/" + escape(key.Value)
			if _, twice := m[key.Value]; twice {
				return nil, fault(key, at, "it is given twice")
			}
			v, err := value(n.Content[i+1], at)
			if err != nil {
				return nil, err
			}
			m[key.Value] = v
		}
		return m, nil
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for i, item := range n.Content {
			v, err := value(item, pointer+"/"+strconv.Itoa(i))
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.ScalarNode:
		switch n.Tag {
		case "!!str":
			return n.Value, nil
		case "!!bool":
			var b bool
			return b, n.Decode(&b)
		case "!!int", "!!float":
			var f float64
			if err := n.Decode(&f); err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
				return nil, fault(n, pointer, "%.40q is not a number", n.Value)
			}
			return f, nil
		case "!!null":
			return nil, nil
		}
		return nil, fault(n, pointer, "the YAML type %s is not used here; put the value in quotes", n.Tag)
	default:
		return nil, fault(n, pointer, "anchors and aliases are not used here")
	}
}

// Check holds a value to a schema; the faults have the lines of the node that it
// was read from.
func Check(schema *jsonschema.Schema, root *yaml.Node, value any) []Fault {
	err := schema.Validate(value)
	if err == nil {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return []Fault{{root.Line, "", err.Error()}}
	}
	printer := message.NewPrinter(language.English)
	var all []Fault
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			walk(cause)
		}
		if len(e.Causes) > 0 {
			return
		}
		if extra, ok := e.ErrorKind.(*kind.AdditionalProperties); ok {
			for _, property := range extra.Properties[:min(len(extra.Properties), maxFaults)] {
				at := append(slices.Clone(e.InstanceLocation), property)
				all = append(all, Fault{Line(root, at), Pointer(at), "it is not a key that Atoll knows; known here: " + strings.Join(knownKeys(schema, e.InstanceLocation), ", ")})
			}
			return
		}
		all = append(all, Fault{Line(root, e.InstanceLocation), Pointer(e.InstanceLocation), e.ErrorKind.LocalizedString(printer)})
	}
	walk(invalid)
	slices.SortStableFunc(all, func(a, b Fault) int { return a.Line - b.Line })
	return all[:min(len(all), maxFaults)]
}

// Line finds the line of a place below a node, of its key where it has one, or
// of what is nearest around it.
func Line(n *yaml.Node, at []string) int {
	line := n.Line
steps:
	for _, step := range at {
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == step {
					line, n = n.Content[i].Line, n.Content[i+1]
					continue steps
				}
			}
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Content) {
				n = n.Content[i]
				line = n.Line
				continue steps
			}
		}
		break
	}
	return line
}

// Pointer writes a place as a JSON Pointer.
func Pointer(at []string) string {
	var b strings.Builder
	for _, step := range at {
		b.WriteByte('/')
		b.WriteString(escape(step))
	}
	return b.String()
}

// Steps reads a JSON Pointer.
func Steps(pointer string) []string {
	var at []string
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer != "" {
			at = append(at, strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
		}
	}
	return at
}

func escape(step string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(step) }

// knownKeys are the properties that a schema has at a place.
func knownKeys(s *jsonschema.Schema, at []string) []string {
	s = target(s)
	for _, step := range at {
		if next, ok := s.Properties[step]; ok {
			s = target(next)
		} else if s.Items2020 != nil {
			s = target(s.Items2020)
		}
	}
	return slices.Sorted(maps.Keys(s.Properties))
}

// target follows references to where the properties are.
func target(s *jsonschema.Schema) *jsonschema.Schema {
	for s.Ref != nil && len(s.Properties) == 0 {
		s = s.Ref
	}
	return s
}
