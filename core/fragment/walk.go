// The walk over a fragment that is of the catalogue: what a schema cannot say.
package fragment

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	catalogue "github.com/atoll-platform/atoll/sdk/fragment"
)

// checker carries what one walk knows.
type checker struct {
	rules    Rules
	sources  map[string]bool
	controls map[string]bool
	actions  map[string]bool
	missing  map[catalogue.Require]string
	nodes    int
	found    []Violation
}

func (c *checker) add(rule, pointer, format string, args ...any) {
	if len(c.found) < maxViolations {
		c.found = append(c.found, Violation{rule, pointer, fmt.Sprintf(format, args...)})
	}
}

// cells are the elements that fit into a table's cell.
var cells = map[string]bool{
	"Stack": true, "Row": true, "Text": true, "Value": true, "Badge": true, "Status": true,
	"Link": true, "ResourceLink": true, "Code": true, "Button": true,
}

func (c *checker) fragment(top map[string]any) {
	c.strings("", top)
	data, _ := top["data"].(map[string]any)
	for name := range data {
		c.sources[name] = true
	}
	body := top["body"].(map[string]any)
	c.collect("/body", body, 1)
	if len(c.found) > 0 {
		return // beyond the limits nothing else is worth saying
	}
	for _, name := range slices.Sorted(maps.Keys(data)) {
		c.source("/data/"+name, data[name].(map[string]any))
	}
	c.text("/title", top, "title", false)
	c.actionList("/actions", top["actions"], false)
	c.node("/body", body, false)
}

// collect counts elements and learns the controls that Refs may read.
func (c *checker) collect(at string, node map[string]any, depth int) {
	c.nodes++
	if c.nodes == MaxNodes+1 {
		c.add(RuleSize, at, "more than %d elements", MaxNodes)
	}
	if depth == MaxDepth+1 {
		c.add(RuleSize, at, "more than %d elements inside one another", MaxDepth)
	}
	if c.nodes > MaxNodes || depth > MaxDepth {
		return
	}
	controls, _ := node["controls"].([]any)
	for i, control := range controls {
		id := control.(map[string]any)["id"].(string)
		if c.controls[id] {
			c.add(RuleRef, fmt.Sprintf("%s/controls/%d/id", at, i), "another control is named %q", id)
		}
		c.controls[id] = true
	}
	for p := range places(node) {
		c.collect(at+p.pointer, p.node, depth+1)
	}
}

// strings refuses texts that hide something: control characters, and marks that
// turn the direction of what is around them.
func (c *checker) strings(at string, v any) {
	switch v := v.(type) {
	case string:
		for _, r := range v {
			if r == '\n' || r == '\t' {
				continue
			}
			if unicode.IsControl(r) || r == utf8.RuneError || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
				c.add(RuleText, at, "the character %U may not stand in a text", r)
				return
			}
		}
	case []any:
		for i := range v {
			c.strings(fmt.Sprintf("%s/%d", at, i), v[i])
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			c.strings(at+"/"+escape(key), key)
			c.strings(at+"/"+escape(key), v[key])
		}
	}
}

// context are the names that /context/ has.
var context = map[string]bool{"cluster": true, "workspace": true, "project": true, "gvr": true, "namespace": true, "name": true, "uid": true}

// pointer checks where a Ref or placeholder points.
func (c *checker) pointer(at, pointer string, row bool) {
	if !strings.HasPrefix(pointer, "/") {
		if !row {
			c.add(RuleRef, at, "%q is relative, and there is no row here: begin with /source, /filter or /context", pointer)
		}
		return
	}
	first, rest, _ := strings.Cut(pointer[1:], "/")
	switch {
	case first == "filter" && !c.controls[rest]:
		c.add(RuleRef, at, "no Filter has a control %q", rest)
	case first == "context" && !context[rest]:
		c.add(RuleRef, at, "the context has no %q; it has %s", rest, strings.Join(slices.Sorted(maps.Keys(context)), ", "))
	case first != "filter" && first != "context" && !c.sources[first]:
		c.add(RuleRef, at, "no data source is named %q", first)
	}
}

// value checks a Value: a Ref points at something.
func (c *checker) value(at string, v any, row bool) {
	switch v := v.(type) {
	case map[string]any:
		if pointer, ok := v["$"].(string); ok {
			c.pointer(at, pointer, row)
		}
	case []any:
		for i := range v {
			c.value(fmt.Sprintf("%s/%d", at, i), v[i], row)
		}
	}
}

// text checks a Text and puts messages into the person's language.
func (c *checker) text(at string, holder map[string]any, key string, row bool) {
	message, ok := holder[key].(map[string]any)
	if !ok {
		return
	}
	t, ok := message["t"].(string)
	if !ok {
		c.value(at, message, row)
		return
	}
	pattern, ok := c.rules.Text(t)
	if !ok {
		c.add(RuleText, at, "texts/en.yaml has no message %q", t)
		return
	}
	args, _ := message["args"].(map[string]any)
	open := map[string]any{}
	for name, v := range args {
		switch v := v.(type) {
		case map[string]any:
			c.value(at+"/args/"+name, v, row)
			open[name] = v
		case nil:
			pattern = strings.ReplaceAll(pattern, "{"+name+"}", "")
		default:
			pattern = strings.ReplaceAll(pattern, "{"+name+"}", fmt.Sprint(v))
		}
	}
	if len(open) == 0 {
		holder[key] = pattern
		return
	}
	holder[key] = map[string]any{"t": pattern, "args": open}
}

// test checks the Refs of a predicate.
func (c *checker) test(at string, v any, row bool) {
	t, ok := v.(map[string]any)
	if !ok {
		return
	}
	for name, v := range t {
		switch name {
		case "not":
			c.test(at+"/not", v, row)
		case "all", "any":
			for i, inner := range v.([]any) {
				c.test(fmt.Sprintf("%s/%s/%d", at, name, i), inner, row)
			}
		default:
			c.value(at+"/"+name, v, row)
		}
	}
}
