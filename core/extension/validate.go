// What a manifest must keep to: the schema, and what a schema cannot say.
package extension

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/atoll-platform/atoll/core/capability"
)

// manifestFile is the manifest's name in a package.
const manifestFile = "extension.yaml"

var compiledSchema = sync.OnceValue(func() *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		panic("the manifest's schema is not JSON: " + err.Error())
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(SchemaID, doc); err != nil {
		panic("the manifest's schema: " + err.Error())
	}
	return c.MustCompile(SchemaID)
})

// ParseManifest reads and checks extension.yaml. The error is a *FileError that
// names each problem with its JSON Pointer and line.
func ParseManifest(text []byte) (*Manifest, error) {
	d, err := readYAML(manifestFile, text)
	if err != nil {
		return nil, err
	}
	var problems []Problem
	if err := compiledSchema().Validate(d.value); err != nil {
		invalid, ok := err.(*jsonschema.ValidationError)
		if !ok {
			return nil, fmt.Errorf("checking %s: %w", manifestFile, err)
		}
		collect(d, invalid, message.NewPrinter(language.English), &problems)
		return nil, &FileError{manifestFile, problems}
	}
	raw, err := json.Marshal(d.value)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", manifestFile, err)
	}
	m := &Manifest{}
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, fmt.Errorf("reading %s: %w", manifestFile, err)
	}
	if problems = m.check(d); len(problems) > 0 {
		return nil, &FileError{manifestFile, problems}
	}
	return m, nil
}

// maxProblems bounds what is said about one file.
const maxProblems = 30

func collect(d *document, e *jsonschema.ValidationError, p *message.Printer, all *[]Problem) {
	if len(*all) >= maxProblems {
		return
	}
	if len(e.Causes) > 0 && !isPropertyNames(e) {
		for _, c := range e.Causes {
			collect(d, c, p, all)
		}
		return
	}
	var pointer strings.Builder
	for _, token := range e.InstanceLocation {
		pointer.WriteString("/" + escape(token))
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			*all = append(*all, d.problem(pointer.String()+"/"+escape(name), "there is no property %q here", name))
		}
	case *kind.PropertyNames:
		*all = append(*all, d.problem("", "%q is not a language such as en, zh or pt-BR", k.Property))
	default:
		*all = append(*all, d.problem(pointer.String(), "%s", k.LocalizedString(p)))
	}
}

func isPropertyNames(e *jsonschema.ValidationError) bool {
	_, ok := e.ErrorKind.(*kind.PropertyNames)
	return ok
}

// check is what the schema cannot say.
func (m *Manifest) check(d *document) (all []Problem) {
	add := func(pointer, format string, args ...any) { all = append(all, d.problem(pointer, format, args...)) }
	if m.Name == "-" || m.Name == "atoll" || m.Name == "core" {
		add("/name", "%q is reserved", m.Name)
	}
	for i := range m.Permissions.Kubernetes {
		for _, p := range m.Permissions.Kubernetes[i].Problems() {
			add(fmt.Sprintf("/permissions/kubernetes/%d%s", i, p.Pointer), "%s", p.Message)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Permissions.Upstreams)) {
		for i, text := range m.Permissions.Upstreams[name].Requests {
			if _, err := capability.ParseTemplate(text); err != nil {
				add(fmt.Sprintf("/permissions/upstreams/%s/requests/%d", name, i), "%s", err)
			}
		}
		for i, text := range m.Permissions.Upstreams[name].Safe {
			if !slices.Contains(m.Permissions.Upstreams[name].Requests, text) {
				add(fmt.Sprintf("/permissions/upstreams/%s/safe/%d", name, i), "it is none of requests: each stands there word for word")
			}
		}
	}
	roles := map[string]*Role{}
	for i := range m.Roles {
		r, at := &m.Roles[i], fmt.Sprintf("/roles/%d", i)
		if roles[r.ID] != nil {
			add(at+"/id", "another item is named %q", r.ID)
		}
		roles[r.ID] = r
		for j, name := range r.Default {
			if !strings.HasPrefix(name, r.Scope+"-") {
				add(fmt.Sprintf("%s/default/%d", at, j), "%s is no role of scope %s", name, r.Scope)
			}
		}
	}
	shapes := map[string]int{}
	for i := range m.Routes {
		r, at := &m.Routes[i], fmt.Sprintf("/routes/%d", i)
		scope, problem := r.scope()
		if problem != "" {
			add(at+"/path", "%s", problem)
		}
		for _, method := range r.Methods {
			shape := method + " " + parameter.ReplaceAllString(r.Path, "{}")
			if first, twice := shapes[shape]; twice {
				add(at+"/path", "route %d takes the same %s requests", first, method)
			}
			shapes[shape] = i
		}
		if r.WebSocket && (len(r.Methods) != 1 || r.Methods[0] != "GET") {
			add(at+"/methods", "a WebSocket begins with GET and nothing else")
		}
		if r.WebSocket && r.Stream {
			add(at+"/stream", "a WebSocket streams anyway")
		}
		if r.Permission == "" {
			continue
		}
		role := roles[r.Permission]
		if role == nil {
			add(at+"/permission", "roles has no item %q", r.Permission)
		} else if want := map[string]string{scopeCluster: scopePlatform}[scope]; role.Scope != scope && role.Scope != want {
			add(at+"/permission", "the item %q is of scope %s, the path of scope %s", r.Permission, role.Scope, scope)
		}
	}
	if m.Limits != nil {
		wrong := func(field, why string) { add("/limits/"+field, "%s", why) }
		m.Limits.Check(wrong)
		m.Limits.agree(wrong)
	}
	return all
}

// Isolated is the isolation that holds: as the manifest says, or by what it asks
// for. An extension that writes or reads Secrets keeps people apart, because a
// guest could otherwise borrow an administrator's request for somebody else's; so
// does one that asks upstreams for what is one person's.
func (m *Manifest) Isolated() string {
	if m.Isolation != "" {
		return m.Isolation
	}
	for _, r := range m.Permissions.Kubernetes {
		if slices.Contains(r.Resources, "secrets") || slices.ContainsFunc(r.Verbs, func(v string) bool {
			return v != "get" && v != "list" && v != "watch"
		}) {
			return "user"
		}
	}
	for _, templates := range m.templates() {
		if slices.ContainsFunc(templates, func(t capability.Template) bool { return t.Names("user") }) {
			return "user"
		}
	}
	return "workspace"
}
