// Which programs are built, from what.
package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/atoll-platform/atoll/manifests/local/compile"
	"github.com/atoll-platform/atoll/manifests/local/status"
)

// kubernetesVersion is stamped into the programs, which kubectl wants to read;
// it is the version in parts/go.mod.
const kubernetesVersion = "v1.36.3"

const versionFlags = "-X k8s.io/component-base/version.gitVersion=" + kubernetesVersion +
	" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36" +
	" -X k8s.io/component-base/version.gitTreeState=clean"

// buildPart is a target with its place in the status.
type buildPart struct {
	name, title string
	target      compile.Target
}

// buildParts lists what a kind of cluster needs.
func (c *Cluster) buildParts(kind string) []buildPart {
	parts := filepath.Join(c.Source, "parts")
	// The same tags everywhere: a package is compiled once for all programs.
	const tags = "no_btrfs,no_devmapper,no_zfs"
	kubernetes := buildPart{"build-kubernetes", "Kubernetes' programs", compile.Target{
		Name: "kubernetes", Module: parts, Packages: []string{"./kube"}, Programs: []string{"kube"}, LDFlags: versionFlags, Tags: tags}}
	if kind == Simulated {
		return []buildPart{kubernetes, {"build-simulation", "Simulated nodes", compile.Target{
			Name: "simulation", Module: parts, Packages: []string{"./kwok"}, Programs: []string{"kwok"}, Tags: tags}}}
	}
	small := buildPart{"build-images", "Small programs for images", compile.Target{
		Name: "images", Module: c.Source, Packages: []string{"./cmd/pause", "./cmd/volume"}, Programs: []string{"pause", "volume"}, Linux: true}}
	runtime := buildPart{"build-node", "containerd", compile.Target{
		Name: "node", Module: parts, Tags: tags,
		Packages: []string{
			"github.com/containerd/containerd/v2/cmd/containerd",
			"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
			"github.com/containerd/containerd/v2/cmd/ctr",
		},
		Programs: []string{"containerd", "containerd-shim-runc-v2", "ctr"}}}
	addons := buildPart{"build-addons", "DNS, metrics, storage", compile.Target{
		Name: "addons", Module: parts, Tags: tags,
		Packages: []string{"./coredns", "sigs.k8s.io/metrics-server/cmd/metrics-server", "github.com/rancher/local-path-provisioner"},
		Programs: []string{"coredns", "metrics-server", "local-path-provisioner"}}}
	all := []buildPart{small, runtime, kubernetes, addons}
	if c.Demo {
		all = append(all, buildPart{"build-demo", "The demo's programs", compile.Target{
			Name: "demo", Module: filepath.Join(c.Source, "..", "demo"), Packages: []string{"."}, Programs: []string{"demo"}, Linux: true}})
	}
	return all
}

// build builds what is missing or does not fit its sources.
func (c *Cluster) build(ctx context.Context, parts []buildPart) error {
	for _, p := range parts {
		if p.target.Fresh(c.Dir.Bin()) {
			if err := c.file.Part(p.name, status.PartReady, "built"); err != nil {
				return err
			}
			continue
		}
		if err := c.file.Phase(status.Building, "Building "+p.title+"."); err != nil {
			return err
		}
		if err := c.buildOne(ctx, p); err != nil {
			_ = c.file.Part(p.name, status.PartFailed, "did not build")
			return err
		}
	}
	return nil
}

func (c *Cluster) buildOne(ctx context.Context, p buildPart) error {
	began := time.Now()
	var last time.Time
	detail := "starting"
	tell := func() { _ = c.file.Part(p.name, status.PartBuilding, detail) }
	tell()
	lines := make(chan string)
	finished := make(chan error, 1)
	go func() {
		finished <- p.target.Build(ctx, c.Dir.Bin(), func(doing string, done, total int) {
			text := doing
			switch {
			case total > 0 && doing != "linking":
				text = fmt.Sprintf("%s: %s of %s packages", doing, thousands(done), thousands(total))
			case done > 0 && total == 0:
				text = fmt.Sprintf("%s: %s", doing, thousands(done))
			}
			lines <- text
		})
	}()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case detail = <-lines:
			if time.Since(last) > 500*time.Millisecond {
				last = time.Now()
				tell()
			}
		case <-tick.C:
			_ = c.file.Part(p.name, status.PartBuilding, fmt.Sprintf("%s, %.0f s", detail, time.Since(began).Seconds()))
		case err := <-finished:
			if err != nil {
				return err
			}
			return c.file.Part(p.name, status.PartReady, fmt.Sprintf("built in %.0f s", time.Since(began).Seconds()))
		}
	}
}

// keeperProgram copies this program into the cluster's folder: the keeper runs
// on when the checkout's own is built anew.
func (c *Cluster) keeperProgram() (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	text, err := os.ReadFile(exe)
	if err != nil {
		return "", fmt.Errorf("reading this program: %w", err)
	}
	to := c.Dir.Bin("local-keeper")
	if err := os.WriteFile(to+".new", text, 0o755); err != nil {
		return "", fmt.Errorf("copying this program: %w", err)
	}
	if err := os.Rename(to+".new", to); err != nil {
		return "", fmt.Errorf("copying this program: %w", err)
	}
	return to, nil
}
