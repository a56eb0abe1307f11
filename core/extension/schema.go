// The manifest's JSON Schema, made from the Go types and their tags: doc,
// example (JSON), enum and itemEnum (separated by commas), pattern and
// itemPattern, keyPattern, min, max, maxLength, minItems, maxItems, maxProperties.
// A field without omitempty is required, unless it is a struct.
package extension

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// SchemaID names the schema; editors that find it complete the manifest.
const SchemaID = "https://atoll.dev/schema/extension/v1.json"

// Schema is extension.schema.json, byte for byte.
var Schema = sync.OnceValue(func() []byte {
	s := schemaOf(reflect.TypeFor[Manifest](), "")
	s = append(object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"$id", SchemaID},
		{"title", "Atoll extension manifest"},
		{"description", "extension.yaml: what an extension is, what it asks for and what it brings."},
	}, s...)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		panic("the manifest's schema cannot be written: " + err.Error())
	}
	return b.Bytes()
})

// object is a JSON object that keeps the order of its members.
type object []member

type member struct {
	Name  string
	Value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, v := range []any{m.Name, m.Value} {
			if j > 0 {
				b.WriteByte(':')
			}
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			if err := e.Encode(v); err != nil {
				return nil, fmt.Errorf("writing %s: %w", m.Name, err)
			}
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// schemaOf is the schema of a type under the tags of the field that has it.
func schemaOf(t reflect.Type, tag reflect.StructTag) object {
	var s object
	if doc := tag.Get("doc"); doc != "" {
		s = append(s, member{"description", doc})
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[Texts]():
		s = append(s, textsSchema(tag)...)
	case t.Kind() == reflect.Struct:
		s = append(s, structSchema(t)...)
	case t.Kind() == reflect.Map:
		s = append(s, member{"type", "object"})
		s = append(s, numbers(tag, "maxProperties")...)
		s = append(s, member{"additionalProperties", false}, member{"patternProperties", object{{tag.Get("keyPattern"), schemaOf(t.Elem(), "")}}})
	case t.Kind() == reflect.Slice:
		s = append(s, member{"type", "array"})
		s = append(s, numbers(tag, "minItems", "maxItems")...)
		if t.Elem().Kind() == reflect.String {
			s = append(s, member{"uniqueItems", true})
		}
		item := reflect.StructTag("")
		if v, ok := tag.Lookup("itemEnum"); ok {
			item = reflect.StructTag("enum:" + strconv.Quote(v))
		}
		if v, ok := tag.Lookup("itemPattern"); ok {
			item = reflect.StructTag("pattern:" + strconv.Quote(v))
		}
		s = append(s, member{"items", schemaOf(t.Elem(), item)})
	case t.Kind() == reflect.Bool:
		s = append(s, member{"type", "boolean"})
	case t.Kind() == reflect.Int:
		s = append(s, member{"type", "integer"})
		s = append(s, rename(numbers(tag, "min", "max"), "min", "minimum", "max", "maximum")...)
	default:
		s = append(s, member{"type", "string"})
		if v := tag.Get("enum"); v != "" {
			s = append(s, member{"enum", strings.Split(v, ",")})
		}
		if v := tag.Get("pattern"); v != "" {
			s = append(s, member{"pattern", v})
		}
	}
	if v := tag.Get("example"); v != "" {
		s = append(s, member{"examples", []json.RawMessage{json.RawMessage(v)}})
	}
	return s
}

func structSchema(t reflect.Type) object {
	var required []string
	var properties object
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			continue
		}
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		properties = append(properties, member{name, schemaOf(f.Type, f.Tag)})
		if option != "omitempty" {
			required = append(required, name)
		}
	}
	s := object{{"type", "object"}, {"additionalProperties", false}}
	if len(required) > 0 {
		s = append(s, member{"required", required})
	}
	return append(s, member{"properties", properties})
}

func textsSchema(tag reflect.StructTag) object {
	text := object{{"type", "string"}, {"minLength", 1}}
	return object{
		{"type", "object"},
		{"required", []string{"en"}},
		{"maxProperties", 32},
		{"propertyNames", object{{"pattern", "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$"}}},
		{"additionalProperties", append(text, numbers(tag, "maxLength")...)},
	}
}

// numbers are the tags of these names as members.
func numbers(tag reflect.StructTag, names ...string) object {
	var s object
	for _, name := range names {
		if v := tag.Get(name); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil {
				panic("tag " + name + ": " + err.Error())
			}
			s = append(s, member{name, n})
		}
	}
	return s
}

func rename(s object, pairs ...string) object {
	for i := range s {
		for j := 0; j < len(pairs); j += 2 {
			if s[i].Name == pairs[j] {
				s[i].Name = pairs[j+1]
			}
		}
	}
	return s
}
