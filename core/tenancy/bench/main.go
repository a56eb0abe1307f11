// Command bench measures how soon the cluster is as Atoll wants it: many projects
// made anew, with the reconciler ended on the way; a change of their workspace; and
// what somebody changes behind Atoll's back.
//
// It needs a cluster (build/run/atoll.json names its kubeconfig). It has a store
// of its own, and what it makes in the cluster goes again, in the background.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/kube"
	"github.com/atoll-platform/atoll/core/store"
	"github.com/atoll-platform/atoll/core/tenancy"
	"github.com/atoll-platform/atoll/manifests/bench/figure"
)

const (
	cluster  = "bench"
	patience = 5 * time.Minute
)

func main() {
	facts := flag.String("facts", "build/run/atoll.json", "where a running cluster is named")
	out := flag.String("out", "", "file to write figures to; standard output when empty")
	count := flag.Int("projects", 500, "how many projects to make")
	flag.Parse()
	figures, err := measure(context.Background(), *facts, *count)
	if err == nil {
		err = figure.Write(*out, figures)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is a store and a cluster on which replicas of the service work.
type bench struct {
	store      store.Store
	index      *access.Index
	kubeconfig string
	admin      dynamic.Interface
	run        string // begins all names
	count      int
}

func measure(ctx context.Context, facts string, count int) (figures []figure.Figure, err error) {
	b := &bench{run: "bench-" + access.NewUID()[:6], count: count}
	text, err := os.ReadFile(facts)
	if err != nil {
		return nil, fmt.Errorf("no running cluster: %w", err)
	}
	var f struct{ Kubeconfig string }
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("reading %s: %w", facts, err)
	}
	if f.Kubeconfig == "" {
		return nil, fmt.Errorf("the running Atoll has no cluster yet: %s names none", facts)
	}
	b.kubeconfig = f.Kubeconfig
	config, err := clientcmd.BuildConfigFromFlags("", b.kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS = -1 // what is measured is not this client
	if b.admin, err = dynamic.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("preparing to ask the cluster: %w", err)
	}
	dir, err := os.MkdirTemp("", "atoll-bench-")
	if err != nil {
		return nil, fmt.Errorf("making room for a store: %w", err)
	}
	defer os.RemoveAll(dir)
	if b.store, err = store.OpenBolt(filepath.Join(dir, "store.db"), store.Options{}); err != nil {
		return nil, err
	}
	defer b.store.Close()
	if b.index, err = access.NewIndex(ctx, b.store); err != nil {
		return nil, err
	}
	defer b.index.Close()
	if err := b.fill(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.remove()) }()
	made, err := b.reconcile(ctx)
	if err != nil {
		return nil, err
	}
	service, end := b.replica(ctx)
	defer end()
	changed, err := b.change(ctx, service)
	if err != nil {
		return nil, err
	}
	slowest, note, err := b.drift(ctx)
	if err != nil {
		return nil, err
	}
	all := fmt.Sprintf("%d projects, each with a namespace, bindings, a quota, defaults of containers and isolation", count)
	return []figure.Figure{
		{Name: "tenancy.reconcile", Value: made.Seconds(), Unit: "s", Note: all + "; the reconciler is ended at a fifth, and another goes on"},
		{Name: "tenancy.change", Value: changed.Seconds(), Unit: "s", Note: "the workspace's level of Pod Security changes until it has reached all " + fmt.Sprint(count)},
		{Name: "tenancy.drift", Value: slowest.Seconds(), Unit: "s", Note: "the slowest of " + note},
	}, nil
}

// replica is one process' service on the store; end ends it.
func (b *bench) replica(ctx context.Context) (service *tenancy.Service, end func()) {
	registry := kube.NewRegistry(ctx, []kube.Config{{Name: cluster, Kubeconfig: b.kubeconfig}}, kube.Options{})
	service = tenancy.New(ctx, b.store, b.index, registry, tenancy.Options{})
	return service, func() { service.Close(); registry.Close() }
}

func (b *bench) project(i int) string { return fmt.Sprintf("%s-%d", b.run, i) }

func amounts(all map[string]string) tenancy.Amounts {
	a, err := tenancy.ParseAmounts(all)
	if err != nil {
		panic(err) // written below
	}
	return a
}

func (b *bench) settings(level string) tenancy.Settings {
	return tenancy.Settings{Isolated: true, PodSecurity: level, Budget: amounts(map[string]string{"pods": fmt.Sprint(10 * b.count)})}
}

// fill records the projects while no cluster is there to have them.
func (b *bench) fill(ctx context.Context) error {
	registry := kube.NewRegistry(ctx, []kube.Config{{Name: cluster, Kubeconfig: filepath.Join(os.TempDir(), b.run)}}, kube.Options{})
	service := tenancy.New(ctx, b.store, b.index, registry, tenancy.Options{})
	defer func() { service.Close(); registry.Close() }()
	if _, err := service.CreateWorkspace(ctx, access.Subject{}, b.run, "", b.settings(tenancy.PodSecurityBaseline)); err != nil {
		return err
	}
	small, err := tenancy.ParseContainers(map[string]string{"cpu": "10m"}, nil)
	if err != nil {
		return err
	}
	for i := range b.count {
		_, err := service.CreateProject(ctx, access.Subject{}, tenancy.NewProject{Name: b.project(i), Cluster: cluster, Workspace: b.run,
			ProjectSettings: tenancy.ProjectSettings{Quota: amounts(map[string]string{"pods": "10"}), Containers: small}})
		if err != nil {
			return err
		}
	}
	return nil
}

// reconcile waits until all projects are ready, by two replicas one after the
// other.
func (b *bench) reconcile(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	for _, enough := range []int{b.count / 5, b.count} {
		service, end := b.replica(ctx)
		err := wait("projects are ready", func() (bool, error) {
			all, err := service.Projects(ctx)
			ready := 0
			for _, p := range all {
				if p.Phase == tenancy.PhaseReady {
					ready++
				}
			}
			return ready >= enough, err
		})
		end()
		if err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

// change changes the workspace, and waits until every namespace shows it.
func (b *bench) change(ctx context.Context, service *tenancy.Service) (time.Duration, error) {
	w, err := service.Workspace(ctx, b.run)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if _, err := service.UpdateWorkspace(ctx, b.run, "", b.settings(tenancy.PodSecurityRestricted)); err != nil {
		return 0, err
	}
	err = wait("the change has reached all", func() (bool, error) {
		list, err := b.admin.Resource(namespaces).List(ctx, metav1.ListOptions{LabelSelector: kube.LabelWorkspace + "=" + w.UID + ",pod-security.kubernetes.io/enforce=" + tenancy.PodSecurityRestricted})
		return err == nil && len(list.Items) == b.count, err
	})
	return time.Since(began), err
}

// wait waits until something is so.
func wait(what string, so func() (bool, error)) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		ok, err := so()
		if ok || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited %v until %s", patience, what)
		}
	}
}
