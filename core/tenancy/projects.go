// Projects: namespaces of workspaces, each in one cluster.

package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// Phases of a project.
const (
	PhasePending  = "Pending"  // Kubernetes does not match yet
	PhaseReady    = "Ready"    // its namespace and bindings are there
	PhaseFailed   = "Failed"   // they cannot be made; the message says why
	PhaseDeleting = "Deleting" // they are being removed
)

// Project is what is kept of a project: what decides scopes, and what the
// reconciler knows.
type Project struct {
	access.Project
	// Message says why the phase is not Ready.
	Message string `json:"message,omitempty"`
	// Conditions are the steps on the way, in their order.
	Conditions []Condition `json:"conditions,omitempty"`
	// Adopted: the namespace was there before; deleting the project gives it
	// back instead of deleting it.
	Adopted bool `json:"adopted,omitempty"`
	// NamespaceUID is Kubernetes' id of the namespace, once it is this project's.
	NamespaceUID string `json:"namespaceUID,omitempty"`
	// Quota is the project's share of its workspace's budget, and what it is
	// bound to besides.
	Quota Amounts `json:"quota,omitempty"`
	// Containers are what its containers get that do not ask.
	Containers Containers `json:"containers,omitzero"`
}

// NewProject is what is asked for.
type NewProject struct {
	Name      string // of the namespace too
	Cluster   string
	Workspace string // its name
	Adopt     bool   // take an existing namespace over; for platform administrators only
	// AcceptViolations: also where pods run that the workspace's Pod Security
	// would not let in.
	AcceptViolations bool
	ProjectSettings
}

func projectName(cluster, name string) string { return cluster + "/" + name }

// CreateProject records a project; its namespace follows by itself, see Phase.
// The maker becomes its administrator. ErrInvalid, ErrNotFound (cluster or
// workspace), ErrExists, ErrDenied (adoption, or a cluster that is not the
// workspace's), ErrBudget; of an adoption *Violations, ErrUnavailable.
func (t *Service) CreateProject(ctx context.Context, by access.Subject, n NewProject) (Project, error) {
	if err := errors.Join(t.checkProjectName(n.Name), checkTitle(n.Title)); err != nil {
		return Project{}, err
	}
	cluster, ok := t.registry.Get(n.Cluster)
	if !ok {
		return Project{}, fmt.Errorf("the cluster %q is %w", n.Cluster, ErrNotFound)
	}
	if n.Adopt && !t.index.Can(by, access.ProjectsManage, access.Scope{Cluster: n.Cluster}).Allowed {
		return Project{}, fmt.Errorf("taking over an existing namespace is %w: it needs an administrator of the platform", ErrDenied)
	}
	if err := t.mayAdopt(ctx, n); err != nil {
		return Project{}, fmt.Errorf("creating project %q: %w", n.Name, err)
	}
	var p Project
	err := again(ctx, func() error {
		w, err := t.workspaces.Get(ctx, n.Workspace)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("the workspace %q is %w", n.Workspace, ErrNotFound)
		}
		if err != nil {
			return fmt.Errorf("reading workspace %q: %w", n.Workspace, err)
		}
		if len(w.Value.Clusters) > 0 && !slices.Contains(w.Value.Clusters, n.Cluster) {
			return fmt.Errorf("a project in cluster %q is %w: the workspace %q has projects in %q", n.Cluster, ErrDenied, n.Workspace, w.Value.Clusters)
		}
		name := projectName(n.Cluster, n.Name)
		if _, err := t.projects.Get(ctx, name); err == nil {
			return fmt.Errorf("the project %q in cluster %q %w", n.Name, n.Cluster, ErrExists)
		} else if !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("reading project %q: %w", n.Name, err)
		}
		if err := t.afford(ctx, w.Value, "", n.Quota); err != nil {
			return err
		}
		p = Project{Adopted: n.Adopt, Quota: n.Quota, Containers: n.Containers, Project: access.Project{
			UID: access.NewUID(), Name: n.Name, Cluster: n.Cluster, WorkspaceUID: w.Value.UID, Title: n.Title, CreatedAt: t.now(), Phase: PhasePending,
		}}
		if !cluster.Ready() {
			p.Message = "waiting for the cluster"
		}
		put, err := t.projects.PutOp(name, p)
		if err != nil {
			return err
		}
		// Touched, so that the workspace is not deleted in the same moment, and its
		// budget not given twice.
		touch, err := t.workspaces.PutOp(n.Workspace, w.Value)
		if err != nil {
			return err
		}
		ops := []store.Op{put, touch}
		if by.UID != "" {
			bind, err := t.bindOp(access.BindingScope{Kind: access.KindProject, UID: p.UID}, by.UID, access.ProjectAdmin)
			if err != nil {
				return err
			}
			ops = append(ops, bind)
		}
		return t.commit(ctx, []store.Guard{t.projects.Absent(name), t.workspaces.At(n.Workspace, w.Modified)}, ops...)
	})
	if err != nil {
		return Project{}, fmt.Errorf("creating project %q: %w", n.Name, err)
	}
	return p, nil
}

// Project reads one project. ErrNotFound.
func (t *Service) Project(ctx context.Context, cluster, name string) (Project, error) {
	item, err := t.projects.Get(ctx, projectName(cluster, name))
	if errors.Is(err, store.ErrNotFound) {
		return Project{}, fmt.Errorf("the project %q in cluster %q is %w", name, cluster, ErrNotFound)
	}
	if err != nil {
		return Project{}, fmt.Errorf("reading project %q: %w", name, err)
	}
	return item.Value, nil
}

// Projects reads all projects, in the order of cluster and name.
func (t *Service) Projects(ctx context.Context) ([]Project, error) {
	page, err := t.projects.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading projects: %w", err)
	}
	all := make([]Project, 0, len(page.Items))
	for _, item := range page.Items {
		all = append(all, item.Value)
	}
	return all, nil
}

// DeleteProject begins to remove a project: its namespace with all that is in
// it (an adopted one is given back instead), then its record and memberships.
// Deleting what is being deleted is no error. ErrNotFound.
func (t *Service) DeleteProject(ctx context.Context, cluster, name string) error {
	return again(ctx, func() error {
		item, err := t.projects.Get(ctx, projectName(cluster, name))
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("the project %q in cluster %q is %w", name, cluster, ErrNotFound)
		}
		if err != nil {
			return fmt.Errorf("reading project %q: %w", name, err)
		}
		if item.Value.Phase == PhaseDeleting {
			return nil
		}
		p := item.Value
		p.Phase, p.Message, p.Conditions = PhaseDeleting, "", nil
		return t.tell(ctx, item, p)
	})
}

// tell writes what the reconciler found, if it is news. store.ErrConflict when
// the record was changed meanwhile.
func (t *Service) tell(ctx context.Context, item store.Item[Project], p Project) error {
	was := item.Value
	p.Conditions = since(was.Conditions, p.Conditions, t.now())
	if p.Phase == was.Phase && p.Message == was.Message && p.NamespaceUID == was.NamespaceUID && slices.Equal(p.Conditions, was.Conditions) {
		return nil
	}
	put, err := t.projects.PutOp(item.Name, p)
	if err != nil {
		return err
	}
	return t.commit(ctx, []store.Guard{t.projects.At(item.Name, item.Modified)}, put)
}

// forget removes a project's record, memberships, and what people made in it.
func (t *Service) forget(ctx context.Context, item store.Item[Project]) error {
	things, err := store.NewCollection[made](t.store, t.leftovers.Key(item.Value.UID+"/")).All(ctx)
	if err != nil {
		return fmt.Errorf("reading what people have made: %w", err)
	}
	var others []store.Op
	for _, one := range things.Items {
		others = append(others, t.leftovers.DeleteOp(leftoverName(item.Value.UID, one.Name)))
	}
	ops, err := t.unbindAll(ctx, access.BindingScope{Kind: access.KindProject, UID: item.Value.UID}, others...)
	if err != nil {
		return err
	}
	return t.commit(ctx, []store.Guard{t.projects.At(item.Name, item.Modified)}, append(ops, t.projects.DeleteOp(item.Name))...)
}
