// What the roles' rules may never contain, whoever edits them.

package tenancy

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	rbac "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// Every permission that anybody but an administrator of the platform may give,
// and every preset that is made of them.
func TestRulesAreNoWayOut(t *testing.T) {
	for p, rules := range permissionRules {
		for _, r := range rules {
			for _, all := range [][]string{r.APIGroups, r.Resources, r.Verbs} {
				if len(all) == 0 || slices.Contains(all, "*") {
					t.Errorf("%s: a rule without an end: %v", p, r)
				}
			}
			for _, verb := range []string{"escalate", "bind", "impersonate"} {
				if slices.Contains(r.Verbs, verb) {
					t.Errorf("%s may %s: %v", p, verb, r)
				}
			}
			writes := slices.ContainsFunc(r.Verbs, func(v string) bool { return !slices.Contains(read, v) })
			if writes && p.Reads() {
				t.Errorf("%s may %v %v", p, r.Verbs, r.Resources)
			}
			for _, resource := range r.Resources {
				switch resource {
				case "serviceaccounts/token", "nodes/proxy", "certificatesigningrequests/approval":
					t.Errorf("%s may %v %s", p, r.Verbs, resource)
				case "secrets":
					if p != access.SecretsManage && p != access.SecretsView {
						t.Errorf("%s may %v %s", p, r.Verbs, resource)
					}
				case "pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy", "pods/ephemeralcontainers":
					if p != access.PodsExec || !slices.Contains(r.Verbs, "create") && resource != "pods/ephemeralcontainers" {
						t.Errorf("%s may %v %s", p, r.Verbs, resource)
					}
				case "endpoints", "endpointslices", "roles", "rolebindings", "clusterroles", "clusterrolebindings", "namespaces", "resourcequotas", "limitranges":
					if writes {
						t.Errorf("%s may %v %s", p, r.Verbs, resource)
					}
				}
				if writes && strings.HasSuffix(resource, "/status") {
					t.Errorf("%s may %v %s", p, r.Verbs, resource)
				}
			}
		}
	}
}

func TestPresetsReachNoFurtherThanTheyShould(t *testing.T) {
	for _, c := range []struct {
		role, resource, verb string
		want                 bool
	}{
		{access.ProjectViewer, "pods", "list", true}, {access.ProjectViewer, "pods", "create", false},
		{access.ProjectViewer, "secrets", "get", false}, {access.ProjectViewer, "pods/exec", "create", false}, {access.ProjectViewer, "nodes", "get", false},
		{access.ProjectDeveloper, "pods", "create", true}, {access.ProjectDeveloper, "pods/exec", "create", true}, {access.ProjectDeveloper, "secrets", "get", true},
		{access.ProjectDeveloper, "serviceaccounts", "create", false}, {access.ProjectDeveloper, "gateways", "create", false}, {access.ProjectDeveloper, "rolebindings", "get", false},
		{access.ProjectAdmin, "serviceaccounts", "create", true}, {access.ProjectAdmin, "rolebindings", "get", true}, {access.ProjectAdmin, "rolebindings", "create", false},
		{access.PlatformMember, "storageclasses", "get", true}, {access.PlatformMember, "pods", "get", false}, {access.PlatformMember, "namespaces", "get", false},
		{access.PlatformOperator, "nodes", "patch", true}, {access.PlatformOperator, "pods", "list", true}, {access.PlatformOperator, "secrets", "get", false},
		{access.PlatformOperator, "nodes", "delete", false}, {access.PlatformOperator, "pods/exec", "create", false},
	} {
		got := slices.ContainsFunc(presetRules(c.role), func(r rbac.PolicyRule) bool {
			return slices.Contains(r.Resources, c.resource) && slices.Contains(r.Verbs, c.verb)
		})
		if got != c.want {
			t.Errorf("%s may %s %s: %v, want %v", c.role, c.verb, c.resource, got, c.want)
		}
	}
}

func TestCustomRolesInKubernetes(t *testing.T) {
	_, index, s := tenants(t)
	put := func(c access.CustomRole) {
		t.Helper()
		rev, err := store.NewCollection[access.CustomRole](s, access.RolePrefix).Create(t.Context(), c.UID, c)
		if err == nil {
			err = index.WaitFor(t.Context(), rev)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	platform := access.BindingScope{Kind: access.KindPlatform}
	put(access.CustomRole{UID: "p", Kind: access.KindProject, Scope: platform, Permissions: []access.Permission{access.SecretsManage}})
	put(access.CustomRole{UID: "w", Kind: access.KindWorkspace, Scope: access.BindingScope{Kind: access.KindWorkspace, UID: "mine"}, Permissions: []access.Permission{access.PodsExec}})
	put(access.CustomRole{UID: "o", Kind: access.KindProject, Scope: access.BindingScope{Kind: access.KindWorkspace, UID: "other"}, Permissions: []access.Permission{access.PodsExec}})
	put(access.CustomRole{UID: "k", Kind: access.KindPlatform, Scope: platform, Permissions: []access.Permission{access.NodesManage}})
	put(access.CustomRole{UID: "a", Kind: access.KindPlatform, Scope: platform, Permissions: []access.Permission{access.AuditView}})
	names := func(all []object) (names []string) {
		for _, o := range all {
			names = append(names, o.GetKind()+" "+o.GetName())
		}
		slices.Sort(names)
		return names
	}
	roles := customs(index)
	if got, want := names(customObjects("me", roles)), []string{"ClusterRole atoll:role:k", "ClusterRole atoll:role:o", "ClusterRole atoll:role:p", "ClusterRole atoll:role:w", "ClusterRoleBinding atoll:role:k"}; !slices.Equal(got, want) {
		t.Errorf("a cluster has %q, want %q", got, want)
	}
	bound := customBindings(access.Project{UID: "x", Name: "shop", WorkspaceUID: "mine"}, roles)
	if got, want := names(bound), []string{"RoleBinding atoll:role:p", "RoleBinding atoll:role:w"}; !slices.Equal(got, want) {
		t.Errorf("a project has %q, want %q", got, want)
	}
	for _, o := range bound {
		subject := o.Object["subjects"].([]any)[0].(map[string]any)["name"]
		if want := access.ProjectGroup("x", strings.TrimPrefix(o.GetName(), customPrefix)); subject != want {
			t.Errorf("%s binds %v, want %s", o.GetName(), subject, want)
		}
	}
}

func TestANamespaceIsGuardedFromItsFirstMoment(t *testing.T) {
	labels := namespaceObject(Workspace{}, Project{}).GetLabels()
	if labels["pod-security.kubernetes.io/enforce"] != "baseline" {
		t.Errorf("labels %v", labels)
	}
}

// What is wanted must look as what a server answers, or every comparison would
// find a difference and write.
func TestRightObjectsAreLeftAlone(t *testing.T) {
	w := Workspace{Settings: Settings{Isolated: true, Budget: Amounts{"limits.cpu": resource.MustParse("2"), "pods": resource.MustParse("5")}}}
	all := slices.Concat(clusterObjects(), bindingObjects(access.Project{}), quotaObjects(w, Project{}), isolationObjects(w, Project{}, []string{"ingress-nginx"}),
		[]object{namespaceObject(w, Project{}), systemObject()})
	for _, p := range clusterPolicies {
		all = append(all, p.objects("admin")...)
	}
	for _, want := range all {
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
		have.SetAnnotations(merged(map[string]string{"other": "kept"}, have.GetAnnotations()))
		if repair(have, want) {
			t.Errorf("%s %s: a right object was repaired", want.GetKind(), want.GetName())
		}
		have.SetLabels(nil)
		if !repair(have, want) || !reflect.DeepEqual(have.GetLabels(), want.GetLabels()) || have.GetAnnotations()["other"] != "kept" {
			t.Errorf("%s %s: labels were not repaired", want.GetKind(), want.GetName())
		}
	}
}
