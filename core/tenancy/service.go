// The service: what callers hold, and how it starts and stops.

package tenancy

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/kube"
	"github.com/atoll-platform/atoll/core/store"
)

// What may go wrong, to be found with errors.Is; the message says the rest.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	ErrInvalid  = errors.New("not valid")
	ErrNotEmpty = errors.New("not empty")
	ErrDenied   = errors.New("not allowed")
	ErrBudget   = errors.New("beyond the budget")
	ErrDecided  = errors.New("not waiting for a decision any more")
)

// Options are the service's knobs; the zero value is right for production.
type Options struct {
	Logger *slog.Logger
	// Resync is how often everything is compared with Kubernetes, even where no
	// change was seen. Default 1 minute.
	Resync time.Duration
	// Workers is how many projects of one cluster are worked on at a time.
	// Default 4.
	Workers int
	// IngressNamespaces are those of the clusters' ingress controllers and
	// gateways, which reach pods of isolated workspaces too.
	IngressNamespaces []string
	// Identity names this replica in the election of who keeps a cluster; no two
	// replicas have the same. Empty is right for a store of one process: what
	// takes its place leads at once.
	Identity string
}

// Service keeps workspaces, projects and members, and makes the clusters
// match. It does not ask whether the caller may: that is access' business, and
// the server's to ask. Safe for concurrent use.
type Service struct {
	store      store.Store
	index      *access.Index
	registry   *kube.Registry
	options    Options
	workspaces store.Collection[Workspace]
	projects   store.Collection[Project]
	bindings   store.Collection[access.Binding]
	claims     store.Collection[claims]
	leftovers  store.Collection[made]
	noting     noting
	stop       context.CancelFunc
	wait       sync.WaitGroup
	now        func() time.Time
}

// New starts the service and its reconcilers, one for each cluster; Close ends
// them.
func New(ctx context.Context, s store.Store, index *access.Index, registry *kube.Registry, o Options) *Service {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Resync <= 0 {
		o.Resync = time.Minute
	}
	if o.Workers <= 0 {
		o.Workers = 4
	}
	ctx, stop := context.WithCancel(ctx)
	t := &Service{
		store: s, index: index, registry: registry, options: o, stop: stop, now: func() time.Time { return time.Now().UTC() },
		workspaces: store.NewCollection[Workspace](s, access.WorkspacePrefix),
		projects:   store.NewCollection[Project](s, access.ProjectPrefix),
		bindings:   store.NewCollection[access.Binding](s, access.BindingPrefix),
		claims:     store.NewCollection[claims](s, ownPrefix),
		leftovers:  store.NewCollection[made](s, leftoverPrefix),
	}
	t.wait.Go(func() { t.sweep(ctx) })
	for _, status := range registry.List() {
		if cluster, ok := registry.Get(status.Name); ok {
			t.wait.Go(func() { (&reconciler{service: t, cluster: cluster}).run(ctx) })
		}
	}
	return t
}

// Close stops the reconcilers and waits for them.
func (t *Service) Close() {
	t.stop()
	t.wait.Wait()
}

// commit makes a transaction, and waits until the index has it: who made a
// change sees it in their next request.
func (t *Service) commit(ctx context.Context, guards []store.Guard, ops ...store.Op) error {
	revision, err := t.store.Commit(ctx, guards, ops...)
	if err != nil {
		return err
	}
	return t.index.WaitFor(ctx, revision)
}

// again repeats a change while others change the same records.
func again(ctx context.Context, change func() error) error {
	for {
		err := change()
		if !errors.Is(err, store.ErrConflict) || ctx.Err() != nil {
			return err
		}
	}
}
