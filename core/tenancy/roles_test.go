// What the roles' rules may never contain, whoever edits them.

package tenancy

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	rbac "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestProjectRolesAreNoWayOut(t *testing.T) {
	for name, rules := range map[string][]rbac.PolicyRule{"viewer": viewerRules(), "developer": developerRules(), "admin": adminRules(), "member": memberRules(), "operator": operatorRules()} {
		for _, r := range rules {
			for _, all := range [][]string{r.APIGroups, r.Resources, r.Verbs} {
				if len(all) == 0 || slices.Contains(all, "*") {
					t.Errorf("%s: a rule without an end: %v", name, r)
				}
			}
			for _, verb := range []string{"escalate", "bind", "impersonate"} {
				if slices.Contains(r.Verbs, verb) {
					t.Errorf("%s may %s: %v", name, verb, r)
				}
			}
			writes := slices.ContainsFunc(r.Verbs, func(v string) bool { return !slices.Contains(read, v) })
			for _, resource := range r.Resources {
				switch resource {
				case "serviceaccounts/token", "nodes/proxy", "certificatesigningrequests/approval":
					t.Errorf("%s may %v %s", name, r.Verbs, resource)
				case "secrets", "pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy", "pods/ephemeralcontainers":
					if name != "developer" && name != "admin" {
						t.Errorf("%s may %v %s", name, r.Verbs, resource)
					}
				case "endpoints", "endpointslices", "roles", "rolebindings", "clusterroles", "clusterrolebindings", "namespaces", "resourcequotas", "limitranges":
					if writes {
						t.Errorf("%s may %v %s", name, r.Verbs, resource)
					}
				}
				if writes && strings.HasSuffix(resource, "/status") {
					t.Errorf("%s may %v %s", name, r.Verbs, resource)
				}
				if writes && (name == "viewer" || name == "member") {
					t.Errorf("%s may %v %s", name, r.Verbs, resource)
				}
			}
		}
	}
}

func TestSessionsNeedCreate(t *testing.T) {
	for _, r := range developerRules() {
		if slices.Contains(r.Resources, "pods/exec") && !slices.Contains(r.Verbs, "create") {
			t.Errorf("exec without create: %v", r)
		}
	}
}

func TestANamespaceIsGuardedFromItsFirstMoment(t *testing.T) {
	labels := namespaceObject(Project{}.Project).GetLabels()
	if labels["pod-security.kubernetes.io/enforce"] != "baseline" {
		t.Errorf("labels %v", labels)
	}
}

// What is wanted must look as what a server answers, or every comparison would
// find a difference and write.
func TestRightObjectsAreLeftAlone(t *testing.T) {
	for _, want := range append(clusterObjects(), bindingObjects(Project{}.Project)...) {
		text, err := want.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := runtime.Decode(unstructured.UnstructuredJSONScheme, text)
		if err != nil {
			t.Fatal(err)
		}
		have := decoded.(*unstructured.Unstructured)
		have.SetResourceVersion("7")
		have.SetAnnotations(map[string]string{"other": "kept"})
		if repair(have, want) {
			t.Errorf("%s %s: a right object was repaired", want.GetKind(), want.GetName())
		}
		have.SetLabels(nil)
		if !repair(have, want) || !reflect.DeepEqual(have.GetLabels(), want.GetLabels()) {
			t.Errorf("%s %s: labels were not repaired", want.GetKind(), want.GetName())
		}
	}
}
