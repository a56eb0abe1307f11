// The check: from the bytes that a guest answered to the bytes that a browser
// gets, or to the list of what is wrong.
package fragment

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	catalogue "github.com/atoll-platform/atoll/sdk/fragment"
)

// Rules is what the extension and the person bring to a check. All functions
// must be there; none is called after Check returned.
type Rules struct {
	// Route tells whether a GET route of the manifest takes this path, in
	// which {cluster} and the like stand for segments.
	Route func(path string) bool
	// Kind tells whether the manifest allows this verb on a kind
	// (version/resource or group/version/resource).
	Kind func(gvr, verb string) bool
	// Pages are the routes of the extension's own pages.
	Pages []string
	// Text gives the message of a key in the person's language.
	Text func(key string) (string, bool)
	// Permission tells whether the manifest has a permission item of this id.
	Permission func(id string) bool
	// Missing says what this person lacks for a requirement, in words; empty
	// when nothing. It is asked once for each requirement.
	Missing func(catalogue.Require) string
}

// Checked is a fragment that a browser may see.
type Checked struct {
	// JSON is written anew: texts in the person's language, fallbacks in their
	// places, `denied` on actions.
	JSON []byte
	// ETag is strong, quoted, and of these bytes.
	ETag string
}

// Check holds a guest's answer against every rule. The error is an *Error with
// all that was found, or wraps what kept it from being written.
func Check(raw []byte, r Rules) (Checked, error) {
	doc, broken := decode(raw)
	if broken != nil {
		return Checked{}, &Error{[]Violation{*broken}}
	}
	if top, ok := doc.(map[string]any); ok {
		if body, ok := top["body"].(map[string]any); ok {
			top["body"] = settle(body)
		}
	}
	if found := conform(doc); len(found) > 0 {
		return Checked{}, &Error{found}
	}
	c := &checker{rules: r, sources: map[string]bool{}, controls: map[string]bool{}, actions: map[string]bool{}, missing: map[catalogue.Require]string{}}
	c.fragment(doc.(map[string]any))
	if len(c.found) > 0 {
		return Checked{}, &Error{c.found}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(doc); err != nil {
		return Checked{}, fmt.Errorf("writing the fragment: %w", err)
	}
	if b.Len() > maxOutput {
		return Checked{}, &Error{[]Violation{{RuleSize, "", fmt.Sprintf("with its texts filled in it has %d bytes, more than %d", b.Len(), maxOutput)}}}
	}
	sum := sha256.Sum256(b.Bytes())
	return Checked{JSON: b.Bytes(), ETag: `"` + hex.EncodeToString(sum[:16]) + `"`}, nil
}

// settle puts fallbacks in the places of elements that the catalogue does not
// know, and takes the others' away: what is not shown is not sent.
func settle(node map[string]any) map[string]any {
	for {
		name, _ := node["is"].(string)
		if words().elements[name] != nil {
			break
		}
		fallback, ok := node["fallback"].(map[string]any)
		if !ok {
			return node // the catalogue says what is wrong with it
		}
		node = fallback
	}
	if _, ok := node["fallback"].(map[string]any); ok {
		delete(node, "fallback")
	}
	for place := range places(node) {
		place.set(settle(place.node))
	}
	return node
}

// place is where an element stands inside another.
type place struct {
	node    map[string]any
	pointer string // from the outer element
	set     func(map[string]any)
	cell    bool // a cell of a table: relative Refs read the row
}

// places yields the elements directly inside one.
func places(node map[string]any) func(yield func(place) bool) {
	return func(yield func(place) bool) {
		member := func(holder map[string]any, key, at string, cell bool) bool {
			inner, ok := holder[key].(map[string]any)
			if !ok {
				return true
			}
			return yield(place{inner, at + "/" + key, func(n map[string]any) { holder[key] = n }, cell})
		}
		if list, ok := node["children"].([]any); ok {
			for i := range list {
				inner, ok := list[i].(map[string]any)
				if ok && !yield(place{inner, fmt.Sprintf("/children/%d", i), func(n map[string]any) { list[i] = n }, false}) {
					return
				}
			}
		}
		for _, holder := range []struct {
			list, key string
			cell      bool
		}{{"tabs", "body", false}, {"items", "value", false}, {"columns", "cell", true}} {
			list, _ := node[holder.list].([]any)
			for i := range list {
				inner, ok := list[i].(map[string]any)
				if ok && !member(inner, holder.key, fmt.Sprintf("/%s/%d", holder.list, i), holder.cell) {
					return
				}
			}
		}
		member(node, "empty", "", false)
	}
}
