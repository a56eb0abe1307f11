// Reading YAML strictly: against the schema, with the line of what is wrong.

package server

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// ConfigSchema is the JSON Schema of atoll.yaml, for editors.
//
//go:embed atoll.schema.json
var ConfigSchema []byte

const (
	configSchemaID = "https://atoll.dev/schema/config/v1.json"
	maxConfig      = 1 << 20
)

var configSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(ConfigSchema))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(configSchemaID, doc); err != nil {
		return nil, err
	}
	return c.Compile(configSchemaID)
})

// decodeConfig reads text over the defaults that c holds.
func decodeConfig(name string, text []byte, c *Config) error {
	if len(text) > maxConfig {
		return fmt.Errorf("%w: %s has %d bytes, %d are allowed", ErrConfig, name, len(text), maxConfig)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrConfig, name, err)
	}
	if len(document.Content) == 0 {
		return nil // empty, or comments only
	}
	root := document.Content[0]
	value, err := plainValue(root, "")
	if err != nil {
		return fmt.Errorf("%w: %s:%w", ErrConfig, name, err)
	}
	schema, err := configSchema()
	if err != nil {
		return fmt.Errorf("reading the configuration's schema: %w", err)
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("%w:\n%s", ErrConfig, explain(name, root, err))
	}
	clean, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrConfig, name, err)
	}
	if err := json.Unmarshal(clean, c); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrConfig, name, err)
	}
	return nil
}

// plainValue turns YAML into what JSON can say. Anchors, tags of one's own,
// keys that are no text and keys given twice are refused.
func plainValue(n *yaml.Node, pointer string) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode || key.Tag != "!!str" {
				return nil, fmt.Errorf("%d: %s: a key must be text", key.Line, pointerText(pointer))
			}
			at := pointer + "/" + key.Value
			if _, twice := m[key.Value]; twice {
				return nil, fmt.Errorf("%d: %s is given twice", key.Line, at)
			}
			v, err := plainValue(n.Content[i+1], at)
			if err != nil {
				return nil, err
			}
			m[key.Value] = v
		}
		return m, nil
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for i, item := range n.Content {
			v, err := plainValue(item, pointer+"/"+strconv.Itoa(i))
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
			if err := n.Decode(&f); err != nil {
				return nil, fmt.Errorf("%d: %s: %w", n.Line, pointerText(pointer), err)
			}
			return f, nil
		case "!!null":
			return nil, nil
		}
		return nil, fmt.Errorf("%d: %s: the YAML type %s is not used here; put the value in quotes", n.Line, pointerText(pointer), n.Tag)
	default:
		return nil, fmt.Errorf("%d: %s: anchors and aliases are not used here", n.Line, pointerText(pointer))
	}
}

func pointerText(pointer string) string {
	if pointer == "" {
		return "the file"
	}
	return pointer
}

// explain says line by line what is wrong, where, and what would be right.
func explain(name string, root *yaml.Node, err error) string {
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return name + ": " + err.Error()
	}
	printer := message.NewPrinter(language.English)
	var lines []string
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			walk(cause)
		}
		if len(e.Causes) > 0 {
			return
		}
		if extra, ok := e.ErrorKind.(*kind.AdditionalProperties); ok {
			for _, property := range extra.Properties {
				at := append(append([]string(nil), e.InstanceLocation...), property)
				lines = append(lines, fmt.Sprintf("  %s:%d: /%s is not a key that Atoll knows; known here: %s",
					name, lineOf(root, at), strings.Join(at, "/"), strings.Join(knownKeys(e.InstanceLocation), ", ")))
			}
			return
		}
		lines = append(lines, fmt.Sprintf("  %s:%d: /%s: %s", name, lineOf(root, e.InstanceLocation), strings.Join(e.InstanceLocation, "/"), e.ErrorKind.LocalizedString(printer)))
	}
	walk(invalid)
	return strings.Join(lines, "\n")
}

// lineOf finds the line of a place in the file, of its key where it has one.
func lineOf(n *yaml.Node, at []string) int {
	line := n.Line
	for _, step := range at {
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == step {
					line, n = n.Content[i].Line, n.Content[i+1]
					break
				}
			}
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(step); err == nil && i < len(n.Content) {
				n = n.Content[i]
				line = n.Line
			}
		}
	}
	return line
}

// knownKeys are the properties that the schema has at a place.
func knownKeys(at []string) []string {
	s, err := configSchema()
	if err != nil {
		return nil
	}
	for _, step := range at {
		if next, ok := s.Properties[step]; ok {
			s = next
		} else if items := s.Items2020; items != nil {
			s = items
		}
	}
	var keys []string
	for key := range s.Properties {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
