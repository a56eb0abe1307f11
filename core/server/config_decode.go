// Reading YAML strictly: against the schema, with the line of what is wrong.

package server

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/atoll-platform/atoll/core/server/plainyaml"
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
	value, err := plainyaml.Value(root)
	if err != nil {
		return fmt.Errorf("%w: %s:%w", ErrConfig, name, err)
	}
	schema, err := configSchema()
	if err != nil {
		return fmt.Errorf("reading the configuration's schema: %w", err)
	}
	if faults := plainyaml.Check(schema, root, value); len(faults) > 0 {
		lines := make([]string, len(faults))
		for i := range faults {
			lines[i] = "  " + name + ":" + faults[i].Error()
		}
		return fmt.Errorf("%w:\n%s", ErrConfig, strings.Join(lines, "\n"))
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
