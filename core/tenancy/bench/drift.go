// What is changed behind Atoll's back, and removing what was made.

package main

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/atoll-platform/atoll/core/store"
)

var (
	namespaces = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	quotas     = schema.GroupVersionResource{Version: "v1", Resource: "resourcequotas"}
	bindings   = schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"}
	isolations = schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"}
	leases     = schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}
	configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	policies   = schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingadmissionpolicies"}
)

// drift spoils one thing after the other of a project in the middle, and is the
// longest time until one was as before; note says what was spoilt.
func (b *bench) drift(ctx context.Context) (slowest time.Duration, note string, err error) {
	project := b.project(b.count / 2)
	for _, c := range []struct {
		what     string
		resource schema.GroupVersionResource
		in, name string
		patch    string // "": it is deleted
	}{
		{"labels", namespaces, "", project, `{"metadata":{"labels":{"atoll.dev/project":null,"app.kubernetes.io/managed-by":null,"pod-security.kubernetes.io/enforce":"privileged"}}}`},
		{"a binding", bindings, project, "atoll:project-admin", ""},
		{"whom one binds", bindings, project, "atoll:project-viewer", `{"subjects":[]}`},
		{"the quota", quotas, project, "atoll", ""},
		{"the isolation", isolations, project, "atoll-isolation", `{"spec":{"ingress":[{}]}}`},
		{"a policy of the cluster", policies, "", "atoll-tokens", ""},
	} {
		at := b.admin.Resource(c.resource).Namespace(c.in)
		was, err := at.Get(ctx, c.name, metav1.GetOptions{})
		if err != nil {
			return 0, "", fmt.Errorf("reading %s: %w", c.what, err)
		}
		began := time.Now()
		if c.patch == "" {
			err = at.Delete(ctx, c.name, metav1.DeleteOptions{})
		} else {
			_, err = at.Patch(ctx, c.name, types.MergePatchType, []byte(c.patch), metav1.PatchOptions{})
		}
		if err != nil {
			return 0, "", fmt.Errorf("spoiling %s: %w", c.what, err)
		}
		err = wait(c.what+" is back", func() (bool, error) {
			now, err := at.Get(ctx, c.name, metav1.GetOptions{})
			return err == nil && same(was, now), nil
		})
		if err != nil {
			return 0, "", err
		}
		took := time.Since(began)
		slowest = max(slowest, took)
		if note != "" {
			note += ", "
		}
		note += fmt.Sprintf("%s %.2f s", c.what, took.Seconds())
	}
	return slowest, note, nil
}

// same tells whether two states of an object say the same, but for what a server
// says itself.
func same(a, b *unstructured.Unstructured) bool {
	return reflect.DeepEqual(a.GetLabels(), b.GetLabels()) && reflect.DeepEqual(a.Object["spec"], b.Object["spec"]) &&
		reflect.DeepEqual(a.Object["subjects"], b.Object["subjects"]) && reflect.DeepEqual(a.Object["roleRef"], b.Object["roleRef"])
}

// remove tells the cluster to remove what was made, and does not wait for it.
func (b *bench) remove() error {
	var all sync.WaitGroup
	wrong := make(chan error, b.count)
	for part := range 8 {
		all.Go(func() {
			for i := part; i < b.count; i += 8 {
				if err := b.admin.Resource(namespaces).Delete(context.Background(), b.project(i), metav1.DeleteOptions{}); err != nil {
					wrong <- err
				}
			}
		})
	}
	all.Wait()
	// What Atoll keeps for itself goes by its id.
	platform, err := store.NewCollection[struct{ UID string }](b.store, "tenancy/").Get(context.Background(), "platform")
	if err != nil {
		return fmt.Errorf("removing what was made: %w", err)
	}
	own := map[schema.GroupVersionResource]string{leases: "atoll-" + platform.Value.UID, configMaps: "hosts-" + platform.Value.UID}
	for resource, name := range own {
		if err := b.admin.Resource(resource).Namespace("atoll-system").Delete(context.Background(), name, metav1.DeleteOptions{}); err != nil {
			return fmt.Errorf("removing what was made: %w", err)
		}
	}
	select {
	case err := <-wrong:
		return fmt.Errorf("removing what was made: %w", err)
	default:
		return nil
	}
}
