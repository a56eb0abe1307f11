// What a decision costs at 5,000 users and 4,000 projects, and what the index
// holds in memory then.

package access_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

const (
	manyUsers      = 5000
	manyWorkspaces = 400
	manyProjects   = 4000
	manyGroups     = 500
	manyRoles      = 50
)

// large fills a store as a large company would: each user has a role in one
// workspace and in eight projects and is in ten groups, a few at the platform;
// every group has a role in a workspace and two projects, every fourth of them a
// custom one; one user has a role in every project.
func large(b *testing.B) (x *access.Index, mebibytes float64) {
	b.Helper()
	s, err := store.OpenBolt(filepath.Join(b.TempDir(), "atoll.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	var ops []store.Op
	flush := func() {
		if len(ops) > 0 {
			if _, err := s.Commit(context.Background(), nil, ops...); err != nil {
				b.Fatal(err)
			}
			ops = nil
		}
	}
	add := func(op store.Op) {
		if ops = append(ops, op); len(ops) == store.MaxOps {
			flush()
		}
	}
	for i := range manyWorkspaces {
		add(workspace(fmt.Sprint("w", i)))
	}
	for i := range manyProjects {
		add(project("one", fmt.Sprint("p", i), fmt.Sprint("w", i%manyWorkspaces)))
		add(bind("everywhere", access.ProjectViewer, fmt.Sprint("pr-one-p", i)))
	}
	roles := access.RoleNames(access.KindProject)
	for i := range manyRoles {
		add(custom(fmt.Sprint("c", i), access.KindProject, "", access.WorkloadsManage, access.SecretsView))
	}
	for i := range manyGroups {
		name := fmt.Sprint("g", i)
		add(group(name, ""))
		add(bindTo("g-"+name, access.WorkspaceViewer, access.KindWorkspace, fmt.Sprint("ws-w", (i*7)%manyWorkspaces)))
		for j := range 2 {
			role := roles[j]
			if i%4 == 0 {
				role = fmt.Sprint("c", i%manyRoles)
			}
			add(bindTo("g-"+name, role, access.KindProject, fmt.Sprint("pr-one-p", (i*2+j*701)%manyProjects)))
		}
	}
	for i := range manyUsers {
		name := fmt.Sprint("u", i)
		var in []string
		for j := range 10 {
			in = append(in, fmt.Sprint("g-g", (i+j*43)%manyGroups))
		}
		add(member(name, in...))
		if i%100 == 0 {
			add(bind(name, access.PlatformOperator, ""))
		}
		add(bind(name, access.RoleNames(access.KindWorkspace)[i%3], fmt.Sprint("ws-w", i%manyWorkspaces)))
		for j := range 8 {
			add(bind(name, roles[j%3], fmt.Sprint("pr-one-p", (i*8+j*501)%manyProjects)))
		}
	}
	flush()
	before := heap()
	x, err = access.NewIndex(context.Background(), s)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(x.Close)
	return x, float64(heap()-before) / (1 << 20)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// questions are decisions of all kinds: allowed and not, near and far.
func questions() []struct {
	who   access.Subject
	what  access.Permission
	where access.Scope
} {
	var all []struct {
		who   access.Subject
		what  access.Permission
		where access.Scope
	}
	what := []access.Permission{access.WorkloadsView, access.PodsExec, access.MembersManage, access.ClustersView}
	for i := range 1024 {
		sc := access.Scope{Cluster: "one", Project: fmt.Sprint("p", (i*37)%manyProjects)}
		if i%8 == 0 {
			sc = access.Scope{Workspace: fmt.Sprint("w", i%manyWorkspaces)}
		}
		who := as(fmt.Sprint("u", (i*13)%manyUsers))
		if i%16 == 1 {
			who = as("everywhere")
		}
		all = append(all, struct {
			who   access.Subject
			what  access.Permission
			where access.Scope
		}{who, what[i%len(what)], sc})
	}
	return all
}

func BenchmarkCan(b *testing.B) {
	x, size := large(b)
	all := questions()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		q := &all[i%len(all)]
		x.Can(q.who, q.what, q.where)
	}
	b.ReportMetric(size, "MiB-index")
}

func BenchmarkGroups(b *testing.B) {
	x, _ := large(b)
	all := questions()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		q := &all[i%len(all)]
		x.Groups(q.who, q.where)
	}
}

func TestDecisionsAllocateNothing(t *testing.T) {
	w := newWorld(t)
	w.commit(workspace("w"), project("one", "shop", "w"), bind("jane", access.ProjectViewer, "pr-one-shop"))
	for _, p := range []access.Permission{access.WorkloadsView, access.WorkloadsManage} {
		if n := testing.AllocsPerRun(100, func() { w.index.Can(access.Subject{UID: "uid-jane"}, p, shop) }); n != 0 {
			t.Errorf("deciding on %s allocates %v times", p, n)
		}
	}
}
