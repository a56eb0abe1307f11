// The difference between two states of a Kubernetes object, for the audit.
package capability

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/atoll-platform/atoll/core/audit"
)

// Difference compares two states of an object, by the paths of what is different.
// What every write changes, and what Kubernetes keeps for itself, is left out. Of
// Secrets, ConfigMaps and the values of environment variables it is only told
// that they are different. False when one of them is no object. More than
// audit.MaxChanges are counted and not told. What is at or below one of the paths
// except is left out too.
func Difference(before, after []byte, except ...string) (changes []audit.Change, more int, ok bool) {
	from, to := readObject(before), readObject(after)
	if from == nil || to == nil {
		return nil, 0, false
	}
	kind, _ := to["kind"].(string)
	d := difference{hidden: kind == "Secret" || kind == "ConfigMap", except: except}
	d.compare("", from, to)
	return d.changes, d.more, true
}

func readObject(text []byte) map[string]any {
	in := json.NewDecoder(bytes.NewReader(text))
	in.UseNumber()
	var v map[string]any
	if in.Decode(&v) != nil || v["kind"] == "Status" {
		return nil
	}
	return v
}

// unsaid are paths that are not compared: they change with every write, or
// repeat the object, secrets included.
var unsaid = []string{
	"/metadata/managedFields", "/metadata/resourceVersion", "/metadata/generation",
	"/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration",
}

// difference is one comparison.
type difference struct {
	hidden  bool // the object's values may be secret
	except  []string
	changes []audit.Change
	more    int
}

// absent stands for what is not there, which is something else than null.
type absent struct{}

func (d *difference) compare(path string, from, to any) {
	if slices.Contains(unsaid, path) || slices.Contains(d.except, path) {
		return
	}
	switch a := from.(type) {
	case map[string]any:
		if b, ok := to.(map[string]any); ok {
			d.objects(path, a, b)
			return
		}
	case []any:
		if b, ok := to.([]any); ok {
			d.objects(path, byName(a), byName(b))
			return
		}
	}
	if d.same(from, to) {
		return
	}
	// What a whole tree holds that is new or gone is told leaf by leaf, so that
	// nothing secret hides in it.
	if tree(from) && to == (absent{}) {
		d.objects(path, branches(from), nil)
		return
	}
	if tree(to) && from == (absent{}) {
		d.objects(path, nil, branches(to))
		return
	}
	if tree(from) || tree(to) {
		d.compare(path, from, absent{})
		d.compare(path, absent{}, to)
		return
	}
	d.tell(path, from, to)
}

// same tells whether two leaves are the same.
func (d *difference) same(a, b any) bool { return !tree(a) && !tree(b) && a == b }

// tree tells whether there is something below a value.
func tree(v any) bool { return len(branches(v)) > 0 }

func branches(v any) map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return v
	case []any:
		return byName(v)
	}
	return nil
}

func (d *difference) objects(path string, from, to map[string]any) {
	keys := slices.Collect(maps.Keys(from))
	for key := range to {
		if _, both := from[key]; !both {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		a, ok := from[key]
		if !ok {
			a = absent{}
		}
		b, ok := to[key]
		if !ok {
			b = absent{}
		}
		d.compare(path+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(key), a, b)
	}
}

// byName gives the items of a list by their names, where all have one of their
// own, and else by their places.
func byName(list []any) map[string]any {
	names := make(map[string]any, len(list))
	for _, item := range list {
		fields, _ := item.(map[string]any)
		name, _ := fields["name"].(string)
		if _, twice := names[name]; name == "" || twice {
			clear(names)
			for i, item := range list {
				names[fmt.Sprint(i)] = item
			}
			return names
		}
		names[name] = item
	}
	return names
}

func (d *difference) tell(path string, from, to any) {
	if len(d.changes) == audit.MaxChanges {
		d.more++
		return
	}
	c := audit.Change{Path: path, Hidden: secretAt(path) || d.hidden && !strings.HasPrefix(path, "/metadata/labels/")}
	if !c.Hidden {
		c.From, c.To = leaf(from), leaf(to)
	}
	d.changes = append(d.changes, c)
}

// secretAt tells whether a value may be secret whatever object it is in: that of
// an environment variable.
func secretAt(path string) bool {
	at := strings.LastIndex(path, "/env/")
	return at >= 0 && strings.HasSuffix(path[at+len("/env/"):], "/value")
}

// leaf is a value as JSON; "" for what is not there.
func leaf(v any) string {
	if v == (absent{}) {
		return ""
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}
