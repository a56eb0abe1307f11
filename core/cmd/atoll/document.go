// Documents: things of Atoll as people write them down and keep them.
//
//	apiVersion: atoll.dev/v1
//	kind: Project
//	metadata:
//	  name: shop
//	  cluster: local
//	spec:
//	  workspace: red
//	  title: Shop
//
// The spec is what somebody wants; a status, which atoll get adds, is what Atoll
// says besides and is not looked at when a document is applied.

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const documentVersion = "atoll.dev/v1"

// document is one thing.
type document struct {
	APIVersion string         `json:"apiVersion" yaml:"apiVersion"`
	Kind       string         `json:"kind" yaml:"kind"`
	Metadata   metadata       `json:"metadata" yaml:"metadata"`
	Spec       map[string]any `json:"spec,omitempty" yaml:"spec,omitempty"`
	Status     map[string]any `json:"status,omitempty" yaml:"status,omitempty"`

	etag string // of what it was read as
}

// metadata is which thing it is.
type metadata struct {
	Name      string `json:"name" yaml:"name"`
	Workspace string `json:"workspace,omitempty" yaml:"workspace,omitempty"`
	Cluster   string `json:"cluster,omitempty" yaml:"cluster,omitempty"`
	Project   string `json:"project,omitempty" yaml:"project,omitempty"`
}

func (m metadata) place() place {
	return place{workspace: m.Workspace, cluster: m.Cluster, project: m.Project}
}

// named is a thing as an argument of a command names it.
func (d document) named() string {
	if d.Metadata.Cluster != "" && d.Metadata.Project == "" {
		return d.Metadata.Cluster + "/" + d.Metadata.Name
	}
	return d.Metadata.Name
}

// String is a thing as messages name it.
func (d document) String() string {
	s := strings.ToLower(d.Kind) + " " + d.named()
	if p := d.Metadata.place(); p.home() != onPlatform {
		s += " in " + p.String()
	}
	return printable(s)
}

// documentOf makes a document of what the API answered about a thing in a place.
func (k *kind) documentOf(item map[string]any, p place) document {
	d := document{APIVersion: documentVersion, Kind: k.name, Metadata: metadata{Name: text(item[k.key])}, Spec: map[string]any{}, Status: map[string]any{}}
	if p.home() != onPlatform && !slices.Contains(k.lives, inCluster) {
		d.Metadata.Workspace, d.Metadata.Cluster, d.Metadata.Project = p.workspace, p.cluster, p.project
	}
	for key, value := range item {
		switch {
		case key == k.key:
		case slices.Contains(k.spec, key):
			d.Spec[key] = value
		default:
			d.Status[key] = value
		}
	}
	if k.adjust != nil {
		k.adjust(item, &d)
	}
	return d
}

// text is a value of JSON in one line.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		all := make([]string, len(v))
		for i, one := range v {
			all[i] = text(one)
		}
		return strings.Join(all, ",")
	case map[string]any:
		var all []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = append(all, key+"="+text(v[key]))
		}
		return strings.Join(all, ",")
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// writeYAML writes documents as a stream of YAML, which atoll apply reads.
func writeYAML(out io.Writer, all []document) error {
	e := yaml.NewEncoder(out) // which puts --- between them
	e.SetIndent(2)
	for _, d := range all {
		if err := e.Encode(d); err != nil {
			return fmt.Errorf("writing YAML: %w", err)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return e.Close()
}

// list is many documents as one, as JSON wants it.
type list struct {
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Items      []document `json:"items"`
}

const listKind = "List"

func writeJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
