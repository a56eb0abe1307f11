// Making one object so, and reading what is there first: an object that is
// right already costs a read and leaves no trace in the audit log.

package tenancy

import (
	"context"
	"fmt"
	"maps"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
)

var createOptions = metav1.CreateOptions{FieldManager: managed}

// ensure makes an object be there as wanted: labels at least these, rules,
// subjects and the role exactly these. Concurrent changes show as conflicts,
// which the caller tries again.
func ensure(ctx context.Context, client dynamic.Interface, want object) error {
	at := client.Resource(want.resource).Namespace(want.GetNamespace())
	have, err := at.Get(ctx, want.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		if _, err := at.Create(ctx, want.Unstructured, createOptions); err != nil {
			return fmt.Errorf("creating %s %q: %w", want.GetKind(), want.GetName(), err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %s %q: %w", want.GetKind(), want.GetName(), err)
	}
	if want.Object["roleRef"] != nil && !reflect.DeepEqual(want.Object["roleRef"], have.Object["roleRef"]) {
		// Kubernetes lets nobody change what a binding binds to.
		uid, version := have.GetUID(), have.GetResourceVersion()
		err := at.Delete(ctx, want.GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid, ResourceVersion: &version}})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("replacing %s %q: %w", want.GetKind(), want.GetName(), err)
		}
		if _, err := at.Create(ctx, want.Unstructured, createOptions); err != nil {
			return fmt.Errorf("creating %s %q: %w", want.GetKind(), want.GetName(), err)
		}
		return nil
	}
	if !repair(have, want) {
		return nil
	}
	if _, err := at.Update(ctx, have, metav1.UpdateOptions{FieldManager: managed}); err != nil {
		return fmt.Errorf("repairing %s %q: %w", want.GetKind(), want.GetName(), err)
	}
	return nil
}

// repair changes have where it is not as wanted, and tells whether it was not.
func repair(have *unstructured.Unstructured, want object) bool {
	changed := false
	labels := have.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	before := maps.Clone(labels)
	maps.Copy(labels, want.GetLabels())
	if !maps.Equal(before, labels) {
		have.SetLabels(labels)
		changed = true
	}
	for _, field := range []string{"rules", "subjects", "aggregationRule"} {
		w, h := want.Object[field], have.Object[field]
		if field == "aggregationRule" && want.GetKind() != "ClusterRole" || field != "aggregationRule" && w == nil {
			continue
		}
		if !reflect.DeepEqual(w, h) {
			if w == nil {
				delete(have.Object, field)
			} else {
				have.Object[field] = w
			}
			changed = true
		}
	}
	return changed
}
