// The reconciler of one cluster: it makes Kubernetes match, when a project
// changes, when Kubernetes does, and from time to time without a reason.

package tenancy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/workqueue"

	"github.com/atoll-platform/atoll/core/kube"
	"github.com/atoll-platform/atoll/core/store"
)

// reconciler keeps one cluster. Work is queued by a project's name; the empty
// name stands for what the cluster has once.
type reconciler struct {
	service  *Service
	cluster  *kube.Cluster
	queue    workqueue.TypedRateLimitingInterface[string]
	client   dynamic.Interface
	seen     *seen
	self     string // who Atoll is in this cluster
	platform string // this Atoll's uid
}

const (
	retryFirst = 200 * time.Millisecond
	retryMost  = 30 * time.Second
)

func (r *reconciler) log() *slog.Logger {
	return r.service.options.Logger.With("cluster", r.cluster.Name())
}

// run works whenever the cluster is connected, each time anew when it becomes
// another one.
func (r *reconciler) run(ctx context.Context) {
	news := r.service.registry.Watch(ctx)
	for {
		if r.cluster.Ready() {
			generation := r.cluster.Generation()
			session, end := context.WithCancel(ctx)
			var work sync.WaitGroup
			work.Go(func() { r.lead(session) })
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

// session works with one connection, while this replica leads, until ctx ends;
// sooner only with an error.
func (r *reconciler) session(ctx context.Context) error {
	ctx, end := context.WithCancel(ctx)
	r.queue = workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](retryFirst, retryMost))
	var work sync.WaitGroup
	defer work.Wait()
	defer end()
	work.Go(func() { <-ctx.Done(); r.queue.ShutDown() })
	var err error
	r.seen, err = watchCluster(ctx, r.client, r.changed, func(resource schema.GroupVersionResource, err error) {
		r.log().Debug("watching the cluster", "resource", resource.Resource, "error", err)
	})
	if err != nil {
		return err
	}
	// No project before the roles and policies that guard it.
	for delay := retryFirst; ctx.Err() == nil; delay = min(2*delay, retryMost) {
		if err := r.reconcile(ctx, ""); err == nil {
			break
		} else if ctx.Err() == nil {
			r.log().Warn("the roles and policies of the cluster cannot be made yet", "error", err)
		}
		pause(ctx, delay)
	}
	work.Go(func() { r.followProjects(ctx) })
	work.Go(func() { r.followWorkspaces(ctx) })
	work.Go(func() { r.followHosts(ctx) })
	work.Go(func() { r.followRoles(ctx) })
	work.Go(func() { r.resync(ctx) })
	for range r.service.options.Workers {
		work.Go(func() { r.work(ctx) })
	}
	<-ctx.Done()
	return nil
}

// work does what is queued.
func (r *reconciler) work(ctx context.Context) {
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
				r.log().Warn("a project cannot be made so yet", "project", name, "error", err)
			}
			r.queue.AddRateLimited(name)
		}
		r.queue.Done(name)
	}
}

// changed queues what an object belongs to.
func (r *reconciler) changed(resource schema.GroupVersionResource, o metav1.Object) {
	name := o.GetNamespace()
	if resource == namespaceResource {
		name = o.GetName()
	}
	if name == systemNamespace {
		name = ""
	}
	r.queue.Add(name)
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
		r.queue.Add("")
		r.queueProjects(ctx, func(Project) bool { return true })
	}
}

// queueProjects queues those of this cluster that are meant.
func (r *reconciler) queueProjects(ctx context.Context, meant func(Project) bool) {
	all, err := r.service.Projects(ctx)
	if err != nil {
		return // the next round of all projects comes by itself
	}
	for _, p := range all {
		if p.Cluster == r.cluster.Name() && meant(p) {
			r.queue.Add(p.Name)
		}
	}
}

// reconcile makes one project so, or what the cluster has once.
func (r *reconciler) reconcile(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if name == "" {
		return r.common(ctx)
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
	return r.establish(ctx, item)
}

// common makes what the cluster has once.
func (r *reconciler) common(ctx context.Context) error {
	custom := customObjects(r.platform, customs(r.service.index))
	policies, err := r.policies(ctx)
	if err != nil {
		return err
	}
	for _, all := range [][]object{clusterObjects(), custom, policies} {
		for _, want := range all {
			if err := r.ensure(ctx, want); err != nil {
				return err
			}
		}
	}
	return r.removeCustoms(ctx, custom)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
