// The file as its writers and readers meet in it.
package status

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func read(t *testing.T, name string) Status {
	t.Helper()
	s, err := Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEachChangeIsInTheFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "status.json")
	var told []State
	f := New(name, func(p Part) { told = append(told, p.State) })
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(f.Plan(Part{Name: "etcd", Title: "etcd"}, Part{Name: "kubelet", Title: "Kubelet"}))
	if s := read(t, name); len(s.Parts) != 2 || s.Parts[0].State != PartPending {
		t.Fatalf("%+v", s)
	}
	check(f.Part("etcd", PartBuilding, "212 of 1,904 packages"))
	check(f.Phase(Building, "Building etcd."))
	if s := read(t, name); s.Phase != Building || s.Parts[0].Detail != "212 of 1,904 packages" || s.Parts[1].State != PartPending {
		t.Fatalf("%+v", s)
	}
	check(f.Part("etcd", PartReady, ""))
	check(f.Part("etcd", PartReady, "")) // nothing has changed, nobody is told
	check(f.Plan(Part{Name: "etcd"}, Part{Name: "node"}))
	if s := f.Status(); s.Parts[0].State != PartReady || len(s.Parts) != 3 {
		t.Fatalf("planning again forgot what is known: %+v", s)
	}
	if len(told) != 2 {
		t.Errorf("told %v", told)
	}
	if err := f.Part("unknown", PartReady, ""); err == nil {
		t.Error("an unknown part was taken")
	}
}

func TestReaderNeverSeesHalfAFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "status.json")
	f := New(name, nil)
	if err := f.Plan(Part{Name: "p", Title: strings.Repeat("long ", 2000)}); err != nil {
		t.Fatal(err)
	}
	var writer sync.WaitGroup
	done := make(chan struct{})
	writer.Go(func() {
		defer close(done)
		for i := range 300 {
			_ = f.Part("p", PartBuilding, strings.Repeat("x", i*10))
		}
	})
	for {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(text) {
			t.Fatalf("half a file of %d bytes", len(text))
		}
		select {
		case <-done:
			writer.Wait()
			return
		default:
		}
	}
}

func TestNoFileIsAStoppedCluster(t *testing.T) {
	if s := read(t, filepath.Join(t.TempDir(), "none")); s.Phase != Stopped {
		t.Fatalf("%+v", s)
	}
}
