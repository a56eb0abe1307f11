// Projects: namespaces of workspaces, each in one cluster.

package tenancy

import (
	"context"
	"errors"
	"fmt"

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
	// Adopted: the namespace was there before; deleting the project gives it
	// back instead of deleting it.
	Adopted bool `json:"adopted,omitempty"`
	// NamespaceUID is Kubernetes' id of the namespace, once it is this project's.
	NamespaceUID string `json:"namespaceUID,omitempty"`
}

// NewProject is what is asked for.
type NewProject struct {
	Name      string // of the namespace too
	Cluster   string
	Workspace string // its name
	Title     string
	Adopt     bool // take an existing namespace over; for platform administrators only
}

func projectName(cluster, name string) string { return cluster + "/" + name }

// CreateProject records a project; its namespace follows by itself, see Phase.
// The maker becomes its administrator. ErrInvalid, ErrNotFound (cluster or
// workspace), ErrExists, ErrDenied (adoption).
func (t *Service) CreateProject(ctx context.Context, by access.Subject, n NewProject) (Project, error) {
	if err := errors.Join(checkProjectName(n.Name), checkTitle(n.Title)); err != nil {
		return Project{}, err
	}
	cluster, ok := t.registry.Get(n.Cluster)
	if !ok {
		return Project{}, fmt.Errorf("the cluster %q is %w", n.Cluster, ErrNotFound)
	}
	if n.Adopt && !t.index.Can(by, access.ProjectsManage, access.Scope{Cluster: n.Cluster}).Allowed {
		return Project{}, fmt.Errorf("taking over an existing namespace is %w: it needs an administrator of the platform", ErrDenied)
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
		name := projectName(n.Cluster, n.Name)
		if _, err := t.projects.Get(ctx, name); err == nil {
			return fmt.Errorf("the project %q in cluster %q %w", n.Name, n.Cluster, ErrExists)
		} else if !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("reading project %q: %w", n.Name, err)
		}
		p = Project{Adopted: n.Adopt, Project: access.Project{
			UID: access.NewUID(), Name: n.Name, Cluster: n.Cluster, WorkspaceUID: w.Value.UID, Title: n.Title, CreatedAt: t.now(), Phase: PhasePending,
		}}
		if !cluster.Ready() {
			p.Message = "waiting for the cluster"
		}
		put, err := t.projects.PutOp(name, p)
		if err != nil {
			return err
		}
		// Touched, so that the workspace is not deleted in the same moment.
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
		return t.setPhase(ctx, item, PhaseDeleting, "", item.Value.NamespaceUID)
	})
}

// setPhase writes what the reconciler found, if it is news. store.ErrConflict
// when the record was changed meanwhile.
func (t *Service) setPhase(ctx context.Context, item store.Item[Project], phase, message, namespaceUID string) error {
	p := item.Value
	if p.Phase == phase && p.Message == message && p.NamespaceUID == namespaceUID {
		return nil
	}
	p.Phase, p.Message, p.NamespaceUID = phase, message, namespaceUID
	put, err := t.projects.PutOp(item.Name, p)
	if err != nil {
		return err
	}
	return t.commit(ctx, []store.Guard{t.projects.At(item.Name, item.Modified)}, put)
}

// forget removes a project's record and memberships.
func (t *Service) forget(ctx context.Context, item store.Item[Project]) error {
	ops, err := t.unbindAll(ctx, access.BindingScope{Kind: access.KindProject, UID: item.Value.UID})
	if err != nil {
		return err
	}
	return t.commit(ctx, []store.Guard{t.projects.At(item.Name, item.Modified)}, append(ops, t.projects.DeleteOp(item.Name))...)
}
