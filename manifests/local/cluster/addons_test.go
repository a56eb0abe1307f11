// What is put into a cluster, and the commands on one that does not run.
package cluster

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/manifests/local/status"
)

// fresh is a cluster in a new folder, as if its programs had been built.
func fresh(t *testing.T, kind string) *Cluster {
	t.Helper()
	c, err := New(t.TempDir(), "", "", &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	c.kind = kind
	c.addr.Ports = map[string]int{}
	c.addr.Block = netip.MustParsePrefix("10.200.0.0/16")
	for _, p := range c.images() {
		if err := os.WriteFile(c.Dir.Bin(p.program), []byte(p.program), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.writeCertificates(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAddonsNeverAskARegistry(t *testing.T) {
	text, err := fresh(t, Real).addons()
	if err != nil {
		t.Fatal(err)
	}
	images := 0
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "image: "); ok {
			images++
			if !strings.HasPrefix(name, "atoll.local/") {
				t.Errorf("image %s", name)
			}
		}
	}
	if never := strings.Count(string(text), "imagePullPolicy: Never"); images != 4 || never != images {
		t.Errorf("%d images, %d of them never pulled", images, never)
	}
	if !strings.Contains(string(text), "clusterIP: 10.200.128.10") {
		t.Error("DNS has another address than the kubelet tells pods")
	}
}

func TestChangedProgramChangesItsImage(t *testing.T) {
	c := fresh(t, Real)
	before, err := c.addons()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.Dir.Bin("coredns"), []byte("another"), 0o755); err != nil {
		t.Fatal(err)
	}
	after, err := c.addons()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(before, after) {
		t.Error("a new CoreDNS would not be rolled out")
	}
}

func TestClusterThatNeverRanIsStopped(t *testing.T) {
	c, err := New(t.TempDir(), "", "", &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	ready, err := c.Status(t.Context())
	if err != nil || ready {
		t.Fatal(ready, err)
	}
	if err := c.Down(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if s, err := status.Read(c.StatusFile); err != nil || s.Phase != status.Stopped {
		t.Fatal(s, err)
	}
	if _, err := c.Kubectl("version"); err == nil {
		t.Error("kubectl without a cluster")
	}
}

func TestSourcesAreFoundFromTheClustersFolder(t *testing.T) {
	checkout := t.TempDir()
	module := filepath.Join(checkout, "manifests", "local")
	if err := os.MkdirAll(module, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(module, "go.mod"), []byte("module github.com/atoll-platform/atoll/manifests/local\n\ngo 1.26\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	found, err := FindSource(filepath.Join(checkout, "build", "cluster"))
	if err != nil || found != module {
		t.Errorf("%s %v", found, err)
	}
}

func TestPurgeLeavesOnlyTheStatus(t *testing.T) {
	c := fresh(t, Simulated)
	if err := c.Down(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(string(c.Dir))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != "status.json" {
		t.Errorf("left: %v", entries)
	}
}
