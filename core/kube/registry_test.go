// Clusters that come, go and come back.

package kube

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var quick = Options{Poll: 5 * time.Millisecond, Probe: 10 * time.Millisecond}

func TestAClusterComesUpByItself(t *testing.T) {
	dir := t.TempDir()
	kubeconfig, file := filepath.Join(dir, "kubeconfig"), filepath.Join(dir, "status.json")
	r := NewRegistry(t.Context(), []Config{{Name: "local", Title: "Here", Kubeconfig: kubeconfig, StatusFile: file}}, quick)
	defer r.Close()
	news := r.Watch(t.Context())
	reach := func(phase Phase) ClusterStatus {
		t.Helper()
		for deadline := time.After(20 * time.Second); ; {
			if s := r.List()[0]; s.Phase == phase {
				return s
			}
			select {
			case <-news:
			case <-deadline:
				t.Fatalf("the cluster is %+v, want %s", r.List()[0], phase)
			}
		}
	}
	tell := func(text string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	if s := r.List()[0]; s.Phase != PhasePending || s.Title != "Here" || s.Parts == nil {
		t.Errorf("%+v", s)
	}
	c, _ := r.Get("local")
	if _, err := c.REST(); !errors.Is(err, ErrNotConnected) {
		t.Errorf("REST() = %v, want ErrNotConnected", err)
	}
	tell(`{"phase":"Building","message":"etcd","parts":[{"name":"etcd","title":"etcd","state":"building"}]}`)
	if s := reach(PhaseBuilding); s.Message != "etcd" || len(s.Parts) != 1 {
		t.Errorf("%+v", s)
	}
	tell(`{"phase":"Starting","node":"simulated","reason":"no root"}`)
	reach(PhaseStarting)
	tell(`{"phase":"Failed","message":"kubelet ended"}`)
	if s := reach(PhaseFailed); s.Message != "kubelet ended" {
		t.Errorf("%+v", s)
	}
	up := newUpstream(t)
	writeKubeconfig(t, kubeconfig, up.Server)
	tell(`{"phase":"Ready","node":"simulated","reason":"no root"}`)
	if s := reach(PhaseReady); s.Version != "v1.36.3" || s.Node != NodeSimulated || s.Reason != "no root" {
		t.Errorf("%+v", s)
	}
	generation := c.Generation()
	up.Close()
	if s := reach(PhaseUnreachable); s.Message == "" {
		t.Errorf("%+v", s)
	}
	// Another cluster behind the same name.
	writeKubeconfig(t, kubeconfig, newUpstream(t).Server)
	reach(PhaseReady)
	if c.Generation() == generation {
		t.Error("the generation is the same")
	}
	if config, err := c.REST(); err != nil || config.Host == up.URL {
		t.Errorf("%v %v", config, err)
	}
	tell(`{"phase":"Stopped"}`)
	if err := os.Remove(kubeconfig); err != nil {
		t.Fatal(err)
	}
	if s := reach(PhasePending); s.Message != "the cluster is stopped" {
		t.Errorf("%+v", s)
	}
}

func TestAKubeconfigThatIsNoneIsSaidSo(t *testing.T) {
	name := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(name, []byte("clusters: 7"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := NewRegistry(t.Context(), []Config{{Name: "a", Kubeconfig: name}}, quick)
	defer r.Close()
	await(t, "the fault is told", func() bool { s := r.List()[0]; return s.Phase == PhaseUnreachable && s.Message != "" })
}

func TestAKubeconfigThatImpersonatesIsRefused(t *testing.T) {
	name := filepath.Join(t.TempDir(), "kubeconfig")
	text := `{apiVersion: v1, kind: Config, clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}], users: [{name: u, user: {as: "system:admin"}}], contexts: [{name: c, context: {cluster: c, user: u}}], current-context: c}`
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := connect(name); err == nil {
		t.Error("connected")
	}
}
