// What is seen of a cluster: right objects cost no request, wrong ones are
// repaired, and what is another Atoll's is left alone.

package tenancy

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"

	"github.com/atoll-platform/atoll/core/access"
)

// onFake is a reconciler of the platform "me" and a cluster of these objects.
func onFake(t *testing.T, there ...object) (*reconciler, *fake.FakeDynamicClient) {
	t.Helper()
	kinds := map[schema.GroupVersionResource]string{}
	for _, resource := range keptResources {
		kinds[resource] = "List"
	}
	var objects []runtime.Object
	for _, o := range there {
		kinds[o.resource] = o.GetKind() + "List"
		objects = append(objects, o.Unstructured)
	}
	client := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds, objects...)
	r := &reconciler{client: client, platform: "me"}
	var err error
	r.seen, err = watchCluster(t.Context(), client, func(schema.GroupVersionResource, metav1.Object) {}, func(_ schema.GroupVersionResource, err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	client.ClearActions()
	return r, client
}

func TestCustomRolesOfAnotherAtollAreLeftAlone(t *testing.T) {
	role := func(uid string) []access.Role {
		return []access.Role{{ID: uid, Kind: access.KindPlatform, Custom: true, Permissions: []access.Permission{access.NodesManage}}}
	}
	mine := customObjects("me", role("mine"))
	r, client := onFake(t, slices.Concat(mine, customObjects("me", role("former")), customObjects("them", role("theirs")), clusterObjects())...)
	if err := r.removeCustoms(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	var removed []string
	for _, a := range client.Actions() {
		d, ok := a.(interface{ GetName() string })
		if !ok || a.GetVerb() != "delete" {
			t.Errorf("%s %s", a.GetVerb(), a.GetResource().Resource)
			continue
		}
		removed = append(removed, a.GetResource().Resource+" "+d.GetName())
	}
	if want := []string{"clusterrolebindings atoll:role:former", "clusterroles atoll:role:former"}; !slices.Equal(removed, want) {
		t.Errorf("removed %q, want %q", removed, want)
	}
}

func TestWhatIsRightCostsNoRequest(t *testing.T) {
	objects := clusterObjects()
	r, client := onFake(t, objects...)
	for _, want := range objects {
		if err := r.ensure(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	if asked := client.Actions(); len(asked) != 0 {
		t.Errorf("%d requests, the first: %v", len(asked), asked[0])
	}
	wrong := clusterObjects()[0]
	wrong.Object["rules"] = []any{}
	if err := r.ensure(t.Context(), wrong); err != nil {
		t.Fatal(err)
	}
	var verbs []string
	for _, a := range client.Actions() {
		verbs = append(verbs, a.GetVerb())
	}
	if !slices.Equal(verbs, []string{"get", "update"}) {
		t.Errorf("a difference cost %q", verbs)
	}
}
