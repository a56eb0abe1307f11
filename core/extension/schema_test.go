// The schema at the repository's root is the one that the types give.
package extension

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var write = flag.Bool("write", false, "write extension.schema.json instead of comparing it")

const schemaFile = "../../extension.schema.json"

func TestSchemaAtTheRootIsTheTypes(t *testing.T) {
	if *write {
		if err := os.WriteFile(schemaFile, Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(old, Schema()) {
		t.Error("extension.schema.json differs from the manifest's types: run `go test ./core/extension -run TestSchemaAtTheRoot -write`")
	}
}

// Every property has a description and an example that fits it: editors show both.
func TestEveryPropertyIsDescribedAndShown(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	seen := 0
	var walk func(pointer string, s map[string]any)
	walk = func(pointer string, s map[string]any) {
		if items, ok := s["items"].(map[string]any); ok {
			walk(pointer+"/items", items)
		}
		patterns, _ := s["patternProperties"].(map[string]any)
		for pattern, values := range patterns {
			walk(pointer+"/patternProperties/"+url.PathEscape(pattern), values.(map[string]any))
		}
		properties, _ := s["properties"].(map[string]any)
		for name, p := range properties {
			seen++
			p, at := p.(map[string]any), pointer+"/properties/"+name
			if d, _ := p["description"].(string); d == "" {
				t.Errorf("%s has no description", at)
			}
			examples, _ := p["examples"].([]any)
			if len(examples) == 0 {
				t.Errorf("%s has no example", at)
			}
			compiled, err := c.Compile(SchemaID + "#" + at)
			if err != nil {
				t.Fatalf("%s: %v", at, err)
			}
			for _, e := range examples {
				if err := compiled.Validate(e); err != nil {
					text, _ := json.Marshal(e)
					t.Errorf("%s: the example %s does not fit: %v", at, text, err)
				}
			}
			walk(at, p)
		}
	}
	walk("", doc.(map[string]any))
	if seen < 30 {
		t.Errorf("only %d properties were seen: the walk is broken", seen)
	}
}
