// Differences: what is told of a write, and what is not.
package capability

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/audit"
)

func differences(t *testing.T, before, after string) (all []string) {
	t.Helper()
	changes, more, ok := Difference([]byte(before), []byte(after))
	if !ok || more != 0 {
		t.Fatalf("%v, %d more", ok, more)
	}
	for _, c := range changes {
		s := fmt.Sprintf("%s %s>%s", c.Path, c.From, c.To)
		if c.Hidden {
			s += " hidden"
		}
		all = append(all, s)
	}
	return all
}

func TestDifferenceOfADeployment(t *testing.T) {
	const before = `{"kind":"Deployment","metadata":{"name":"web","resourceVersion":"1","generation":1,"managedFields":[{"a":1}],
		"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"password\":1}","a/b~c":"x"}},
		"spec":{"replicas":1,"paused":null,"list":[1,2],"template":{"spec":{"containers":[
			{"name":"web","image":"nginx:1","env":[{"name":"PASSWORD","value":"old secret"},{"name":"GONE","value":"gone secret"}]},{"name":"side","image":"s"}]}}}}`
	const after = `{"kind":"Deployment","metadata":{"name":"web","resourceVersion":"2","generation":2,"managedFields":[{"a":2}],
		"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"password\":2}","a/b~c":"y"}},
		"spec":{"replicas":3,"list":[1,3,4],"strategy":{"type":"Recreate"},"template":{"spec":{"containers":[
			{"name":"side","image":"s"},{"name":"web","image":"nginx:2","env":[{"name":"PASSWORD","value":"new secret"},{"name":"NEW","value":"newer secret"}]}]}}}}`
	want := []string{
		`/metadata/annotations/a~1b~0c "x">"y"`,
		`/spec/list/1 2>3`,
		`/spec/list/2 >4`,
		`/spec/paused null>`,
		`/spec/replicas 1>3`,
		`/spec/strategy/type >"Recreate"`,
		`/spec/template/spec/containers/web/env/GONE/name "GONE">`,
		`/spec/template/spec/containers/web/env/GONE/value > hidden`,
		`/spec/template/spec/containers/web/env/NEW/name >"NEW"`,
		`/spec/template/spec/containers/web/env/NEW/value > hidden`,
		`/spec/template/spec/containers/web/env/PASSWORD/value > hidden`,
		`/spec/template/spec/containers/web/image "nginx:1">"nginx:2"`,
	}
	if got := differences(t, before, after); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := differences(t, before, before); got != nil {
		t.Errorf("of nothing: %q", got)
	}
}

func TestDifferenceOfSecretsTellsNoValue(t *testing.T) {
	for _, kind := range []string{"Secret", "ConfigMap"} {
		got := differences(t,
			`{"kind":"`+kind+`","metadata":{"labels":{"a":"1"},"annotations":{"x":"secret0"}},"data":{"password":"c2VjcmV0MQ==","gone":"secret2"}}`,
			`{"kind":"`+kind+`","metadata":{"labels":{"a":"2"},"annotations":{"x":"secret3"}},"data":{"password":"c2VjcmV0Mg==","new":"secret4"},"stringData":{"s":"secret5"}}`)
		want := []string{`/data/gone > hidden`, `/data/new > hidden`, `/data/password > hidden`, `/metadata/annotations/x > hidden`, `/metadata/labels/a "1">"2"`, `/stringData/s > hidden`}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q", kind, got)
		}
	}
}

func TestDifferenceIsBounded(t *testing.T) {
	data := map[string]any{}
	for i := range 100 {
		data[fmt.Sprint("k", i)] = strings.Repeat("x", 1000)
	}
	after, err := json.Marshal(map[string]any{"kind": "X", "spec": data})
	if err != nil {
		t.Fatal(err)
	}
	changes, more, ok := Difference([]byte(`{"kind":"X"}`), after)
	if !ok || len(changes) != audit.MaxChanges || more != 100-audit.MaxChanges {
		t.Fatalf("%v, %d changes, %d more", ok, len(changes), more)
	}
	for _, no := range []string{"", "[]", "null", "{", `{"kind":"Status"}`, `"x"`} {
		if _, _, ok := Difference([]byte(no), after); ok {
			t.Errorf("%q is taken for an object", no)
		}
	}
	// As deep as JSON goes: no matter.
	deep := `{"kind":"X","a":` + strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat(`}`, 5001)
	if changes, _, ok := Difference([]byte(`{"kind":"X"}`), []byte(deep)); !ok || len(changes) != 1 {
		t.Errorf("%v, %d changes", ok, len(changes))
	}
}

func FuzzDifference(f *testing.F) {
	f.Add(`{"kind":"Secret","data":{"a":"very secret"}}`, `{"kind":"Secret","data":{"a":["very secret"]}}`)
	f.Add(`{"kind":"X","a":[{"name":"a"},{"name":"a"}]}`, `{"kind":"X","a":[{"name":"0"},{"name":1}]}`)
	f.Fuzz(func(t *testing.T, before, after string) {
		changes, more, ok := Difference([]byte(before), []byte(after))
		if len(changes) > audit.MaxChanges || more > 0 && len(changes) != audit.MaxChanges || !ok && changes != nil {
			t.Fatal(len(changes), more, ok)
		}
		for _, c := range changes {
			if c.Hidden && (c.From != "" || c.To != "") || strings.Contains(c.From+c.To, "very secret") && readObject([]byte(after))["kind"] == "Secret" && !strings.HasPrefix(c.Path, "/metadata/labels/") {
				t.Fatalf("%+v", c)
			}
		}
		if again, _, ok := Difference([]byte(before), []byte(before)); ok && len(again) > 0 {
			t.Fatalf("from itself: %+v", again)
		}
	})
}
