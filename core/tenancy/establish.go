// Making a project's namespace and bindings, and removing them.

package tenancy

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/kube"
	"github.com/atoll-platform/atoll/core/store"
)

// errWaiting: Kubernetes is on its way; its next event, or the next try, goes on.
var errWaiting = errors.New("waiting for Kubernetes")

// foreign is why a namespace cannot be a project's: a fact, not a disturbance.
type foreign struct{ text string }

func (f foreign) Error() string { return f.text }

// phaseOf says on the project what an attempt came to. A project that was
// ready stays so while the cluster does not answer: nothing of it has changed.
func phaseOf(was string, err error) (phase, message string) {
	var f foreign
	switch {
	case err == nil:
		return PhaseReady, ""
	case errors.As(err, &f), apierrors.IsForbidden(err), apierrors.IsInvalid(err):
		return PhaseFailed, err.Error()
	case was == PhaseReady && !errors.Is(err, errWaiting):
		return PhaseReady, ""
	default:
		return PhasePending, err.Error()
	}
}

// establish makes a project's namespace and bindings be there as they should,
// and returns the namespace's uid.
func (r *reconciler) establish(ctx context.Context, p Project) (namespaceUID string, err error) {
	namespace, err := r.namespace(ctx, p)
	if err != nil {
		return p.NamespaceUID, err
	}
	namespaceUID = string(namespace.GetUID())
	wanted := map[string]bool{}
	for _, want := range r.bindings(p.Project) {
		wanted[want.GetName()] = true
		if err := ensure(ctx, r.client, want); err != nil {
			return namespaceUID, err
		}
	}
	// Bindings that bear the mark of Atoll and are none of its own.
	bindings := r.client.Resource(roleBindingResource).Namespace(p.Name)
	marked, err := bindings.List(ctx, metav1.ListOptions{LabelSelector: selectOurs})
	if err != nil {
		return namespaceUID, fmt.Errorf("listing bindings: %w", err)
	}
	for _, one := range marked.Items {
		if !wanted[one.GetName()] {
			if err := bindings.Delete(ctx, one.GetName(), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
				return namespaceUID, fmt.Errorf("removing binding %q: %w", one.GetName(), err)
			}
		}
	}
	return namespaceUID, nil
}

// bindings are the RoleBindings that should be in a project's namespace.
func (r *reconciler) bindings(p access.Project) []object {
	return append(bindingObjects(p), customBindings(p, customs(r.service.index))...)
}

// namespace makes a project's namespace be there, or says why it cannot be.
func (r *reconciler) namespace(ctx context.Context, p Project) (*unstructured.Unstructured, error) {
	namespaces := r.client.Resource(namespaceResource)
	want := namespaceObject(p.Project)
	have, err := namespaces.Get(ctx, p.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		made, err := namespaces.Create(ctx, want.Unstructured, createOptions)
		if err != nil {
			return nil, fmt.Errorf("creating the namespace: %w", err)
		}
		return made, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the namespace: %w", err)
	}
	owner := have.GetLabels()[kube.LabelProject]
	// Its uid tells that it is ours still when somebody has taken our label off.
	known := p.NamespaceUID != "" && string(have.GetUID()) == p.NamespaceUID
	switch {
	case have.GetDeletionTimestamp() != nil:
		return nil, fmt.Errorf("%w: the former namespace %q is still being removed", errWaiting, p.Name)
	case owner == p.UID, known:
	case owner != "":
		return nil, foreign{fmt.Sprintf("the namespace %q belongs to another project", p.Name)}
	case !p.Adopted:
		return nil, foreign{fmt.Sprintf("the namespace %q exists already and is not Atoll's; a platform administrator may take it over", p.Name)}
	}
	if !repair(have, want) {
		return have, nil
	}
	made, err := namespaces.Update(ctx, have, metav1.UpdateOptions{FieldManager: managed})
	if err != nil {
		return nil, fmt.Errorf("repairing the namespace: %w", err)
	}
	return made, nil
}

// remove deletes what belongs to a project, then its record.
func (r *reconciler) remove(ctx context.Context, item store.Item[Project]) error {
	p := item.Value
	namespaces := r.client.Resource(namespaceResource)
	have, err := namespaces.Get(ctx, p.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return r.service.forget(ctx, item)
	case err != nil:
		return fmt.Errorf("reading the namespace: %w", err)
	case have.GetLabels()[kube.LabelProject] != p.UID && (p.NamespaceUID == "" || string(have.GetUID()) != p.NamespaceUID):
		return r.service.forget(ctx, item) // never was this project's
	case p.Adopted:
		return r.giveBack(ctx, item, have)
	case have.GetDeletionTimestamp() == nil:
		uid := have.GetUID()
		err := namespaces.Delete(ctx, p.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("deleting the namespace: %w", err)
		}
	}
	return fmt.Errorf("%w: the namespace %q is being removed", errWaiting, p.Name)
}

// giveBack takes Atoll's marks and bindings off a namespace that was there
// before its project. Pod Security stays as it is: to loosen it is for who
// keeps the namespace from now on.
func (r *reconciler) giveBack(ctx context.Context, item store.Item[Project], have *unstructured.Unstructured) error {
	for _, one := range r.bindings(item.Value.Project) {
		err := r.client.Resource(roleBindingResource).Namespace(item.Value.Name).Delete(ctx, one.GetName(), metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("removing binding %q: %w", one.GetName(), err)
		}
	}
	labels := have.GetLabels()
	for _, name := range []string{labelManaged, kube.LabelProject, kube.LabelWorkspace} {
		delete(labels, name)
	}
	have.SetLabels(labels)
	if _, err := r.client.Resource(namespaceResource).Update(ctx, have, metav1.UpdateOptions{FieldManager: managed}); err != nil {
		return fmt.Errorf("giving the namespace back: %w", err)
	}
	return r.service.forget(ctx, item)
}
