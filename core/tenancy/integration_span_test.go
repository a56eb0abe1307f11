//go:build integration

// What spans projects, on a real API server: a person with three of forty
// projects and no right in the cluster uses kubectl, client-go's informers and
// Helm as they are.

package tenancy

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/pager"

	"github.com/atoll-platform/atoll/core/access"
)

const (
	manyProjects = 40
	ownProjects  = 3
)

// forty makes projects with one marked ConfigMap each. The first three are
// vera's, as a developer.
func (s *site) forty(t *testing.T) []Project {
	t.Helper()
	if _, err := s.service.CreateWorkspace(t.Context(), access.Subject{}, s.run, "", Settings{}); err != nil {
		t.Fatal(err)
	}
	all := make([]Project, manyProjects)
	for i := range all {
		p, err := s.service.CreateProject(t.Context(), person("jane"), NewProject{Name: fmt.Sprintf("%s-%02d", s.run, i), Cluster: "real", Workspace: s.run})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = s.admin.Resource(namespaceResource).Delete(context.Background(), p.Name, metav1.DeleteOptions{})
		})
		if i < ownProjects {
			s.member(t, p, access.ProjectDeveloper)
		}
		all[i] = p
	}
	for i := range all {
		await(t, all[i].Name+" is ready", func() bool {
			p, err := s.service.Project(t.Context(), "real", all[i].Name)
			all[i] = p
			return err == nil && p.Phase == PhaseReady
		})
		s.mark(t, all[i], "mark")
	}
	return all
}

// member gives vera a role in a project, or takes it ("").
func (s *site) member(t *testing.T, p Project, role string) {
	t.Helper()
	scope := access.BindingScope{Kind: access.KindProject, UID: p.UID}
	if role == "" {
		if err := s.service.RemoveMember(t.Context(), scope, person("vera").UID); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := s.service.SetMember(t.Context(), scope, person("vera").UID, role); err != nil {
		t.Fatal(err)
	}
}

// mark makes a ConfigMap that tests look for, not through Atoll.
func (s *site) mark(t *testing.T, p Project, name string) {
	t.Helper()
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": name, "labels": map[string]any{"atoll-test": s.run}}}}
	if _, err := s.admin.Resource(configResource).Namespace(p.Name).Create(t.Context(), o, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// lines is what a program in the background has printed.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) has(parts ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.all, func(line string) bool {
		return !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) })
	})
}

// watching runs kubectl as vera until the test ends.
func (s *site) watching(t *testing.T, args ...string) *lines {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*clientcmdConfig(s, "vera"), file); err != nil {
		t.Fatal(err)
	}
	command := slices.Concat(kubectlCommand(t), []string{"--kubeconfig", file}, args)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l, over := &lines{}, make(chan struct{})
	go func() {
		defer close(over)
		for text := bufio.NewScanner(out); text.Scan(); {
			l.mu.Lock()
			l.all = append(l.all, text.Text())
			l.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-over
		_ = cmd.Wait()
	})
	return l
}

func TestIntegrationThreeOfFortyProjectsAreSeenAsIfThereWereNoMore(t *testing.T) {
	s := newSite(t)
	all := s.forty(t)
	label := "atoll-test=" + s.run
	var want []string
	for _, p := range all[:ownProjects] {
		want = append(want, p.Name)
	}
	await(t, "the bindings are obeyed", func() bool {
		for _, p := range all[:ownProjects] {
			if _, err := s.as(t, "vera").Resource(configResource).Namespace(p.Name).List(t.Context(), metav1.ListOptions{Limit: 1}); err != nil {
				return false
			}
		}
		return true
	})

	t.Run("pages", func(t *testing.T) {
		for _, limit := range []int64{1, 2, 500} {
			var got []string
			list := pager.New(func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
				o.LabelSelector = label
				return s.as(t, "vera").Resource(configResource).List(ctx, o)
			})
			list.PageSize = limit
			if err := list.EachListItem(t.Context(), metav1.ListOptions{}, func(o runtime.Object) error {
				got = append(got, o.(*unstructured.Unstructured).GetNamespace())
				return nil
			}); err != nil || !slices.Equal(got, want) {
				t.Errorf("limit %d: %q, %v", limit, got, err)
			}
		}
	})

	t.Run("kubectl", func(t *testing.T) {
		for _, args := range [][]string{{"get", "configmaps", "-A", "-l", label, "--chunk-size=1"}, {"get", "configmaps", "-A", "-l", label, "-o", "name"}, {"get", "namespaces"}} {
			out, err := s.kubectl(t, "vera", "", args...)
			if got := strings.Count(out, "mark") + strings.Count(out, s.run); err != nil || args[1] != "namespaces" && strings.Count(out, "mark") != ownProjects || got < ownProjects || strings.Contains(out, all[ownProjects].Name) {
				t.Errorf("%q: %v\n%s", args, err, out)
			}
		}
		seen := s.watching(t, "get", "configmaps", "-A", "-w", "-l", label)
		await(t, "kubectl has listed", func() bool { return seen.has(all[0].Name, "mark") && seen.has(all[2].Name, "mark") })
		s.mark(t, all[ownProjects], "foreign")
		s.mark(t, all[1], "by-watch")
		await(t, "kubectl tells of an event", func() bool { return seen.has(all[1].Name, "by-watch") })
		if seen.has("foreign") || seen.has(all[ownProjects].Name) {
			t.Error("kubectl sees another project")
		}
		s.member(t, all[2], "")
		await(t, "kubectl is told to list again", func() bool { return seen.has("list again") })
		s.member(t, all[2], access.ProjectDeveloper)
	})

	for name, streamed := range map[string]bool{"informer that lists": false, "informer that streams its list": true} {
		t.Run(name, func(t *testing.T) { s.informs(t, all, label, want, streamed) })
	}

	t.Run("helm", func(t *testing.T) {
		helm := os.Getenv("ATOLL_TEST_HELM")
		if helm == "" {
			t.Skip("ATOLL_TEST_HELM names no Helm")
		}
		chart := t.TempDir()
		for name, text := range map[string]string{
			"Chart.yaml":          "apiVersion: v2\nname: one\nversion: 0.1.0\n",
			"templates/cm.yaml":   "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata: {of: {{ .Release.Namespace }}, more: {{ .Values.more | default \"no\" | quote }}}\n",
			"templates/NOTES.txt": "installed\n",
		} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(chart, name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(chart, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		home := t.TempDir()
		run := func(who string, args ...string) (string, error) {
			file := filepath.Join(home, who)
			if err := clientcmd.WriteToFile(*clientcmdConfig(s, who), file); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), helm, append([]string{"--kubeconfig", file}, args...)...)
			cmd.Env = append(os.Environ(), "HOME="+home)
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			err := cmd.Run()
			return out.String(), err
		}
		for who, p := range map[string]Project{"vera": all[1], "jane": all[ownProjects]} {
			if out, err := run(who, "install", "of-"+who, chart, "-n", p.Name, "--wait"); err != nil {
				t.Fatalf("%s: %v\n%s", who, err, out)
			}
		}
		out, err := run("vera", "list", "-A")
		if err != nil || !strings.Contains(out, "of-vera") || strings.Contains(out, "of-jane") {
			t.Errorf("%v\n%s", err, out)
		}
		if out, err := run("vera", "upgrade", "of-vera", chart, "-n", all[1].Name, "--set", "more=yes", "--wait"); err != nil || !strings.Contains(out, "REVISION: 2") {
			t.Errorf("%v\n%s", err, out)
		}
		if o, err := s.admin.Resource(configResource).Namespace(all[1].Name).Get(t.Context(), "of-vera", metav1.GetOptions{}); err != nil {
			t.Error(err)
		} else if more, _, _ := unstructured.NestedString(o.Object, "data", "more"); more != "yes" {
			t.Errorf("after the upgrade: %v", o.Object["data"])
		}
		if out, err := run("vera", "upgrade", "of-jane", chart, "-n", all[ownProjects].Name); err == nil || !strings.Contains(out, "forbidden") {
			t.Errorf("of another project: %v\n%s", err, out)
		}
		if out, err := run("vera", "install", "more", chart, "-n", all[ownProjects].Name); err == nil || !strings.Contains(out, "forbidden") {
			t.Errorf("into another project: %v\n%s", err, out)
		}
		if out, err := run("vera", "uninstall", "of-vera", "-n", all[1].Name); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		if _, err := s.admin.Resource(configResource).Namespace(all[1].Name).Get(t.Context(), "of-vera", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("after the uninstall: %v", err)
		}
	})
}

// listing says to an informer whether it may stream its list.
type listing struct {
	*cache.ListWatch
	only bool
}

// IsWatchListSemanticsUnSupported is what client-go asks for by this name.
func (l listing) IsWatchListSemanticsUnSupported() bool { return l.only }

// informs keeps one of client-go's informers as vera, while her projects change.
func (s *site) informs(t *testing.T, all []Project, label string, want []string, streamed bool) {
	client := s.as(t, "vera")
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = label
			return client.Resource(configResource).List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = label
			return client.Resource(configResource).Watch(ctx, o)
		},
	}
	informer := cache.NewSharedIndexInformer(listing{source, !streamed}, &unstructured.Unstructured{}, 0, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { informer.RunWithContext(ctx) })
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		t.Fatal("the informer does not come in step")
	}
	has := func(p Project, name string) bool {
		o, ok, err := informer.GetStore().GetByKey(p.Name + "/" + name)
		return err == nil && ok && o.(*unstructured.Unstructured).GetNamespace() == p.Name
	}
	namespaces := func() []string {
		found := map[string]bool{}
		for _, o := range informer.GetStore().List() {
			found[o.(*unstructured.Unstructured).GetNamespace()] = true
		}
		var names []string
		for n := range found {
			names = append(names, n)
		}
		slices.Sort(names)
		return names
	}
	if !slices.Equal(namespaces(), want) {
		t.Fatalf("%q, want %q", namespaces(), want)
	}
	of := fmt.Sprintf("informer-%t", streamed)
	s.mark(t, all[ownProjects+1], of)
	s.mark(t, all[0], of)
	await(t, "the informer hears of an object", func() bool { return has(all[0], of) })
	// A project more, with what was in it before.
	s.member(t, all[ownProjects+2], access.ProjectViewer)
	await(t, "the informer has the project that was gained", func() bool { return has(all[ownProjects+2], "mark") })
	s.mark(t, all[ownProjects+2], of)
	await(t, "and hears of it", func() bool { return has(all[ownProjects+2], of) })
	// And one less.
	s.member(t, all[ownProjects+2], "")
	await(t, "the informer lacks the project that was lost", func() bool { return slices.Equal(namespaces(), want) })
	if err := s.admin.Resource(configResource).Namespace(all[0].Name).Delete(t.Context(), of, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, "the informer hears of a deletion", func() bool { return !has(all[0], of) })
	if !slices.Equal(namespaces(), want) {
		t.Errorf("%q, want %q", namespaces(), want)
	}
}
