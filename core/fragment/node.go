// What each element, action and data source must keep to, beyond its shape.
package fragment

import (
	"fmt"
	"regexp"
	"strings"

	catalogue "github.com/atoll-platform/atoll/sdk/fragment"
)

// node checks one element and what is in it. row tells whether it stands in a
// table's cell.
func (c *checker) node(at string, node map[string]any, row bool) {
	name := node["is"].(string)
	if row && !cells[name] {
		c.add(RuleCell, at+"/is", "%s does not fit into a table's cell", name)
	}
	c.test(at+"/when", node["when"], row)
	for _, key := range []string{"text", "title", "body"} {
		if name == "Tabs" {
			break
		}
		c.text(at+"/"+key, node, key, row)
	}
	for _, key := range []string{"value", "name", "namespace", "follow", "timestamps", "highlight", "regex"} {
		c.value(at+"/"+key, node[key], row)
	}
	for _, key := range []string{"rows", "lines"} {
		if ref, ok := node[key].(map[string]any); ok {
			c.pointer(at+"/"+key, ref["$"].(string), false)
		}
	}
	if by, ok := node["toneBy"].(map[string]any); ok {
		c.value(at+"/toneBy/of", by["of"], row)
	}
	c.actionList(at+"/actions", node["actions"], row)
	c.actionList(at+"/rowActions", node["rowActions"], true)
	if action, ok := node["action"].(map[string]any); ok {
		c.action(at+"/action", action, row)
	}
	switch name {
	case "Link":
		external, _ := node["external"].(bool)
		c.target(at+"/to", node["to"].(string), external, row)
	case "Markdown":
		if text, ok := node["text"].(string); ok {
			if problem := checkMarkdown(text, c.rules.Pages); problem != "" {
				c.add(RuleLink, at+"/text", "%s", problem)
			}
		} else {
			c.add(RuleLink, at+"/text", "Markdown is a text or a message without arguments from data: data could bring links")
		}
	case "Filter":
		c.filter(at, node["controls"].([]any))
	}
	c.labels(at, node)
	for p := range places(node) {
		c.node(at+p.pointer, p.node, row || p.cell)
	}
}

// labels checks the words of tabs, facts and columns, and that ids are different.
func (c *checker) labels(at string, node map[string]any) {
	for _, l := range []struct{ list, key string }{{"tabs", "label"}, {"items", "label"}, {"columns", "header"}} {
		list, _ := node[l.list].([]any)
		ids := map[string]bool{}
		for i, v := range list {
			item, here := v.(map[string]any), fmt.Sprintf("%s/%s/%d", at, l.list, i)
			c.text(here+"/"+l.key, item, l.key, false)
			if id, ok := item["id"].(string); ok {
				if ids[id] {
					c.add(RuleRef, here+"/id", "another one is named %q", id)
				}
				ids[id] = true
			}
		}
	}
}

func (c *checker) filter(at string, controls []any) {
	for i, v := range controls {
		control, here := v.(map[string]any), fmt.Sprintf("%s/controls/%d", at, i)
		c.text(here+"/label", control, "label", false)
		c.test(here+"/when", control["when"], false)
		kind := control["kind"].(string)
		_, has := control["options"]
		if choose := kind == "select" || kind == "multi" || kind == "duration"; choose != has {
			c.add(RuleRef, here+"/options", "select, multi and duration have options, text and toggle have none")
		}
		switch options := control["options"].(type) {
		case []any:
			for j, o := range options {
				c.text(fmt.Sprintf("%s/options/%d/label", here, j), o.(map[string]any), "label", false)
			}
		case map[string]any:
			c.value(here+"/options", options, false)
		}
		fits := true
		switch control["default"].(type) {
		case nil:
		case bool:
			fits = kind == "toggle"
		case []any:
			fits = kind == "multi"
		default:
			fits = kind != "toggle" && kind != "multi"
		}
		if !fits {
			c.add(RuleRef, here+"/default", "the default of a %s is another kind of value", kind)
		}
	}
}

func (c *checker) target(at, to string, external, row bool) {
	pointers, problem := checkTarget(to, external, c.rules.Pages)
	if problem != "" {
		c.add(RuleLink, at, "%s", problem)
	}
	for _, p := range pointers {
		c.pointer(at, p, row)
	}
}

func (c *checker) actionList(at string, v any, row bool) {
	list, _ := v.([]any)
	for i, a := range list {
		c.action(fmt.Sprintf("%s/%d", at, i), a.(map[string]any), row)
	}
}

func (c *checker) action(at string, action map[string]any, row bool) {
	if _, ok := action["denied"]; ok {
		c.add(RuleHost, at+"/denied", "only the host says what is denied")
	}
	c.text(at+"/label", action, "label", row)
	run := action["run"].(map[string]any)
	switch run["do"] {
	case "navigate":
		c.target(at+"/run/to", run["to"].(string), false, row)
	case "copy":
		c.value(at+"/run/value", run["value"], row)
	case "refresh":
		for i, s := range run["sources"].([]any) {
			if !c.sources[s.(string)] {
				c.add(RuleRef, fmt.Sprintf("%s/run/sources/%d", at, i), "no data source is named %q", s)
			}
		}
	}
	requires, _ := action["requires"].([]any)
	for i, v := range requires {
		require, ok := c.require(fmt.Sprintf("%s/requires/%d", at, i), v.(map[string]any))
		if !ok {
			continue
		}
		missing, asked := c.missing[require]
		if !asked {
			missing = c.rules.Missing(require)
			c.missing[require] = missing
		}
		if missing != "" {
			action["denied"] = map[string]any{"missing": missing}
			break
		}
	}
	// The console acts on `denied`; what it came from is the host's business.
	delete(action, "requires")
}

// maxRequires bounds how many different questions one fragment may ask about a
// person: each may be a question to Kubernetes.
const maxRequires = 16

// require reads a requirement and holds it against the manifest.
func (c *checker) require(at string, v map[string]any) (catalogue.Require, bool) {
	text := func(key string) string { s, _ := v[key].(string); return s }
	r := catalogue.Require{Permission: text("permission"), Verb: text("verb"), GVR: catalogue.GVR(text("gvr")), Subresource: text("subresource")}
	if _, known := c.missing[r]; !known && len(c.missing) >= maxRequires {
		c.add(RuleRequire, at, "more than %d different requirements", maxRequires)
		return r, false
	}
	if r.Permission != "" && !c.rules.Permission(r.Permission) {
		c.add(RuleRequire, at+"/permission", "the manifest has no role item %q", r.Permission)
		return r, false
	}
	if r.Verb != "" {
		kind := string(r.GVR)
		if r.Subresource != "" {
			kind += "/" + r.Subresource
		}
		if !c.rules.Kind(kind, r.Verb) {
			c.add(RuleRequire, at, "the manifest does not ask for %s on %s", r.Verb, kind)
			return r, false
		}
	}
	return r, true
}

// sourcePath is the shape of the path of a source.
var sourcePath = regexp.MustCompile(`^(/([A-Za-z0-9._~:@!$&'()*+,;=-]+|\{(cluster|workspace|project|namespace|name)\}))+$`)

func (c *checker) source(at string, source map[string]any) {
	live, _ := source["live"].(map[string]any)
	mode, _ := live["mode"].(string)
	if source["from"] == "ext" {
		path := source["path"].(string)
		switch {
		case !sourcePath.MatchString(path) || strings.Contains(path, "/./") || strings.Contains(path, "/../") || strings.HasSuffix(path, "/.") || strings.HasSuffix(path, "/.."):
			c.add(RuleSource, at+"/path", "%q is not a path of segments and of {cluster}, {workspace}, {project}, {namespace}, {name}", path)
		case !c.rules.Route(path):
			c.add(RuleSource, at+"/path", "the manifest has no GET route for %q", path)
		}
		if mode == "watch" {
			c.add(RuleSource, at+"/live/mode", "a route is polled or appended; watch is for k8s")
		}
		query, _ := source["query"].(map[string]any)
		for name, v := range query {
			c.value(at+"/query/"+escape(name), v, false)
		}
		return
	}
	verb := "list"
	if _, one := source["name"]; one {
		verb = "get"
	}
	gvr := source["gvr"].(string)
	if !c.rules.Kind(gvr, verb) {
		c.add(RuleSource, at+"/gvr", "the manifest does not ask for %s on %s", verb, gvr)
	}
	if mode == "watch" && !c.rules.Kind(gvr, "watch") {
		c.add(RuleSource, at+"/live/mode", "the manifest does not ask for watch on %s", gvr)
	}
	if mode == "append" {
		c.add(RuleSource, at+"/live/mode", "Kubernetes is polled or watched; append is for routes")
	}
	for _, key := range []string{"namespace", "name"} {
		c.value(at+"/"+key, source[key], false)
	}
}
