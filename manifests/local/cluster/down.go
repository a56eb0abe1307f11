// Taking a cluster down, so that nothing is left but its folder.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/atoll-platform/atoll/manifests/local/process"
	"github.com/atoll-platform/atoll/manifests/local/status"
)

// podGrace is how long containers have to end by themselves.
const podGrace = 3 * time.Second

// Down stops everything. With purge, the cluster's data, images and programs
// are removed too; without, the next Up finds all workloads again.
func (c *Cluster) Down(ctx context.Context, purge bool) error {
	release, err := process.Lock(c.Dir.Run("lock"), func() { c.out.say("waiting for another command to finish with this cluster") })
	if err != nil {
		return err
	}
	defer release()
	c.kind, c.reason = c.readKind()
	if c.kind == "" {
		// Never started, or its files are gone while its programs still run.
		c.kind = Real
		if _, err := os.Stat(c.Dir.Run("outside.json")); err != nil {
			c.kind = Simulated
		}
	}
	if c.addr, err = c.Dir.ReadAddresses(); err != nil {
		return err
	}
	if err := c.stopAll(ctx); err != nil {
		return err
	}
	stopped := status.Status{Phase: status.Stopped, Node: c.kind, Reason: c.reason, Message: "The cluster is stopped.", Parts: []status.Part{}}
	if last, err := status.Read(c.StatusFile); err == nil {
		stopped.StartedAt = last.StartedAt
	}
	if purge {
		if err := c.purge(); err != nil {
			return err
		}
		c.out.say("the cluster is stopped, and everything of it is removed")
		return status.Write(c.StatusFile, stopped)
	}
	c.out.say("the cluster is stopped")
	return status.Write(c.StatusFile, stopped)
}

// stopAll ends all processes and takes back what was changed outside.
func (c *Cluster) stopAll(ctx context.Context) error {
	var faults []error
	stop := func(name string) {
		if err := process.Stop(c.pidFile(name), c.daemon(name).grace); err != nil {
			faults = append(faults, fmt.Errorf("stopping %s: %w", name, err))
		}
	}
	// Who would start pods again ends first.
	var first []func() error
	for _, name := range []string{"kube-scheduler", "kube-controller-manager", "kubelet", "kube-proxy", "kwok"} {
		first = append(first, func() error { return process.Stop(c.pidFile(name), c.daemon(name).grace) })
	}
	faults = append(faults, together(first))
	faults = append(faults, c.stopNode(ctx))
	for _, name := range []string{"kube-apiserver", "etcd", "keeper"} {
		stop(name)
	}
	// What no PID file names: programs of a start that was interrupted.
	if _, err := process.Sweep(2*time.Second, func() []int { return process.RunningFrom(c.Dir.Bin()) }); err != nil {
		faults = append(faults, err)
	}
	if _, err := os.Stat(c.Dir.Run("outside.json")); err == nil {
		faults = append(faults, c.node().Clean(ctx))
	}
	for _, name := range []string{c.Dir.Kubeconfig(), c.kindFile(), c.Dir.Run("keeper.ready")} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			faults = append(faults, fmt.Errorf("removing a file of the running cluster: %w", err))
		}
	}
	return errors.Join(faults...)
}

// stopNode ends the node's programs, its pods and their shims; the keeper stays.
func (c *Cluster) stopNode(context.Context) error {
	if c.kind != Real {
		return nil
	}
	var faults []error
	for _, name := range []string{"kubelet", "kube-proxy"} {
		faults = append(faults, process.Stop(c.pidFile(name), c.daemon(name).grace))
	}
	faults = append(faults, c.node().StopPods(podGrace))
	faults = append(faults, process.Stop(c.pidFile("containerd"), 5*time.Second))
	// Shims outlive containerd, and bear no PID file.
	_, err := process.Sweep(time.Second, func() []int { return process.RunningProgram(c.Dir.Bin("containerd-shim-runc-v2")) })
	return errors.Join(append(faults, err)...)
}

// purge removes all that lies in the folder, but for the lock that is held.
func (c *Cluster) purge() error {
	entries, err := os.ReadDir(string(c.Dir))
	if err != nil {
		return fmt.Errorf("removing the cluster: %w", err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(c.Dir.Join(e.Name())); err != nil {
			return fmt.Errorf("removing the cluster: %w", err)
		}
	}
	return nil
}
