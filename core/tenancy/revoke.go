// Finding what people left behind in a project, and revoking it.

package tenancy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/kube"
	"github.com/atoll-platform/atoll/core/store"
)

// ErrUnavailable: Kubernetes cannot be asked now.
var ErrUnavailable = errors.New("not to be had at the moment")

// madeResources are what Kubernetes has of each kind; a token is as good as its
// service account.
var madeResources = map[string]schema.GroupVersionResource{
	kube.MadeServiceAccount: {Version: "v1", Resource: "serviceaccounts"},
	kube.MadeToken:          {Version: "v1", Resource: "serviceaccounts"},
	kube.MadeSecret:         {Version: "v1", Resource: "secrets"},
	kube.MadeRoleBinding:    roleBindingResource,
}

// Leftovers are what one person has made in a project and what is there yet.
type Leftovers struct {
	SubjectUID string
	Name       string // the person's
	Items      []Leftover
}

// Leftovers reads what people have made in a project and what is there yet, in
// the order of their names; of people who have nothing there, nothing.
// ErrNotFound, ErrUnavailable.
func (t *Service) Leftovers(ctx context.Context, cluster, project string) ([]Leftovers, error) {
	p, ok := t.index.Project(cluster, project)
	if !ok {
		return nil, fmt.Errorf("the project %q in cluster %q is %w", project, cluster, ErrNotFound)
	}
	page, err := store.NewCollection[made](t.store, t.leftovers.Key(p.UID+"/")).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading what people have made: %w", err)
	}
	var all []Leftover
	for _, item := range page.Items {
		all = append(all, item.Value.Items...)
	}
	there, err := t.there(ctx, p, all)
	if err != nil {
		return nil, err
	}
	var people []Leftovers
	for _, item := range page.Items {
		one := Leftovers{SubjectUID: item.Name, Name: item.Value.Name}
		for _, left := range item.Value.Items {
			if slices.Contains(there, left) {
				one.Items = append(one.Items, left)
			}
		}
		if len(one.Items) > 0 {
			people = append(people, one)
		}
	}
	slices.SortFunc(people, func(a, b Leftovers) int { return cmp.Compare(a.Name, b.Name) })
	return people, nil
}

// LeftBehind is Leftovers of one person, with what they were making when they
// lost their right.
func (t *Service) LeftBehind(ctx context.Context, cluster, project, subjectUID string) ([]Leftover, error) {
	p, ok := t.index.Project(cluster, project)
	if !ok {
		return nil, fmt.Errorf("the project %q in cluster %q is %w", project, cluster, ErrNotFound)
	}
	name := leftoverName(p.UID, subjectUID)
	if err := t.noting.settle(ctx, name); err != nil {
		return nil, err
	}
	item, err := t.leftovers.Get(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what a person has made: %w", err)
	}
	return t.there(ctx, p, item.Value.Items)
}

// Revoke takes away what a person has left behind in a project, and returns it:
// bindings, service accounts and Secrets are deleted. Tokens of service accounts
// that are others' end because these are made anew; what is bound to them by name
// stays bound. Pods with such tokens get others within minutes. ErrNotFound,
// ErrUnavailable.
func (t *Service) Revoke(ctx context.Context, cluster, project, subjectUID string) ([]Leftover, error) {
	left, err := t.LeftBehind(ctx, cluster, project, subjectUID)
	if err != nil || len(left) == 0 {
		return nil, err
	}
	c, err := t.client(cluster)
	if err != nil {
		return nil, err
	}
	// What gives rights first, then who has them.
	order := []string{kube.MadeRoleBinding, kube.MadeSecret, kube.MadeServiceAccount, kube.MadeToken}
	slices.SortStableFunc(left, func(a, b Leftover) int {
		return cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind))
	})
	for _, one := range left {
		if err := revokeOne(ctx, c.Resource(madeResources[one.Kind]).Namespace(project), one); err != nil {
			return nil, fmt.Errorf("revoking the %s %q: %w", one.Kind, one.Name, err)
		}
	}
	p, _ := t.index.Project(cluster, project)
	return left, t.drop(ctx, leftoverName(p.UID, subjectUID), left)
}

func revokeOne(ctx context.Context, at dynamic.ResourceInterface, one Leftover) error {
	var anew *unstructured.Unstructured
	if one.Kind == kube.MadeToken {
		have, err := at.Get(ctx, one.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && string(have.GetUID()) != one.UID {
			return nil
		}
		if err != nil {
			return err
		}
		anew = &unstructured.Unstructured{Object: map[string]any{}}
		for field, value := range have.Object {
			if field != "metadata" && field != "status" {
				anew.Object[field] = value
			}
		}
		anew.SetName(have.GetName())
		anew.SetLabels(have.GetLabels())
		anew.SetAnnotations(have.GetAnnotations())
		anew.SetOwnerReferences(have.GetOwnerReferences())
	}
	uid := types.UID(one.UID)
	err := at.Delete(ctx, one.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) { // a conflict: it is another by now
		return err
	}
	if anew == nil {
		return nil
	}
	if _, err := at.Create(ctx, anew, createOptions); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("making it anew: %w", err)
	}
	return nil
}

// there is what of some things in a project is there yet.
func (t *Service) there(ctx context.Context, p access.Project, items []Leftover) ([]Leftover, error) {
	now := t.now()
	items = slices.DeleteFunc(slices.Clone(items), func(one Leftover) bool { return !one.Until.IsZero() && one.Until.Before(now) })
	if len(items) == 0 {
		return nil, nil
	}
	cluster, ok := t.registry.Get(p.Cluster)
	if !ok {
		return nil, fmt.Errorf("the cluster %q is %w", p.Cluster, ErrNotFound)
	}
	config, err := cluster.REST()
	if err != nil {
		return nil, fmt.Errorf("what is there yet is %w: %w", ErrUnavailable, err)
	}
	client, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("preparing to ask the cluster: %w", err)
	}
	found := map[schema.GroupVersionResource]map[string]bool{}
	for _, one := range items {
		resource := madeResources[one.Kind]
		if found[resource] != nil {
			continue
		}
		found[resource] = map[string]bool{}
		for page := (metav1.ListOptions{Limit: 500}); ; {
			list, err := client.Resource(resource).Namespace(p.Name).List(ctx, page)
			if err != nil {
				return nil, fmt.Errorf("what is there yet is %w: listing %s: %w", ErrUnavailable, resource.Resource, err)
			}
			for _, o := range list.Items {
				if o.DeletionTimestamp == nil {
					found[resource][string(o.UID)] = true
				}
			}
			if page.Continue = list.Continue; page.Continue == "" {
				break
			}
		}
	}
	return slices.DeleteFunc(items, func(one Leftover) bool { return !found[madeResources[one.Kind]][one.UID] }), nil
}

// client asks a cluster as Atoll itself. ErrNotFound, ErrUnavailable.
func (t *Service) client(cluster string) (dynamic.Interface, error) {
	c, ok := t.registry.Get(cluster)
	if !ok {
		return nil, fmt.Errorf("the cluster %q is %w", cluster, ErrNotFound)
	}
	config, err := c.REST()
	if err != nil {
		return nil, fmt.Errorf("the cluster %q is %w: %w", cluster, ErrUnavailable, err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("preparing to ask the cluster: %w", err)
	}
	return client, nil
}
