// The schema of documents: made from the OpenAPI document, so that both know the
// same fields, patterns and limits.

package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/atoll-platform/atoll/core/server"
)

// form is how documents of a kind look, besides what all have.
type form struct {
	named  string   // component of the API whose name the metadata's name is; "" for any
	spec   []string // components whose properties the spec has
	leaves []string // of those, properties that it has not
	more   map[string]any
	needs  []string // properties that the spec must have
	plan   func(context.Context, *planner, source) (change, error)

	platform, workspace, project, cluster bool // where one may be defined
}

const schemaID = "atoll:///openapi.json"

// components is the OpenAPI document as a resource of schemas.
var components = sync.OnceValues(func() (any, error) {
	text, err := server.OpenAPI()
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
})

// compiled are the schemas of kinds that were asked for.
var compiled sync.Map

// schema is the schema of documents of a kind.
func (k *kind) schema() (*jsonschema.Schema, error) {
	if s, ok := compiled.Load(k.name); ok {
		return s.(*jsonschema.Schema), nil
	}
	api, err := components()
	if err != nil {
		return nil, fmt.Errorf("reading the schemas of the API: %w", err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schemaID, api); err != nil {
		return nil, fmt.Errorf("reading the schemas of the API: %w", err)
	}
	id := "atoll:///" + k.name
	if err := c.AddResource(id, k.document(api)); err != nil {
		return nil, fmt.Errorf("making the schema of a %s: %w", k.name, err)
	}
	s, err := c.Compile(id)
	if err != nil {
		return nil, fmt.Errorf("making the schema of a %s: %w", k.name, err)
	}
	compiled.Store(k.name, s)
	return s, nil
}

// document is the schema of a document as JSON.
func (k *kind) document(api any) map[string]any {
	text := map[string]any{"type": "string", "minLength": 1.0, "maxLength": 63.0}
	name := any(text)
	if k.form.named != "" {
		name = property(k.form.named, "name")
	}
	spec := map[string]any{}
	for _, component := range k.form.spec {
		for key := range propertiesOf(api, component) {
			spec[key] = property(component, key)
		}
	}
	for _, key := range k.form.leaves {
		delete(spec, key)
	}
	for key, schema := range k.form.more {
		spec[key] = schema
	}
	required := []string{"apiVersion", "kind", "metadata"}
	if len(k.form.needs) > 0 {
		required = append(required, "spec")
	}
	return object(map[string]any{
		"apiVersion": map[string]any{"const": documentVersion},
		"kind":       map[string]any{"const": k.name},
		"metadata":   object(map[string]any{"name": name, "workspace": text, "cluster": text, "project": text}, "name"),
		"spec":       object(spec, k.form.needs...),
		"status":     map[string]any{},
	}, required...)
}

func object(properties map[string]any, required ...string) map[string]any {
	all := make([]any, len(required))
	for i, r := range required {
		all[i] = r
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "required": all}
}

// property refers to a property of a component.
func property(component, key string) map[string]any {
	return map[string]any{"$ref": schemaID + "#/components/schemas/" + component + "/properties/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)}
}

// propertiesOf are the properties of a component.
func propertiesOf(api any, component string) map[string]any {
	at := api
	for _, key := range []string{"components", "schemas", component, "properties"} {
		m, _ := at.(map[string]any)
		at = m[key]
	}
	m, _ := at.(map[string]any)
	return m
}

// misplaced says what is wrong with the place in a document's metadata.
func (f *form) misplaced(m metadata) (pointer, message string) {
	switch {
	case f.cluster:
		if m.Cluster == "" {
			return "/metadata", "it needs a cluster"
		}
		if m.Workspace != "" {
			return "/metadata/workspace", "the workspace of a project belongs into its spec"
		}
		if m.Project != "" {
			return "/metadata/project", "the project is the name here"
		}
		return "", ""
	case m.Project != "" && m.Cluster == "":
		return "/metadata/project", "a project needs its cluster beside it"
	case m.Cluster != "" && m.Project == "":
		return "/metadata/cluster", "a cluster needs a project beside it"
	case m.Project != "" && m.Workspace != "":
		return "/metadata/workspace", "it lives in a workspace or in a project, not both"
	case m.Project != "" && !f.project:
		return "/metadata/project", "it does not live in a project; leave cluster and project out"
	case m.Workspace != "" && !f.workspace:
		return "/metadata/workspace", "it does not live in a workspace; leave it out"
	case m.Project == "" && m.Workspace == "" && !f.platform:
		switch {
		case f.project:
			return "/metadata", "it needs a workspace, or a cluster and project; roles on the platform are platformRoles of a User or Group"
		default:
			return "/metadata", "it needs a workspace"
		}
	}
	return "", ""
}
