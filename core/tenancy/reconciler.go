// The reconciler of one cluster: it makes Kubernetes match, when a project
// changes, when Kubernetes does, and from time to time without a reason.

package tenancy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/workqueue"

	"github.com/atoll-platform/atoll/core/kube"
	"github.com/atoll-platform/atoll/core/store"
)

// reconciler keeps one cluster. Work is queued by a project's name; the empty
// name stands for what the cluster has once.
type reconciler struct {
	service *Service
	cluster *kube.Cluster
	queue   workqueue.TypedRateLimitingInterface[string]
	client  dynamic.Interface
}

const (
	retryFirst = 200 * time.Millisecond
	retryMost  = 30 * time.Second
)

// run works whenever the cluster is connected, each time anew when it becomes
// another one.
func (r *reconciler) run(ctx context.Context) {
	news := r.service.registry.Watch(ctx)
	for {
		if r.cluster.Ready() {
			generation := r.cluster.Generation()
			session, end := context.WithCancel(ctx)
			var work sync.WaitGroup
			work.Go(func() { r.session(session) })
			for ctx.Err() == nil && r.cluster.Generation() == generation {
				<-news // closed when ctx ends
			}
			end()
			work.Wait()
		}
		if ctx.Err() != nil {
			return
		}
		if !r.cluster.Ready() {
			<-news
		}
	}
}

// session works with one connection until ctx ends.
func (r *reconciler) session(ctx context.Context) {
	log := r.service.options.Logger.With("cluster", r.cluster.Name())
	config, err := r.cluster.REST()
	if err == nil {
		r.client, err = dynamic.NewForConfig(config)
	}
	if err != nil {
		log.Error("the cluster cannot be kept", "error", err)
		<-ctx.Done()
		return
	}
	r.queue = workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](retryFirst, retryMost))
	var work sync.WaitGroup
	work.Go(func() { <-ctx.Done(); r.queue.ShutDown() })
	work.Go(func() { r.followStore(ctx) })
	work.Go(func() { r.followRoles(ctx) })
	work.Go(func() { r.resync(ctx) })
	for resource, name := range map[schema.GroupVersionResource]func(metav1.Object) string{
		namespaceResource:          metav1.Object.GetName,
		roleBindingResource:        metav1.Object.GetNamespace,
		clusterRoleResource:        func(metav1.Object) string { return "" },
		clusterRoleBindingResource: func(metav1.Object) string { return "" },
	} {
		work.Go(func() { r.followKubernetes(ctx, resource, name) })
	}
	for range r.service.options.Workers {
		work.Go(func() {
			for {
				name, over := r.queue.Get()
				if over {
					return
				}
				err := r.reconcile(ctx, name)
				switch {
				case err == nil:
					r.queue.Forget(name)
				case ctx.Err() == nil:
					if !errors.Is(err, store.ErrConflict) && !errors.Is(err, errWaiting) {
						log.Warn("a project cannot be made so yet", "project", name, "error", err)
					}
					r.queue.AddRateLimited(name)
				}
				r.queue.Done(name)
			}
		})
	}
	work.Wait()
}

// followStore queues every project once, then those whose record changes.
func (r *reconciler) followStore(ctx context.Context) {
	prefix := r.cluster.Name() + "/"
	projects := store.NewCollection[Project](r.service.store, r.service.projects.Key(prefix))
	for ctx.Err() == nil {
		all, err := projects.All(ctx)
		if err == nil {
			r.queue.Add("")
			for _, item := range all.Items {
				r.queue.Add(item.Name)
			}
			var changes <-chan store.ItemBatch[Project]
			if changes, err = projects.Watch(ctx, all.Revision); err == nil {
				for batch := range changes {
					for _, item := range batch.Items {
						r.queue.Add(item.Name)
					}
					err = batch.Err
				}
			}
		}
		if err != nil && ctx.Err() == nil {
			r.service.options.Logger.Warn("following projects in the store", "cluster", r.cluster.Name(), "error", err)
		}
		pause(ctx, retryFirst)
	}
}

// followKubernetes queues what an object belongs to whenever one of ours
// changes, disappears, or ceases to be marked as ours.
func (r *reconciler) followKubernetes(ctx context.Context, resource schema.GroupVersionResource, name func(metav1.Object) string) {
	delay := retryFirst
	for ctx.Err() == nil {
		// Without a resource version the watch begins with all that is there.
		changes, err := r.client.Resource(resource).Watch(ctx, metav1.ListOptions{LabelSelector: selectOurs})
		if err != nil {
			r.service.options.Logger.Debug("watching the cluster", "cluster", r.cluster.Name(), "resource", resource.Resource, "error", err)
			pause(ctx, delay)
			delay = min(2*delay, retryMost)
			continue
		}
		delay = retryFirst
		for event := range changes.ResultChan() {
			if event.Type == watch.Error {
				break
			}
			if o, ok := event.Object.(metav1.Object); ok {
				r.queue.Add(name(o))
			}
		}
		changes.Stop()
		pause(ctx, delay)
	}
}

// resync queues everything from time to time.
func (r *reconciler) resync(ctx context.Context) {
	tick := time.NewTicker(r.service.options.Resync)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		all, err := r.service.Projects(ctx)
		if err != nil {
			continue
		}
		r.queue.Add("")
		for _, p := range all {
			if p.Cluster == r.cluster.Name() {
				r.queue.Add(p.Name)
			}
		}
	}
}

// reconcile makes one project so, or what the cluster has once.
func (r *reconciler) reconcile(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if name == "" {
		custom := customObjects(customs(r.service.index))
		for _, want := range append(clusterObjects(), custom...) {
			if err := ensure(ctx, r.client, want); err != nil {
				return err
			}
		}
		return r.removeCustoms(ctx, custom)
	}
	item, err := r.service.projects.Get(ctx, projectName(r.cluster.Name(), name))
	if errors.Is(err, store.ErrNotFound) {
		return nil // not a project, or not any more
	}
	if err != nil {
		return fmt.Errorf("reading project %q: %w", name, err)
	}
	if item.Value.Phase == PhaseDeleting {
		return r.remove(ctx, item)
	}
	namespaceUID, err := r.establish(ctx, item.Value)
	phase, message := phaseOf(item.Value.Phase, err)
	if told := r.service.setPhase(ctx, item, phase, message, namespaceUID); told != nil {
		return told
	}
	return err
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
