// Command bench measures what a decision costs, and what the index holds in
// memory, at 10, 1,000 and 5,000 users.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
	"github.com/atoll-platform/atoll/manifests/bench/figure"
)

func main() {
	testing.Init()
	out := flag.String("out", "", "file to write figures to; standard output when empty")
	flag.Parse()
	figures, err := measure()
	if err == nil {
		err = figure.Write(*out, figures)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure() (figures []figure.Figure, err error) {
	for _, c := range []struct {
		suffix string
		company
	}{
		{"10", company{users: 10, workspaces: 2, projects: 8, groups: 2, roles: 1}},
		{"1k", company{users: 1000, workspaces: 80, projects: 800, groups: 100, roles: 10}},
		{"5k", company{users: 5000, workspaces: 400, projects: 4000, groups: 500, roles: 50}},
	} {
		found, err := c.measure(c.suffix)
		if err != nil {
			return nil, fmt.Errorf("%d users: %w", c.users, err)
		}
		figures = append(figures, found...)
	}
	return figures, nil
}

// company is how much there is of everything. Each user has a role in one
// workspace and in eight projects and is in ten groups, a hundredth of them also
// at the platform; every group has a role in a workspace and two projects, every
// fourth of them a custom one; one user has a role in every project.
type company struct{ users, workspaces, projects, groups, roles int }

// fill writes the company into a store.
func (c company) fill(s store.Store) error {
	var ops []store.Op
	flush := func() error {
		if len(ops) == 0 {
			return nil
		}
		_, err := s.Commit(context.Background(), nil, ops...)
		ops = nil
		return err
	}
	var failed error
	put := func(key string, v any) {
		if failed != nil {
			return
		}
		text, err := json.Marshal(v)
		if ops = append(ops, store.Put(key, text)); err == nil && len(ops) == store.MaxOps {
			err = flush()
		}
		failed = err
	}
	bind := func(b access.Binding) {
		put(fmt.Sprintf("%s%s/%s/%s/%s%s", access.BindingPrefix, b.Scope.Kind, b.Scope.UID, b.Role, b.SubjectUID, b.GroupUID), b)
	}
	workspace := func(i int) access.BindingScope {
		return access.BindingScope{Kind: access.KindWorkspace, UID: fmt.Sprint("workspace-", i%c.workspaces)}
	}
	project := func(i int) access.BindingScope {
		return access.BindingScope{Kind: access.KindProject, UID: fmt.Sprint("project-", i%c.projects)}
	}
	for i := range c.workspaces {
		put(fmt.Sprint(access.WorkspacePrefix, "w", i), access.Workspace{UID: workspace(i).UID})
	}
	for i := range c.projects {
		put(fmt.Sprint(access.ProjectPrefix, "one/p", i), access.Project{UID: project(i).UID, WorkspaceUID: workspace(i).UID})
		bind(access.Binding{SubjectUID: "everywhere", Role: access.ProjectViewer, Scope: project(i)})
	}
	for i := range c.roles {
		uid := fmt.Sprint("role-", i)
		put(access.RolePrefix+uid, access.CustomRole{UID: uid, Name: uid, Kind: access.KindProject, Scope: access.BindingScope{Kind: access.KindPlatform},
			Permissions: []access.Permission{access.WorkloadsManage, access.SecretsView}})
	}
	roles := access.RoleNames(access.KindProject)
	for i := range c.groups {
		uid := fmt.Sprint("group-", i)
		put(access.GroupPrefix+uid, access.Group{UID: uid, Name: uid})
		bind(access.Binding{GroupUID: uid, Role: access.WorkspaceViewer, Scope: workspace(i * 7)})
		for j := range 2 {
			role := roles[j]
			if i%4 == 0 {
				role = fmt.Sprint("role-", i%c.roles)
			}
			bind(access.Binding{GroupUID: uid, Role: role, Scope: project(i*2 + j*701)})
		}
	}
	for i := range c.users {
		a := access.Account{UID: fmt.Sprint("user-", i), Name: fmt.Sprint("u", i)}
		for j := range 10 {
			a.Groups = append(a.Groups, fmt.Sprint("group-", (i+j*43)%c.groups))
		}
		put(access.UserPrefix+a.Name, a)
		if i%100 == 0 {
			bind(access.Binding{SubjectUID: a.UID, Role: access.PlatformOperator, Scope: access.BindingScope{Kind: access.KindPlatform}})
		}
		bind(access.Binding{SubjectUID: a.UID, Role: access.RoleNames(access.KindWorkspace)[i%3], Scope: workspace(i)})
		for j := range 8 {
			bind(access.Binding{SubjectUID: a.UID, Role: roles[j%3], Scope: project(i*8 + j*501)})
		}
	}
	if failed != nil {
		return failed
	}
	return flush()
}

// question is one decision to be made.
type question struct {
	who   access.Subject
	what  access.Permission
	where access.Scope
}

// questions are decisions of all kinds: allowed and not, near and far.
func (c company) questions() []question {
	what := []access.Permission{access.WorkloadsView, access.PodsExec, access.MembersManage, access.ClustersView}
	var all []question
	for i := range 1024 {
		q := question{who: access.Subject{UID: fmt.Sprint("user-", (i*13)%c.users)}, what: what[i%len(what)], where: access.Scope{Cluster: "one", Project: fmt.Sprint("p", (i*37)%c.projects)}}
		if i%8 == 0 {
			q.where = access.Scope{Workspace: fmt.Sprint("w", i%c.workspaces)}
		}
		if i%16 == 1 {
			q.who.UID = "everywhere"
		}
		all = append(all, q)
	}
	return all
}

func (c company) measure(suffix string) ([]figure.Figure, error) {
	dir, err := os.MkdirTemp("", "atoll-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := store.OpenBolt(filepath.Join(dir, "atoll.db"), store.Options{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := c.fill(s); err != nil {
		return nil, err
	}
	before := heap()
	x, err := access.NewIndex(context.Background(), s)
	if err != nil {
		return nil, err
	}
	defer x.Close()
	memory := float64(heap()-before) / (1 << 20)
	all := c.questions()
	allowed := 0
	for _, q := range all {
		if x.Can(q.who, q.what, q.where).Allowed {
			allowed++
		}
	}
	if allowed == 0 || allowed == len(all) {
		return nil, fmt.Errorf("%d of %d questions are allowed: this measures nothing", allowed, len(all))
	}
	r := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			q := &all[i%len(all)]
			x.Can(q.who, q.what, q.where)
		}
	})
	note := fmt.Sprintf("%d users, %d workspaces, %d projects, %d groups, %d custom roles; %d of %d questions allowed", c.users, c.workspaces, c.projects, c.groups, c.roles, allowed, len(all))
	memoryName := "access.index.memory"
	if suffix != "5k" {
		memoryName += "." + suffix
	}
	return []figure.Figure{
		{Name: "authorize." + suffix, Value: float64(r.T.Nanoseconds()) / float64(r.N), Unit: "ns", Note: note},
		{Name: "authorize." + suffix + ".allocs", Value: float64(r.AllocsPerOp()), Unit: "count", Note: note},
		{Name: memoryName, Value: memory, Unit: "MiB", Note: note},
	}, nil
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
