// What is no plain YAML, and where things stand.

package plainyaml

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

func node(t *testing.T, text string) *yaml.Node {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		t.Fatal(err)
	}
	return n.Content[0]
}

func TestValuesAreThoseOfJSON(t *testing.T) {
	got, err := Value(node(t, "a: 1\nb: [x, 'y', true, null, 1.5]\nc: {d: }\n"))
	want := map[string]any{"a": 1.0, "b": []any{"x", "y", true, nil, 1.5}, "c": map[string]any{"d": nil}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v %v", got, err)
	}
	for text, want := range map[string]Fault{
		"a:\n  b: 1\n  b: 2\n":   {3, "/a/b", "twice"},
		"a/b:\n- ~x: .inf\n":     {2, "/a~1b/0/~0x", "not a number"},
		"a: .nan\n":              {1, "/a", "not a number"},
		"1: a\n":                 {1, "", "text"},
		"a: &x 1\nb:\n- *x\n":    {3, "/b/0", "anchors"},
		"a: 2001-01-01\n":        {1, "/a", "quotes"},
		"a: !!binary aGVsbG8=\n": {1, "/a", "quotes"},
		"<<: {a: b}\n":           {1, "", "text"},
	} {
		_, err := Value(node(t, text))
		var f *Fault
		if !errors.As(err, &f) || f.Line != want.Line || f.Pointer != want.Pointer || !strings.Contains(f.Message, want.Message) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

func TestPointersAreReadAsTheyAreWritten(t *testing.T) {
	for _, at := range [][]string{nil, {"a"}, {""}, {"a/b", "~c", "~1", "0"}} {
		if got := Steps(Pointer(at)); !reflect.DeepEqual(got, at) {
			t.Errorf("%q: %q by %q", at, got, Pointer(at))
		}
	}
}

func TestLineIsThatOfTheNearest(t *testing.T) {
	root := node(t, "a:\n  b:\n  - 1\n  - c: 2\n")
	for pointer, want := range map[string]int{"": 1, "/a": 1, "/a/b": 2, "/a/b/0": 3, "/a/b/1/c": 4, "/a/b/1/d/a": 4, "/a/b/7": 2, "/a/b/-1": 2, "/x/b": 1} {
		if got := Line(root, Steps(pointer)); got != want {
			t.Errorf("%q: line %d, want %d", pointer, got, want)
		}
	}
}

func TestFaultsAreBoundedAndNameWhatIsKnown(t *testing.T) {
	c := jsonschema.NewCompiler()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(`{"$ref": "#/$defs/thing", "$defs": {"thing": {"properties": {"name": {"type": "string"}, "spec": {"$ref": "#/$defs/spec"}}, "additionalProperties": false},
		"spec": {"properties": {"size": {}}, "additionalProperties": false}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource("test", document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("test")
	if err != nil {
		t.Fatal(err)
	}
	text := "name: a\nspec:\n  sice: 1\n"
	check := func(text string) []Fault {
		root := node(t, text)
		v, err := Value(root)
		if err != nil {
			t.Fatal(err)
		}
		return Check(schema, root, v)
	}
	if got := check(text); len(got) != 1 || got[0].Line != 3 || got[0].Pointer != "/spec/sice" || !strings.HasSuffix(got[0].Message, "known here: size") {
		t.Errorf("got %+v", got)
	}
	if got := check("name: a\nnames: b\n"); len(got) != 1 || !strings.HasSuffix(got[0].Message, "known here: name, spec") {
		t.Errorf("got %+v", got)
	}
	if got := check("name: a\n"); got != nil {
		t.Errorf("got %+v", got)
	}
	for i := range 300 {
		text += fmt.Sprintf("x%d: 1\n", i)
	}
	if got := check(text); len(got) != maxFaults {
		t.Errorf("%d faults", len(got))
	}
}
