// Plans: what has to be done so that a document is true. Making a plan reads
// only; where nothing has to be done, nothing is.

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
)

// change is a document, what is there now, and the way from here to there.
type change struct {
	source
	there     bool
	whole     bool           // what the document leaves out is to have its default, and does not stay
	now, want map[string]any // specs, in the form in which they are compared
	steps     []step
}

// step is one request.
type step struct {
	does, method, path string
	body               any
	at                 func(string) string // from a pointer into the body to one into the document; nil: that of the spec
	once               string              // of the answer, what is shown this once

	// The ETag of what it changes, as it was when the plan was made; "" where it
	// was not there.
	etag string
	puts bool // without one: it makes what is not there
}

// headers hold the API to what the plan was made for.
func (s step) headers() http.Header {
	switch {
	case s.etag != "":
		return http.Header{"If-Match": {s.etag}}
	case s.puts:
		return http.Header{"If-None-Match": {"*"}}
	}
	return nil
}

// What becomes of documents.
const (
	isCreated = "created"
	isChanged = "changed"
	asItWas   = "as it was"
)

// result is what becomes of the document.
func (c change) result() string {
	switch {
	case !c.there:
		return isCreated
	case len(c.steps) > 0:
		return isChanged
	}
	return asItWas
}

// planner makes plans for documents, one after the other.
type planner struct {
	api    *client
	writes bool
	// made are the things that documents before make, where nothing is written
	// and they are therefore not there.
	made  map[string]bool
	roles map[place][]map[string]any
}

func newPlanner(api *client, writes bool) *planner {
	return &planner{api: api, writes: writes, made: map[string]bool{}, roles: map[place][]map[string]any{}}
}

// plan says what has to be done for a document.
func (p *planner) plan(ctx context.Context, s source) (change, error) {
	c, err := s.kind.form.plan(ctx, p, s)
	if f := (*fault)(nil); err != nil && !errors.As(err, &f) {
		err = s.wrap("", err)
	}
	if !c.there && !p.writes {
		p.made[s.String()] = true
	}
	return c, err
}

// compare is a change with the specs as they are compared: whole, when what the
// document leaves out is to have its default, or else what it leaves out stays.
func compare(s source, now map[string]any, there, whole bool) change {
	want := maps.Clone(s.Spec)
	if !whole {
		want = maps.Clone(now)
		if want == nil {
			want = map[string]any{}
		}
		maps.Copy(want, s.Spec)
	}
	return change{source: s, there: there, whole: whole, now: normal(now), want: normal(want)}
}

// changedSince are the keys of the spec that the document is about and that somebody
// else has changed since a plan was made: they are neither as they were read nor as
// the document wants them.
func (c change) changedSince(before change) []string {
	all := maps.Clone(before.now)
	maps.Copy(all, c.now)
	maps.DeleteFunc(all, func(key string, _ any) bool {
		_, said := c.Spec[key]
		return !said && !c.whole || reflect.DeepEqual(c.now[key], before.now[key]) || reflect.DeepEqual(c.now[key], before.want[key])
	})
	return slices.Sorted(maps.Keys(all))
}

func (c change) differs() bool { return !c.there || !reflect.DeepEqual(c.now, c.want) }

// changed tells whether one thing of the spec is to become another.
func (c change) changed(key string) bool { return !reflect.DeepEqual(c.now[key], c.want[key]) }

// stays is an error when something would change that cannot.
func (c change) stays(keys ...string) error {
	for _, key := range keys {
		if c.there && c.changed(key) {
			return c.fault("/spec/"+key, "it is %q now and cannot be changed; delete the %s and make it anew", text(c.now[key]), strings.ToLower(c.Kind))
		}
	}
	return nil
}

// sets are the lists of specs whose order says nothing.
var sets = []string{"clusters", "serviceTypes", "hosts", "permissions", "members", "platformRoles"}

// normal is a spec as it is compared: without what is the default anyway, amounts
// in their shortest form, sets in order.
func normal(spec map[string]any) map[string]any {
	all := map[string]any{}
	for key, v := range spec {
		switch {
		case key == "podSecurity" && v == "baseline", key == "adopt":
			continue
		case key == "budget", key == "quota":
			v = normalAmounts(v)
		case key == "containers":
			parts := map[string]any{}
			if m, ok := v.(map[string]any); ok {
				for part, amounts := range m {
					if of := normalAmounts(amounts); !isZero(of) {
						parts[part] = of
					}
				}
			}
			v = parts
		case slices.Contains(sets, key):
			if list, ok := v.([]any); ok {
				list = slices.Clone(list)
				slices.SortFunc(list, func(a, b any) int { return strings.Compare(text(a), text(b)) })
				v = slices.CompactFunc(list, func(a, b any) bool { return text(a) == text(b) })
			}
		}
		if !isZero(v) {
			all[key] = v
		}
	}
	return all
}

func normalAmounts(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	all := map[string]any{}
	for name, amount := range m {
		all[name] = amount
		if q, err := resource.ParseQuantity(text(amount)); err == nil {
			all[name] = q.String()
		}
	}
	return all
}

func isZero(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return reflect.ValueOf(v).IsZero()
}

// current reads the thing of a document; false when it is not there.
func (p *planner) current(ctx context.Context, s source) (document, bool, error) {
	d, err := s.kind.one(ctx, p.api, s.Metadata.place(), s.Metadata.Name)
	return d, err == nil, p.missing(s, err)
}

// missing is nil for an error that says that something is not there, or will be
// made by a document before.
func (p *planner) missing(s source, err error) error {
	if isStatus(err, http.StatusNotFound) || isStatus(err, http.StatusForbidden) && p.made[s.Metadata.place().String()] {
		return nil
	}
	return err
}

// role finds a role that may be given in a place, by its name or id. The name is
// what people see; it is the id where several roles have it.
func (p *planner) role(ctx context.Context, s source, pointer, wanted string) (id, name string, err error) {
	at := s.Metadata.place()
	all, ok := p.roles[at]
	if !ok {
		all, err = p.api.items(ctx, at.path()+"/roles")
		if isStatus(err, http.StatusForbidden) && at.home() == onPlatform || p.made[at.String()] {
			return wanted, wanted, nil // who may not see the roles names them as the API does
		}
		if err != nil {
			return "", "", err
		}
		p.roles[at] = all
	}
	if id, name, err = pickRole(all, wanted); err != nil {
		return "", "", s.wrap(pointer, err)
	}
	switch {
	case id != "":
		return id, name, nil
	case p.makesRole(wanted):
		return wanted, wanted, nil
	}
	return "", "", s.wrap(pointer, noRole(all, wanted))
}

// pickRole finds a role among those of a place by its id or, where one alone has
// it, by its name; "" for none.
func pickRole(all []map[string]any, wanted string) (id, name string, err error) {
	count := 0
	for _, r := range all {
		if text(r["id"]) == wanted {
			return wanted, roleName(all, r), nil
		}
		if text(r["name"]) == wanted {
			id = text(r["id"])
			count++
		}
	}
	if count > 1 {
		return "", "", wrongUse("several roles are called %q here; name it by its id (atoll get roles -o wide)", wanted)
	}
	return id, wanted, nil
}

// noRole says which roles there are instead of the one that was wanted.
func noRole(all []map[string]any, wanted string) error {
	var names []string
	for _, r := range all {
		names = append(names, text(r["name"]))
	}
	return wrongUse("there is no role %q here; there are: %s", wanted, strings.Join(names, ", "))
}

// makesRole tells whether a document before makes a role of the name. In which
// workspace a project is, is not known here; applying looks again.
func (p *planner) makesRole(name string) bool {
	for made := range p.made {
		if made == "role "+name || strings.HasPrefix(made, "role "+name+" in ") {
			return true
		}
	}
	return false
}

// roleName is the name of a role, or its id where another has the name too.
func roleName(all []map[string]any, r map[string]any) string {
	name := text(r["name"])
	for _, other := range all {
		if text(other["name"]) == name && text(other["id"]) != text(r["id"]) {
			return text(r["id"])
		}
	}
	return name
}

// do takes the steps of a change. It says what was shown this once.
func (p *planner) do(ctx context.Context, c change) (once string, err error) {
	for i, s := range c.steps {
		var answer map[string]any
		if _, err := p.api.conditional(ctx, s.method, s.path, s.headers(), s.body, &answer); err != nil {
			err = c.refused(s, err)
			if i > 0 {
				var done []string
				for _, before := range c.steps[:i] {
					done = append(done, before.does)
				}
				err = fmt.Errorf("%w\nOf this document was done before: %s", err, strings.Join(done, ", "))
			}
			return once, err
		}
		if s.once != "" && answer[s.once] != nil {
			once = text(answer[s.once])
		}
	}
	if c.Kind == "Role" {
		clear(p.roles)
	}
	return once, nil
}

// refused is the API's answer about a step, with the lines that it is about.
func (c change) refused(s step, err error) error {
	p := (*problem)(nil)
	if !errors.As(err, &p) || len(p.Errors) == 0 {
		return c.wrap("", fmt.Errorf("%s: %w", c, err))
	}
	var all []error
	for _, e := range p.Errors {
		pointer := ""
		switch {
		case e.Pointer == "/name":
			pointer = "/metadata/name"
		case e.Pointer != "" && s.at != nil:
			pointer = s.at(e.Pointer)
		case e.Pointer != "":
			pointer = "/spec" + e.Pointer
		}
		all = append(all, c.wrap(pointer, &problem{Status: p.Status, Detail: strings.TrimSpace(e.Parameter + " " + e.Message)}))
	}
	return errors.Join(all...)
}

// specText is a spec as lines that are compared by people.
func specText(spec map[string]any) (string, error) {
	if len(spec) == 0 {
		return "", nil
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	err := errors.Join(e.Encode(spec), e.Close())
	return b.String(), err
}
