// Budgets: what a workspace's projects may have together. What they are given
// never adds up to more, since whoever gives reads and writes in one
// transaction.

package tenancy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// Containers say what a container gets that does not ask, by resource: "cpu",
// "memory", "ephemeral-storage". What is not said is chosen, where the project's
// quota bounds it: Kubernetes refuses pods that do not say what they need there.
type Containers struct {
	Requests Amounts `json:"requests,omitempty"`
	Limits   Amounts `json:"limits,omitempty"`
}

// ParseContainers reads them as people write them. ErrInvalid.
func ParseContainers(requests, limits map[string]string) (Containers, error) {
	var c Containers
	var err error
	if c.Requests, err = parseAmounts(requests, containerResources, false); err != nil {
		return c, err
	}
	if c.Limits, err = parseAmounts(limits, containerResources, false); err != nil {
		return c, err
	}
	for name, request := range c.Requests {
		if limit, ok := c.Limits[name]; ok && request.Cmp(limit) > 0 {
			return c, fmt.Errorf("the containers' request of %s %s is %w: it is above their limit of %s", request.String(), name, ErrInvalid, limit.String())
		}
	}
	return c, nil
}

// Spending is a workspace's budget and where it went.
type Spending struct {
	Budget   Amounts
	Given    Amounts // to all projects together, of what the budget names or not
	Left     Amounts // of what the budget names; never below 0
	Projects []Share // that have something, in the order of cluster and name
}

// Share is what one project was given.
type Share struct {
	Cluster, Project string
	Quota            Amounts
}

// Spending tells what is left of a workspace's budget. ErrNotFound.
func (t *Service) Spending(ctx context.Context, workspace string) (Spending, error) {
	w, err := t.Workspace(ctx, workspace)
	if err != nil {
		return Spending{}, err
	}
	projects, err := t.Projects(ctx)
	if err != nil {
		return Spending{}, err
	}
	return spending(w, projects), nil
}

func spending(w Workspace, projects []Project) Spending {
	s := Spending{Budget: w.Budget, Given: Amounts{}, Left: Amounts{}}
	for _, p := range projects {
		if p.WorkspaceUID == w.UID && len(p.Quota) > 0 {
			s.Given.add(p.Quota)
			s.Projects = append(s.Projects, Share{Cluster: p.Cluster, Project: p.Name, Quota: p.Quota})
		}
	}
	for name, q := range w.Budget {
		left := q.DeepCopy()
		left.Sub(s.Given[name])
		if left.Sign() < 0 {
			left.Set(0)
		}
		s.Left[name] = left
	}
	return s
}

// afford tells whether a project can have a quota within its workspace's
// budget. The caller's transaction touches the workspace, so that two who give
// at once do not both succeed. ErrBudget says what is left.
func (t *Service) afford(ctx context.Context, w Workspace, projectUID string, quota Amounts) error {
	if len(w.Budget) == 0 || len(quota) == 0 {
		return nil
	}
	projects, err := t.Projects(ctx)
	if err != nil {
		return err
	}
	others := spending(w, slices.DeleteFunc(projects, func(p Project) bool { return p.UID == projectUID }))
	for _, name := range slices.Sorted(maps.Keys(quota)) {
		asked := quota[name]
		left, bounded := others.Left[name]
		if bounded && asked.Cmp(left) > 0 {
			budget := w.Budget[name]
			return fmt.Errorf("%s %s is %w of the workspace %q: of its %s, %s is left", asked.String(), name, ErrBudget, w.Name, budget.String(), left.String())
		}
	}
	return nil
}

// covers tells whether a budget covers what projects have been given already.
func (t *Service) covers(ctx context.Context, w Workspace) error {
	if len(w.Budget) == 0 {
		return nil
	}
	projects, err := t.Projects(ctx)
	if err != nil {
		return err
	}
	given := spending(w, projects).Given
	for _, name := range slices.Sorted(maps.Keys(w.Budget)) {
		budget, have := w.Budget[name], given[name]
		if have.Cmp(budget) > 0 {
			return fmt.Errorf("a budget of %s %s is %w: %s is given to projects of the workspace %q already", budget.String(), name, ErrBudget, have.String(), w.Name)
		}
	}
	return nil
}

// quotaOf is what binds a project: its own quota, and nothing of what the
// workspace's budget bounds and the project has no share of. A project without
// a bound there could use more than the budget.
func quotaOf(w Workspace, p Project) Amounts {
	all := Amounts{}
	for name := range w.Budget {
		all[name] = zero
	}
	maps.Copy(all, p.Quota)
	return all
}

// ProjectSettings are what may be changed of a project.
type ProjectSettings struct {
	Title      string
	Quota      Amounts
	Containers Containers
}

// UpdateProject changes a project's settings, all of them; Kubernetes follows by
// itself. ErrInvalid, ErrNotFound, ErrBudget.
func (t *Service) UpdateProject(ctx context.Context, cluster, name string, next ProjectSettings) (Project, error) {
	if err := checkTitle(next.Title); err != nil {
		return Project{}, err
	}
	var p Project
	err := again(ctx, func() error {
		item, err := t.projects.Get(ctx, projectName(cluster, name))
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("the project %q in cluster %q is %w", name, cluster, ErrNotFound)
		}
		if err != nil {
			return fmt.Errorf("reading project %q: %w", name, err)
		}
		p = item.Value
		w, err := t.workspaceOf(ctx, p.Project)
		if err != nil {
			return err
		}
		if err := t.afford(ctx, w.Value, p.UID, next.Quota); err != nil {
			return err
		}
		p.Title, p.Quota, p.Containers = next.Title, next.Quota, next.Containers
		put, err := t.projects.PutOp(item.Name, p)
		if err != nil {
			return err
		}
		touch, err := t.workspaces.PutOp(w.Name, w.Value)
		if err != nil {
			return err
		}
		return t.commit(ctx, []store.Guard{t.projects.At(item.Name, item.Modified), t.workspaces.At(w.Name, w.Modified)}, put, touch)
	})
	if err != nil {
		return Project{}, fmt.Errorf("changing project %q: %w", name, err)
	}
	return p, nil
}

// workspaceOf reads the workspace that a project belongs to.
func (t *Service) workspaceOf(ctx context.Context, p access.Project) (store.Item[Workspace], error) {
	known, ok := t.index.WorkspaceByUID(p.WorkspaceUID)
	if !ok {
		return store.Item[Workspace]{}, fmt.Errorf("the workspace of project %q is %w", p.Name, ErrNotFound)
	}
	w, err := t.workspaces.Get(ctx, known.Name)
	if err == nil && w.Value.UID != p.WorkspaceUID {
		err = store.ErrNotFound // another one that has taken the name
	}
	if errors.Is(err, store.ErrNotFound) {
		return w, fmt.Errorf("the workspace of project %q is %w", p.Name, ErrNotFound)
	}
	if err != nil {
		return w, fmt.Errorf("reading workspace %q: %w", known.Name, err)
	}
	return w, nil
}
