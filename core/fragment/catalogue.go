// The closed catalogue: sdk/fragment's schema, compiled once, and its errors in
// words with a JSON Pointer.
package fragment

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	catalogue "github.com/atoll-platform/atoll/sdk/fragment"
)

const schemaURL = "https://atoll.dev/schema/fragment/v1.json"

// vocabulary is the compiled catalogue.
type vocabulary struct {
	top      map[string]*jsonschema.Schema // Fragment, Contributions
	elements map[string]*jsonschema.Schema // by the name in `is`
}

// words compiles the catalogue once. An element is compiled without the elements
// inside it: the walk goes to each of them by itself, so that a fragment costs
// its size and not its size times the catalogue's.
var words = sync.OnceValue(func() vocabulary {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(catalogue.Schema))
	if err != nil {
		panic("the catalogue's schema is not JSON: " + err.Error())
	}
	defs := doc.(map[string]any)["$defs"].(map[string]any)
	node := defs["Node"].(map[string]any)
	delete(node, "allOf")
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schemaURL, doc); err != nil {
		panic("the catalogue's schema: " + err.Error())
	}
	v := vocabulary{map[string]*jsonschema.Schema{}, map[string]*jsonschema.Schema{}}
	for _, name := range []string{"Fragment", "Contributions"} {
		v.top[name] = c.MustCompile(schemaURL + "#/$defs/" + name)
	}
	for _, m := range node["x-union-of"].(map[string]any)["members"].([]any) {
		is := defs[m.(string)].(map[string]any)["properties"].(map[string]any)["is"].(map[string]any)["const"].(string)
		v.elements[is] = c.MustCompile(schemaURL + "#/$defs/" + m.(string))
	}
	return v
})

// conform holds a fragment against the catalogue: its frame, then each element.
func conform(doc any) []Violation {
	all := hold(words().top["Fragment"], "", doc)
	if len(all) > 0 {
		return all
	}
	var visit func(at string, node map[string]any)
	visit = func(at string, node map[string]any) {
		name, _ := node["is"].(string)
		element, ok := words().elements[name]
		if !ok || len(all) >= maxViolations {
			return // the outer one's schema has named it
		}
		found := hold(element, at, node)
		all = append(all, found...)
		if len(found) > 0 {
			return
		}
		for p := range places(node) {
			visit(at+p.pointer, p.node)
		}
	}
	visit("/body", doc.(map[string]any)["body"].(map[string]any))
	return all
}

// hold holds a value, which stands at a place, against one schema.
func hold(s *jsonschema.Schema, at string, v any) []Violation {
	err := s.Validate(v)
	if err == nil {
		return nil
	}
	invalid, ok := err.(*jsonschema.ValidationError)
	if !ok {
		return []Violation{{RuleSchema, at, err.Error()}}
	}
	var all []Violation
	leaves(invalid, at, v, message.NewPrinter(language.English), &all)
	return all
}

// named finds the first property of a name. The validator's own location of a
// refused name is of a slice that it goes on writing to.
func named(at string, v any, name string) (string, bool) {
	switch v := v.(type) {
	case []any:
		for i := range v {
			if found, ok := named(at+"/"+strconv.Itoa(i), v[i], name); ok {
				return found, true
			}
		}
	case map[string]any:
		if _, ok := v[name]; ok {
			return at + "/" + escape(name), true
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if found, ok := named(at+"/"+escape(key), v[key], name); ok {
				return found, true
			}
		}
	}
	return "", false
}

// leaves collects the innermost causes: the outer ones only repeat them.
func leaves(e *jsonschema.ValidationError, at string, v any, p *message.Printer, all *[]Violation) {
	if len(*all) >= maxViolations {
		return
	}
	var pointer strings.Builder
	pointer.WriteString(at)
	for _, token := range e.InstanceLocation {
		pointer.WriteString("/" + escape(token))
	}
	var text string
	switch k := e.ErrorKind.(type) {
	case *kind.PropertyNames:
		found, _ := named(at, v, k.Property)
		*all = append(*all, Violation{RuleSchema, found, "the name of this property is not allowed"})
		return
	case *kind.FalseSchema:
		text = "the catalogue has no such property here"
	default:
		text = k.LocalizedString(p)
	}
	if len(e.Causes) > 0 {
		for _, c := range e.Causes {
			leaves(c, at, v, p, all)
		}
		return
	}
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "..."
	}
	*all = append(*all, Violation{RuleSchema, pointer.String(), text})
}
