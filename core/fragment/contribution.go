// Contributions: where in the console an extension appears. Checked once, at
// install, without running any code.
package fragment

import (
	"encoding/json"
	"fmt"

	catalogue "github.com/atoll-platform/atoll/sdk/fragment"
)

// ContributionRules is what the package brings to the check.
type ContributionRules struct {
	// Text tells whether texts/en.yaml has a message.
	Text func(key string) bool
	// Permission tells whether the manifest has a permission item of this id.
	Permission func(id string) bool
}

// Contributions checks ui/contributions.yaml, as JSON, and gives what is in it.
// The error is an *Error.
func Contributions(raw []byte, r ContributionRules) ([]catalogue.Contribution, error) {
	doc, broken := decode(raw)
	if broken != nil {
		return nil, &Error{[]Violation{*broken}}
	}
	if found := hold(words().top["Contributions"], "", doc); len(found) > 0 {
		return nil, &Error{found}
	}
	c := &checker{rules: Rules{Text: func(key string) (string, bool) { return key, r.Text(key) }}}
	c.strings("", doc)
	pages, ids := map[string]bool{}, map[string]bool{}
	list := doc.(map[string]any)["contributions"].([]any)
	for _, v := range list {
		one := v.(map[string]any)
		if one["slot"] == "page" {
			match, _ := one["match"].(map[string]any)
			scope, _ := match["scope"].(string)
			route, _ := one["route"].(string)
			pages[scope+route] = true
		}
	}
	for i, v := range list {
		one, at := v.(map[string]any), fmt.Sprintf("/contributions/%d", i)
		slot := one["slot"].(string)
		if key := slot + "/" + one["id"].(string); ids[key] {
			c.add(RuleSlot, at+"/id", "another contribution of %s is named %q", slot, one["id"])
		} else {
			ids[key] = true
		}
		c.slot(at, slot, one, pages)
		if label, ok := one["label"].(map[string]any); ok {
			key, isMessage := label["t"].(string)
			switch {
			case !isMessage:
				c.add(RuleText, at+"/label", "a label is a text or a message: there is no data here")
			case label["args"] != nil:
				c.add(RuleText, at+"/label/args", "the message of a label has no arguments")
			case !r.Text(key):
				c.add(RuleText, at+"/label", "texts/en.yaml has no message %q", key)
			}
		}
		requires, _ := one["requires"].([]any)
		for j, v := range requires {
			require := v.(map[string]any)
			id, ok := require["permission"].(string)
			if !ok || len(require) != 1 {
				c.add(RuleRequire, fmt.Sprintf("%s/requires/%d", at, j), "a contribution requires a permission item; verbs on kinds are for actions")
			} else if !r.Permission(id) {
				c.add(RuleRequire, fmt.Sprintf("%s/requires/%d/permission", at, j), "the manifest has no role item %q", id)
			}
		}
	}
	if len(c.found) > 0 {
		return nil, &Error{c.found}
	}
	var all catalogue.Contributions
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("reading contributions: %w", err)
	}
	return all.Contributions, nil
}

// slot checks that a contribution has what its slot takes, and nothing else.
func (c *checker) slot(at, slot string, one map[string]any, pages map[string]bool) {
	match, _ := one["match"].(map[string]any)
	need := func(keys ...string) {
		for _, key := range keys {
			if _, ok := one[key]; !ok {
				c.add(RuleSlot, at, "%s needs %s", slot, key)
			}
		}
	}
	never := func(keys ...string) {
		for _, key := range keys {
			if _, ok := one[key]; ok {
				c.add(RuleSlot, at+"/"+key, "%s takes no %s", slot, key)
			}
		}
	}
	_, hasScope := match["scope"]
	_, hasKind := match["gvr"]
	switch slot {
	case "page":
		need("route", "fragment", "match")
		if !hasScope || hasKind {
			c.add(RuleSlot, at+"/match", "a page matches a scope")
		}
	case "resource.tab":
		need("label", "fragment", "match")
		never("route")
		if hasScope || !hasKind {
			c.add(RuleSlot, at+"/match", "a tab matches a kind")
		}
	default: // nav.*
		need("label", "route")
		never("fragment", "match")
		route, _ := one["route"].(string)
		if scope := slot[len("nav."):]; route != "" && !pages[scope+route] {
			c.add(RuleSlot, at+"/route", "no page of scope %s has the route %q", scope, route)
		}
	}
}
