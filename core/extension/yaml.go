// Reading YAML that a person wrote: as plain values with the line of each, so
// that what is wrong is said where it stands.
package extension

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Problem is one thing that is wrong in a file of a package.
type Problem struct {
	Pointer string `json:"pointer"`        // JSON Pointer
	Line    int    `json:"line,omitempty"` // of the file, from 1; 0 where there is none
	Message string `json:"message"`        // what is wrong and what would be right
}

// FileError is a file of a package with everything that is wrong in it.
type FileError struct {
	File     string
	Problems []Problem
}

// Error is all problems, one a line.
func (e *FileError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		at := e.File
		if p.Line > 0 {
			at += ":" + strconv.Itoa(p.Line)
		}
		if p.Pointer != "" {
			at += " " + p.Pointer
		}
		lines[i] = at + ": " + p.Message
	}
	return strings.Join(lines, "\n")
}

// document is a YAML file as plain values.
type document struct {
	file  string
	value any
	lines map[string]int // of each pointer
}

// maxYAML bounds a YAML file; maxYAMLNodes what is in it.
const (
	maxYAML      = 256 << 10
	maxYAMLNodes = 20000
	maxYAMLDepth = 32
)

// readYAML reads one document without anchors, aliases and tags, with each key
// once. The error is a *FileError.
func readYAML(file string, text []byte) (*document, error) {
	d := &document{file: file, lines: map[string]int{}}
	fail := func(line int, format string, args ...any) error {
		return &FileError{file, []Problem{{Line: line, Message: fmt.Sprintf(format, args...)}}}
	}
	if len(text) > maxYAML {
		return nil, fail(0, "%d bytes are more than the %d that it may have", len(text), maxYAML)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var root yaml.Node
	if err := decoder.Decode(&root); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fail(0, "the file is empty")
		}
		return nil, fail(0, "not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fail(0, "only one document may stand in the file")
	}
	count := 0
	var read func(pointer string, n *yaml.Node, depth int) (any, error)
	read = func(pointer string, n *yaml.Node, depth int) (any, error) {
		count++
		d.lines[pointer] = n.Line
		switch {
		case count > maxYAMLNodes || depth > maxYAMLDepth:
			return nil, fail(n.Line, "more than %d values or %d levels", maxYAMLNodes, maxYAMLDepth)
		case n.Kind == yaml.AliasNode || n.Anchor != "":
			return nil, fail(n.Line, "anchors and aliases are not used here: write it out")
		case n.Style&yaml.TaggedStyle != 0:
			return nil, fail(n.Line, "tags are not used here: leave %s out", n.Tag)
		}
		switch n.Kind {
		case yaml.MappingNode:
			object := map[string]any{}
			for i := 0; i+1 < len(n.Content); i += 2 {
				key := n.Content[i]
				if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
					return nil, fail(key.Line, "a key is a plain text")
				}
				if _, twice := object[key.Value]; twice {
					return nil, fail(key.Line, "%q stands twice", key.Value)
				}
				at := pointer + "/" + escape(key.Value)
				v, err := read(at, n.Content[i+1], depth+1)
				if err != nil {
					return nil, err
				}
				object[key.Value] = v
				d.lines[at] = key.Line
			}
			return object, nil
		case yaml.SequenceNode:
			list := make([]any, 0, len(n.Content))
			for i, c := range n.Content {
				v, err := read(fmt.Sprintf("%s/%d", pointer, i), c, depth+1)
				if err != nil {
					return nil, err
				}
				list = append(list, v)
			}
			return list, nil
		default:
			return scalar(n, fail)
		}
	}
	v, err := read("", root.Content[0], 0)
	if err != nil {
		return nil, err
	}
	d.value = v
	return d, nil
}

func scalar(n *yaml.Node, fail func(int, string, ...any) error) (any, error) {
	switch n.Tag {
	case "!!null":
		return nil, nil
	case "!!bool":
		var b bool
		err := n.Decode(&b)
		return b, err
	case "!!int", "!!float":
		var f float64
		if err := n.Decode(&f); err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return nil, fail(n.Line, "%q is not a number", n.Value)
		}
		return f, nil
	default: // texts, and dates, which are texts here
		return n.Value, nil
	}
}

// line is that of a pointer, or of the nearest value around it.
func (d *document) line(pointer string) int {
	for {
		if n, ok := d.lines[pointer]; ok {
			return n
		}
		i := strings.LastIndexByte(pointer, '/')
		if i < 0 {
			return 0
		}
		pointer = pointer[:i]
	}
}

// problem is one at a pointer of the document.
func (d *document) problem(pointer, format string, args ...any) Problem {
	return Problem{Pointer: pointer, Line: d.line(pointer), Message: fmt.Sprintf(format, args...)}
}

// escape makes a JSON Pointer's token of a name.
func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}
