// The clusters that this Atoll knows, and news of them.

package kube

import (
	"context"
	"sync"
	"time"
)

// Registry holds the clusters of the configuration. Safe for concurrent use.
type Registry struct {
	clusters []*Cluster
	byName   map[string]*Cluster
	stop     context.CancelFunc
	wait     sync.WaitGroup

	mu       sync.Mutex
	watchers map[chan struct{}]struct{}
}

// NewRegistry starts to look after the clusters until ctx ends or Close is
// called. It does not wait for any of them.
func NewRegistry(ctx context.Context, clusters []Config, o Options) *Registry {
	o = o.withDefaults()
	ctx, stop := context.WithCancel(ctx)
	r := &Registry{byName: map[string]*Cluster{}, stop: stop, watchers: map[chan struct{}]struct{}{}}
	for _, config := range clusters {
		c := newCluster(config, o, r.notify)
		r.clusters = append(r.clusters, c)
		r.byName[config.Name] = c
	}
	for _, c := range r.clusters {
		r.wait.Go(func() { c.look(ctx) })
	}
	return r
}

// Close stops looking after the clusters and lets their idle connections go.
func (r *Registry) Close() {
	r.stop()
	r.wait.Wait()
}

// List tells how every cluster does, in the order of the configuration.
func (r *Registry) List() []ClusterStatus {
	all := make([]ClusterStatus, 0, len(r.clusters))
	for _, c := range r.clusters {
		all = append(all, c.Status())
	}
	return all
}

// Get finds a cluster by its name.
func (r *Registry) Get(name string) (*Cluster, bool) {
	c, ok := r.byName[name]
	return c, ok
}

// Watch returns a channel that receives after a cluster's status has changed.
// Changes that come faster than they are received are told once: read List
// after each. The channel is closed when ctx ends.
func (r *Registry) Watch(ctx context.Context) <-chan struct{} {
	news := make(chan struct{}, 1)
	r.mu.Lock()
	r.watchers[news] = struct{}{}
	r.mu.Unlock()
	context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers, news)
		close(news)
	})
	return news
}

func (r *Registry) notify() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for news := range r.watchers {
		select {
		case news <- struct{}{}:
		default:
		}
	}
}

// fileMark tells whether a file is another one than when it was looked at last.
type fileMark struct {
	exists bool
	mtime  time.Time
	size   int64
}
