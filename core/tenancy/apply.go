// Making one object so. What is right costs nothing: what was seen of an object
// is compared with what is wanted, and only a difference asks Kubernetes.

package tenancy

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

var (
	createOptions = metav1.CreateOptions{FieldManager: managed}
	updateOptions = metav1.UpdateOptions{FieldManager: managed}
)

// ensure makes an object be there as wanted: of labels and annotations those
// that are Atoll's, of its content all. Concurrent changes show as conflicts,
// which the caller tries again.
func (r *reconciler) ensure(ctx context.Context, want object) error {
	seen := r.seen.get(want)
	if seen != nil && seen.digest == digestOf(want.Unstructured) {
		return nil
	}
	at := r.client.Resource(want.resource).Namespace(want.GetNamespace())
	create := func() error {
		if _, err := at.Create(ctx, want.Unstructured, createOptions); err != nil {
			return fmt.Errorf("creating %s %q: %w", want.GetKind(), want.GetName(), err)
		}
		return nil
	}
	if seen == nil {
		// It may be there without the mark by which it is seen.
		if err := create(); !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	have, err := at.Get(ctx, want.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return create()
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
		return create()
	}
	if !repair(have, want) {
		return nil
	}
	if _, err := at.Update(ctx, have, updateOptions); err != nil {
		return fmt.Errorf("repairing %s %q: %w", want.GetKind(), want.GetName(), err)
	}
	return nil
}

// ownKey tells whether a label or annotation is Atoll's to set.
func ownKey(key string) bool {
	return key == labelManaged || strings.HasPrefix(key, ownDomain) || strings.HasPrefix(key, podSecurityDomain)
}

// contentOf is what of an object is Atoll's to say, besides labels and
// annotations. Of a namespace that is nothing.
func contentOf(o *unstructured.Unstructured) map[string]any {
	content := map[string]any{}
	if o.GetKind() == "Namespace" {
		return content
	}
	for field, value := range o.Object {
		switch field {
		case "apiVersion", "kind", "metadata", "status":
		default:
			content[field] = value
		}
	}
	return content
}

// repair changes have where it is not as wanted, and tells whether it was not.
func repair(have *unstructured.Unstructured, want object) bool {
	if digestOf(have) == digestOf(want.Unstructured) {
		return false
	}
	have.SetLabels(merged(have.GetLabels(), want.GetLabels()))
	have.SetAnnotations(merged(have.GetAnnotations(), want.GetAnnotations()))
	wanted := contentOf(want.Unstructured)
	for field := range contentOf(have) {
		if _, ok := wanted[field]; !ok {
			delete(have.Object, field)
		}
	}
	maps.Copy(have.Object, wanted)
	return true
}

// merged keeps what is others' and sets what is Atoll's.
func merged(have, want map[string]string) map[string]string {
	all := map[string]string{}
	for key, value := range have {
		if !ownKey(key) {
			all[key] = value
		}
	}
	maps.Copy(all, want)
	if len(all) == 0 {
		return nil
	}
	return all
}

type digest [sha256.Size]byte

// digestOf stands for all that is Atoll's to say of an object: two that are
// equal in it are right, or wrong, together.
func digestOf(o *unstructured.Unstructured) digest {
	own := func(all map[string]string) map[string]string {
		some := map[string]string{}
		for key, value := range all {
			if ownKey(key) {
				some[key] = value
			}
		}
		return some
	}
	text, err := json.Marshal([]any{own(o.GetLabels()), own(o.GetAnnotations()), contentOf(o)}) // keys of maps come sorted
	if err != nil {
		panic(fmt.Sprintf("an object of Kubernetes that is no JSON: %v", err))
	}
	return sha256.Sum256(text)
}
