// Making a project's namespace and what belongs into it, and removing them.

package tenancy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

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

// establish makes a project's namespace and what belongs into it be there as
// they should, step by step, and writes down how far it came.
func (r *reconciler) establish(ctx context.Context, item store.Item[Project]) error {
	p := item.Value
	next := p
	w, err := r.service.workspaceOf(ctx, p.Project)
	if err == nil {
		var namespace identified
		steps := []struct {
			name string
			make func() error
		}{
			{StepNamespace, func() (err error) { namespace, err = r.namespace(ctx, w.Value, p); return err }},
			{StepBindings, func() error {
				return r.ensureAll(ctx, p, r.bindings(p.Project), roleBindingResource)
			}},
			{StepLimits, func() error {
				return r.ensureAll(ctx, p, quotaObjects(w.Value, p), quotaResource, limitRangeResource)
			}},
			{StepIsolation, func() error {
				return r.ensureAll(ctx, p, isolationObjects(w.Value, p, r.service.options.IngressNamespaces), networkPolicyResource)
			}},
		}
		next.Conditions = nil
		for i, step := range steps {
			if err = step.make(); err != nil {
				next.Conditions = append(next.Conditions, Condition{Type: step.name, Status: StatusFalse, Message: err.Error()})
				for _, later := range steps[i+1:] {
					next.Conditions = append(next.Conditions, Condition{Type: later.name, Status: StatusUnknown, Message: "waits for " + step.name})
				}
				break
			}
			next.Conditions = append(next.Conditions, Condition{Type: step.name, Status: StatusTrue})
		}
		if namespace.uid != "" {
			next.NamespaceUID = namespace.uid
		}
	}
	next.Phase, next.Message = phaseOf(p.Phase, err)
	if err != nil && next.Phase == PhaseReady {
		return err // nothing of it has changed: the cluster does not answer
	}
	if told := r.service.tell(ctx, item, next); told != nil {
		return told
	}
	return err
}

// ensureAll makes these objects of a project be there, and of the same kinds no
// others that bear Atoll's mark.
func (r *reconciler) ensureAll(ctx context.Context, p Project, wanted []object, kinds ...schema.GroupVersionResource) error {
	for _, want := range wanted {
		if err := r.ensure(ctx, want); err != nil {
			return err
		}
	}
	for _, kind := range kinds {
		for _, one := range r.seen.in(kind, p.Name) {
			if slices.ContainsFunc(wanted, func(o object) bool { return o.resource == kind && o.GetName() == one.Name }) {
				continue
			}
			err := r.client.Resource(kind).Namespace(p.Name).Delete(ctx, one.Name, metav1.DeleteOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				return fmt.Errorf("removing %s %q: %w", kind.Resource, one.Name, err)
			}
		}
	}
	return nil
}

// bindings are the RoleBindings that should be in a project's namespace.
func (r *reconciler) bindings(p access.Project) []object {
	return append(bindingObjects(p), customBindings(p, customs(r.service.index))...)
}

// identified is a namespace that is a project's.
type identified struct{ uid string }

// namespace makes a project's namespace be there, or says why it cannot be.
func (r *reconciler) namespace(ctx context.Context, w Workspace, p Project) (identified, error) {
	namespaces := r.client.Resource(namespaceResource)
	want := namespaceObject(w, p)
	if m := r.seen.get(want); m != nil && m.DeletionTimestamp == nil && string(m.UID) == p.NamespaceUID && m.digest == digestOf(want.Unstructured) {
		return identified{p.NamespaceUID}, nil
	}
	have, err := namespaces.Get(ctx, p.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		made, err := namespaces.Create(ctx, want.Unstructured, createOptions)
		if err != nil {
			return identified{}, fmt.Errorf("creating the namespace: %w", err)
		}
		return identified{string(made.GetUID())}, nil
	}
	if err != nil {
		return identified{}, fmt.Errorf("reading the namespace: %w", err)
	}
	owner := have.GetLabels()[kube.LabelProject]
	// Its uid tells that it is ours still when somebody has taken our label off.
	known := p.NamespaceUID != "" && string(have.GetUID()) == p.NamespaceUID
	switch {
	case have.GetDeletionTimestamp() != nil:
		return identified{}, fmt.Errorf("%w: the former namespace %q is still being removed%s", errWaiting, p.Name, remains(have))
	case owner == p.UID, known:
	case owner != "":
		return identified{}, foreign{fmt.Sprintf("the namespace %q belongs to another project", p.Name)}
	case !p.Adopted:
		return identified{}, foreign{fmt.Sprintf("the namespace %q exists already and is not Atoll's; a platform administrator may take it over", p.Name)}
	}
	if repair(have, want) {
		if have, err = namespaces.Update(ctx, have, updateOptions); err != nil {
			return identified{}, fmt.Errorf("repairing the namespace: %w", err)
		}
	}
	return identified{string(have.GetUID())}, nil
}

// remains says what a namespace that is being removed still waits for, in
// Kubernetes' words: which resources are there, and whose finalizers.
func remains(namespace *unstructured.Unstructured) string {
	conditions, _, _ := unstructured.NestedSlice(namespace.Object, "status", "conditions")
	var all []string
	for _, one := range conditions {
		c, _ := one.(map[string]any)
		if message, _ := c["message"].(string); c["status"] == "True" && message != "" {
			all = append(all, message)
		}
	}
	if len(all) == 0 {
		return ""
	}
	text := ": " + strings.Join(all, "; ")
	if len(text) > maxMessage {
		text = text[:maxMessage]
	}
	return strings.ToValidUTF8(text, "")
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
	waits := fmt.Errorf("%w: the namespace %q is being removed%s", errWaiting, p.Name, remains(have))
	p.Message = waits.Error()
	p.Conditions = []Condition{{Type: StepRemoval, Status: StatusFalse, Message: waits.Error()}}
	if told := r.service.tell(ctx, item, p); told != nil {
		return told
	}
	return waits
}

// giveBack takes Atoll's marks and bindings off a namespace that was there
// before its project. Pod Security stays as it is: to loosen it is for who
// keeps the namespace from now on.
func (r *reconciler) giveBack(ctx context.Context, item store.Item[Project], have *unstructured.Unstructured) error {
	for _, kind := range keptResources {
		if kind == namespaceResource {
			continue
		}
		if err := r.ensureAll(ctx, item.Value, nil, kind); err != nil {
			return err
		}
	}
	have.SetLabels(released(have.GetLabels()))
	have.SetAnnotations(released(have.GetAnnotations()))
	if _, err := r.client.Resource(namespaceResource).Update(ctx, have, updateOptions); err != nil {
		return fmt.Errorf("giving the namespace back: %w", err)
	}
	return r.service.forget(ctx, item)
}

// released takes Atoll's marks out, and leaves Pod Security's.
func released(all map[string]string) map[string]string {
	maps.DeleteFunc(all, func(key, _ string) bool { return ownKey(key) && !strings.HasPrefix(key, podSecurityDomain) })
	return all
}
