// What runs in the cluster itself: DNS, metrics and storage, or the simulated
// nodes. It is applied when it differs from what was applied last.
package cluster

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"text/template"
	"time"
)

//go:embed addons/*.yaml
var addonFiles embed.FS

// auditPolicy logs who asked for what, but neither what anybody sent nor the
// system's talk with itself.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: ["system:apiserver", "system:kube-scheduler", "system:kube-controller-manager", "system:kube-proxy", "kwok"]
- level: None
  userGroups: ["system:nodes", "system:serviceaccounts:kube-system", "system:serviceaccounts:local-path-storage"]
- level: None
  nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/version", "/openapi*"]
- level: None
  resources: [{group: "coordination.k8s.io", resources: ["leases"]}, {group: "", resources: ["events"]}, {group: "events.k8s.io"}]
  verbs: ["create", "update", "patch"]
- level: Metadata
`

// addons renders what belongs to the kind of cluster.
func (c *Cluster) addons() ([]byte, error) {
	names := []string{"dns.yaml", "metrics.yaml", "storage.yaml"}
	values := map[string]any{}
	if c.kind == Simulated {
		names = []string{"simulated.yaml"}
		values["Nodes"] = []string{"simulated-1", "simulated-2"}
	} else {
		images := map[string]string{}
		for _, p := range c.images() {
			tag, _, err := c.tag(p)
			if err != nil {
				return nil, err
			}
			images[p.program] = tag
		}
		values["Images"] = images
		values["DNS"] = c.addr.Service(10).String()
		values["Forward"] = c.node().Forwards()
		values["Volumes"] = c.Dir.Volumes()
		for name, file := range map[string]string{"CA": "ca.crt", "MetricsCert": "metrics-server.crt", "MetricsKey": "metrics-server.key"} {
			text, err := os.ReadFile(c.Dir.PKI(file))
			if err != nil {
				return nil, fmt.Errorf("reading a certificate for the cluster's own pods: %w", err)
			}
			values[name] = base64.StdEncoding.EncodeToString(text)
		}
	}
	var out bytes.Buffer
	for _, name := range names {
		t, err := template.New(name).Option("missingkey=error").ParseFS(addonFiles, "addons/"+name)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		if err := t.Execute(&out, values); err != nil {
			return nil, fmt.Errorf("filling in %s: %w", name, err)
		}
		out.WriteString("\n---\n")
	}
	return out.Bytes(), nil
}

// apply gives the addons to the API server. What was applied last is remembered
// beside the store's data, and forgotten with it.
func (c *Cluster) apply(ctx context.Context) error {
	text, err := c.addons()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	digest := hex.EncodeToString(sum[:])
	remembered := c.Dir.Join("etcd", c.kind+".applied")
	if last, err := os.ReadFile(remembered); err == nil && string(last) == digest {
		return nil
	}
	// The first request may come before the API server has made its own namespaces.
	for deadline := time.Now().Add(30 * time.Second); ; {
		cmd := exec.CommandContext(ctx, c.Dir.Bin("kube"), "kubectl", "--kubeconfig", c.Dir.Config("admin.kubeconfig"),
			"apply", "--server-side", "--force-conflicts", "-f", "-")
		cmd.Stdin = bytes.NewReader(text)
		output, err := cmd.CombinedOutput()
		if err == nil {
			return os.WriteFile(remembered, []byte(digest), 0o600)
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return fmt.Errorf("starting DNS, metrics and storage: %w", errors.Join(err, errors.New(strings.TrimSpace(string(output)))))
		}
	}
}
