// What was seen in a cluster of the objects that bear Atoll's mark: a small
// copy, kept by watches, so that comparing thousands of projects asks for
// nothing and holds little.

package tenancy

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// mark is what is kept of an object.
type mark struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	digest digest
}

// DeepCopyObject implements runtime.Object. Marks are never changed.
func (m *mark) DeepCopyObject() runtime.Object { return m }

// markOf keeps of an object what is compared: names, ids, whether it is going,
// whose it is, and for the rest its digest.
func markOf(o any) (any, error) {
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return o, nil // a list's bookkeeping
	}
	m := &mark{digest: digestOf(u)}
	m.Name, m.Namespace, m.UID, m.ResourceVersion = u.GetName(), u.GetNamespace(), u.GetUID(), u.GetResourceVersion()
	m.DeletionTimestamp, m.Generation = u.GetDeletionTimestamp(), u.GetGeneration()
	if uid := u.GetLabels()[labelPlatform]; uid != "" {
		m.Labels = map[string]string{labelPlatform: uid}
	}
	return m, nil
}

// seen holds the marks of one cluster.
type seen struct {
	stores map[schema.GroupVersionResource]cache.SharedIndexInformer
}

// watchCluster begins to see; changed is called with each object that appears,
// changes, goes, or ceases to bear the mark. It returns when all that is there
// has been seen.
func watchCluster(ctx context.Context, client dynamic.Interface, changed func(schema.GroupVersionResource, metav1.Object), failed func(schema.GroupVersionResource, error)) (*seen, error) {
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, metav1.NamespaceAll, func(o *metav1.ListOptions) { o.LabelSelector = selectOurs })
	s := &seen{stores: map[schema.GroupVersionResource]cache.SharedIndexInformer{}}
	for _, resource := range keptResources {
		informer := factory.ForResource(resource).Informer()
		tell := func(o any) {
			if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = gone.Obj
			}
			if m, ok := o.(*mark); ok {
				changed(resource, m)
			}
		}
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: tell, UpdateFunc: func(_, o any) { tell(o) }, DeleteFunc: tell})
		if err == nil {
			err = informer.SetTransform(markOf)
		}
		if err == nil {
			err = informer.SetWatchErrorHandler(func(_ *cache.Reflector, err error) { failed(resource, err) })
		}
		if err != nil {
			return nil, fmt.Errorf("watching %s: %w", resource.Resource, err)
		}
		s.stores[resource] = informer
	}
	factory.Start(ctx.Done())
	for resource, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return nil, fmt.Errorf("watching %s: %w", resource.Resource, context.Cause(ctx))
		}
	}
	return s, nil
}

// get is what was seen of an object; nil for nothing.
func (s *seen) get(o object) *mark {
	return s.named(o.resource, o.GetNamespace(), o.GetName())
}

func (s *seen) named(resource schema.GroupVersionResource, namespace, name string) *mark {
	key := name
	if namespace != "" {
		key = namespace + "/" + name
	}
	found, ok, err := s.stores[resource].GetStore().GetByKey(key)
	if err != nil || !ok {
		return nil
	}
	m, _ := found.(*mark)
	return m
}

// in lists what was seen of a resource in a namespace; "" for what has none.
func (s *seen) in(resource schema.GroupVersionResource, namespace string) []*mark {
	var all []*mark
	add := func(o any) {
		if m, ok := o.(*mark); ok {
			all = append(all, m)
		}
	}
	if namespace == "" {
		for _, o := range s.stores[resource].GetStore().List() {
			add(o)
		}
		return all
	}
	found, err := s.stores[resource].GetIndexer().ByIndex(cache.NamespaceIndex, namespace)
	if err != nil {
		return nil
	}
	for _, o := range found {
		add(o)
	}
	return all
}
