// What the daemons bring about, and when it counts as ready: the node, and the
// pods of the system.
package cluster

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/manifests/local/node"
	"github.com/atoll-platform/atoll/manifests/local/status"
)

// afterward is something to wait for.
type afterward struct {
	name, title string
	// ready returns "" when it is there, else what is still missing.
	ready func(context.Context) string
}

func (c *Cluster) afterwards() []afterward {
	if c.kind == Simulated {
		return []afterward{{"node", "Nodes", func(ctx context.Context) string {
			return c.nodesReady(ctx, c.startedAt("kwok"), "simulated-1", "simulated-2")
		}}}
	}
	return []afterward{
		{"node", "Node", func(ctx context.Context) string { return c.nodesReady(ctx, c.startedAt("kubelet"), node.Name) }},
		{"coredns", "DNS", func(ctx context.Context) string { return c.podReady(ctx, "kube-system", "k8s-app=kube-dns") }},
		{"local-path", "Storage", func(ctx context.Context) string {
			return c.podReady(ctx, "local-path-storage", "app=local-path-provisioner")
		}},
		{"metrics-server", "Metrics", func(ctx context.Context) string {
			if missing := c.podReady(ctx, "kube-system", "k8s-app=metrics-server"); missing != "" {
				return missing
			}
			if err := c.get(ctx, "/apis/metrics.k8s.io/v1beta1", nil); err != nil {
				return "its API does not answer yet"
			}
			return ""
		}},
	}
}

// startedAt is when a daemon was started; what the API server remembers from
// before does not count.
func (c *Cluster) startedAt(name string) time.Time {
	info, err := os.Stat(c.pidFile(name))
	if err != nil {
		return time.Now()
	}
	return info.ModTime().Truncate(time.Second)
}

type condition struct {
	Type, Status, Message string
	LastHeartbeatTime     time.Time
}

func (c *Cluster) nodesReady(ctx context.Context, since time.Time, names ...string) string {
	for _, name := range names {
		var object struct {
			Status struct{ Conditions []condition }
		}
		if err := c.get(ctx, "/api/v1/nodes/"+name, &object); err != nil {
			return "node " + name + " is not registered yet"
		}
		ready := false
		message := "node " + name + " has not reported yet"
		for _, cond := range object.Status.Conditions {
			if cond.Type != "Ready" || cond.LastHeartbeatTime.Before(since) && c.kind == Real {
				continue
			}
			ready = cond.Status == "True"
			message = cond.Message
		}
		if !ready {
			return message
		}
	}
	return ""
}

func (c *Cluster) podReady(ctx context.Context, namespace, selector string) string {
	since := c.startedAt("keeper")
	var list struct {
		Items []struct {
			Metadata struct {
				Name              string
				DeletionTimestamp *time.Time
			}
			Status struct {
				Conditions        []condition
				ContainerStatuses []struct {
					State struct {
						Running *struct{ StartedAt time.Time }
						Waiting *struct{ Reason, Message string }
					}
				}
			}
		}
	}
	if err := c.get(ctx, "/api/v1/namespaces/"+namespace+"/pods?labelSelector="+selector, &list); err != nil {
		return "its pods cannot be listed yet"
	}
	missing := "its pod is not there yet"
	for _, pod := range list.Items {
		if pod.Metadata.DeletionTimestamp != nil {
			continue
		}
		running := len(pod.Status.ContainerStatuses) > 0
		missing = "its pod is not running yet"
		for _, s := range pod.Status.ContainerStatuses {
			if s.State.Waiting != nil {
				missing = strings.TrimSpace(s.State.Waiting.Reason + " " + s.State.Waiting.Message)
			}
			running = running && s.State.Running != nil && !s.State.Running.StartedAt.Before(since)
		}
		if !running {
			continue
		}
		missing = "its pod is not ready yet"
		for _, cond := range pod.Status.Conditions {
			if cond.Type == "Ready" && cond.Status == "True" {
				return ""
			}
		}
	}
	return missing
}

// await waits for one of them, as long as the daemons run.
func (c *Cluster) await(ctx context.Context, a afterward) error {
	deadline := time.Now().Add(2 * time.Minute)
	for {
		missing := a.ready(ctx)
		if missing == "" {
			return c.file.Part(a.name, status.PartReady, "")
		}
		if err := c.file.Part(a.name, status.PartStarting, missing); err != nil {
			return err
		}
		if name := c.firstDead(); name != "" {
			return c.failed(name, "ended")
		}
		if time.Now().After(deadline) {
			_ = c.file.Part(a.name, status.PartFailed, missing)
			return fmt.Errorf("%s is not ready after 2 minutes: %s", a.name, missing)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
