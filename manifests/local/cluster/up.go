// Bringing a cluster up.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/atoll-platform/atoll/manifests/local/node"
	"github.com/atoll-platform/atoll/manifests/local/process"
	"github.com/atoll-platform/atoll/manifests/local/status"
)

// startLimit is how long one part may take to become ready.
const startLimit = 90 * time.Second

// PartError is a part that ended or does not become ready.
type PartError struct {
	Part string // its name
	What string // what happened
	Log  string // file with its log
	Tail string // the end of it
}

// Error names the part and shows the end of its log.
func (e *PartError) Error() string {
	if e.Log == "" {
		return e.Part + " " + e.What
	}
	return fmt.Sprintf("%s %s; the end of its log (%s):\n%s", e.Part, e.What, e.Log, e.Tail)
}

// Up brings the cluster up and returns when it is ready. What runs already is
// left as it is, what has crashed is started again.
func (c *Cluster) Up(ctx context.Context) error {
	release, err := process.Lock(c.Dir.Run("lock"), func() { c.out.say("waiting for another command to finish with this cluster") })
	if err != nil {
		return err
	}
	defer release()
	if c.alreadyUp(ctx) {
		c.out.say("the cluster is up (%s)", c.describe())
		return nil
	}
	c.file = status.New(c.StatusFile, c.out.part)
	err = c.up(ctx)
	switch {
	case err == nil:
		c.out.say("the cluster is ready (%s); KUBECONFIG=%s", c.describe(), c.Dir.Kubeconfig())
	case ctx.Err() != nil:
		_ = c.file.Phase(status.Stopped, "Starting was interrupted.")
	default:
		_ = c.file.Phase(status.Failed, firstLine(err.Error()))
	}
	return err
}

func (c *Cluster) describe() string {
	if c.kind == Simulated {
		return "simulated nodes: " + c.reason
	}
	return "a real node"
}

// alreadyUp tells whether a cluster as it is asked for runs and is ready.
func (c *Cluster) alreadyUp(ctx context.Context) bool {
	if c.load() != nil || (c.Nodes != Auto && c.Nodes != c.kind) {
		return false
	}
	for _, p := range c.buildParts(c.kind) {
		if !p.target.Fresh(c.Dir.Bin()) {
			return false
		}
	}
	checked := c.Check(ctx)
	if checked.Phase != status.Ready {
		return false
	}
	return status.Write(c.StatusFile, checked) == nil
}

func (c *Cluster) up(ctx context.Context) error {
	if err := c.file.Phase(status.Building, "Looking at what is there."); err != nil {
		return err
	}
	if err := c.chooseKind(ctx); err != nil {
		return err
	}
	if err := c.prepare(ctx); err != nil {
		return err
	}
	if c.kind == Real && !c.tried() {
		if err := c.tryNode(ctx); err != nil {
			return err
		}
	}
	if err := c.file.Node(c.kind, c.reason); err != nil {
		return err
	}
	if err := c.writeKind(); err != nil {
		return err
	}
	if err := c.file.Phase(status.Starting, "Starting Kubernetes."); err != nil {
		return err
	}
	if err := c.startAll(ctx); err != nil {
		return err
	}
	return c.file.Phase(status.Ready, "The cluster is ready.")
}

// chooseKind decides between a real node and simulated ones. A cluster that
// runs keeps its kind.
func (c *Cluster) chooseKind(ctx context.Context) error {
	if kind, reason := c.readKind(); kind != "" && process.Alive(c.pidFile("keeper")) != 0 {
		if c.Nodes != Auto && c.Nodes != kind {
			return fmt.Errorf("the cluster runs with %s nodes; `local down` comes before another kind", kind)
		}
		c.kind, c.reason = kind, reason
		return nil
	}
	if c.Nodes == Simulated {
		c.kind, c.reason = Simulated, "simulated nodes were asked for"
		return nil
	}
	if other := node.Claimed(); other != "" && other != string(c.Dir) {
		return fmt.Errorf("%w, from %s; `local down --dir %s` stops it", node.ErrAnother, other, other)
	}
	reason := node.Prepare(ctx, func(text string) { c.out.say("%s", text) })
	if reason != "" && c.Nodes == Real {
		return errors.New(reason)
	}
	c.kind, c.reason = Real, ""
	if reason != "" {
		c.kind, c.reason = Simulated, reason
		c.out.say("nodes will be simulated: %s", reason)
	}
	return nil
}

// prepare builds the programs, chooses addresses and writes configurations.
func (c *Cluster) prepare(ctx context.Context) error {
	var err error
	running := func(listener string) bool { return process.Alive(c.pidFile(portOwner(listener))) != 0 }
	if c.addr, err = c.Dir.Choose(listeners(), running, node.Bridge(c.Dir)); err != nil {
		return err
	}
	builds := c.buildParts(c.kind)
	var plan []status.Part
	for _, p := range builds {
		plan = append(plan, status.Part{Name: p.name, Title: p.title})
	}
	for _, d := range c.daemons() {
		plan = append(plan, status.Part{Name: d.name, Title: d.title})
	}
	for _, a := range c.afterwards() {
		plan = append(plan, status.Part{Name: a.name, Title: a.title})
	}
	if err := c.file.Plan(plan...); err != nil {
		return err
	}
	c.out.expect(len(plan))
	if err := c.file.Node(c.kind, c.reason); err != nil {
		return err
	}
	if err := c.build(ctx, builds); err != nil {
		return err
	}
	if _, err := c.keeperProgram(); err != nil && process.Alive(c.pidFile("keeper")) == 0 {
		return err
	}
	if err := c.writeCertificates(); err != nil {
		return err
	}
	if err := os.WriteFile(c.Dir.Config("audit.yaml"), []byte(auditPolicy), 0o600); err != nil {
		return fmt.Errorf("writing the audit policy: %w", err)
	}
	if c.kind == Real {
		return c.node().WriteConfig()
	}
	stages, err := exec.CommandContext(ctx, c.Dir.Bin("kwok"), "stages").Output()
	if err != nil {
		return fmt.Errorf("asking kwok for the stages of a pod's life: %w", err)
	}
	if err := os.WriteFile(c.Dir.Config("kwok.yaml"), stages, 0o600); err != nil {
		return fmt.Errorf("writing kwok's configuration: %w", err)
	}
	return nil
}

// tryNode starts containerd and a first container. Where none starts and
// nobody insists on a real node, the nodes are simulated.
func (c *Cluster) tryNode(ctx context.Context) error {
	err := c.bootNode(ctx)
	if err == nil {
		err = c.startNode(ctx)
	}
	if err == nil {
		err = c.node().Try(ctx, process.Alive(c.pidFile("keeper")))
	}
	if err == nil {
		name, boot := c.triedFile()
		return os.WriteFile(name, []byte(boot), 0o600)
	}
	if c.Nodes == Real || ctx.Err() != nil {
		return err
	}
	c.out.say("nodes will be simulated: a real node does not start here: %v", err)
	reason := "a real node does not start here: " + firstLine(err.Error())
	if err := c.stopAll(ctx); err != nil {
		return err
	}
	c.kind, c.reason = Simulated, reason
	c.file = status.New(c.StatusFile, c.out.part)
	return c.prepare(ctx)
}

// startNode starts what holds containers, and loads the images.
func (c *Cluster) startNode(ctx context.Context) error {
	for _, name := range []string{"keeper", "containerd"} {
		if err := c.start(ctx, c.daemon(name)); err != nil {
			return err
		}
	}
	return c.loadImages(ctx)
}

// bootNode prepares the machine for the node's programs.
func (c *Cluster) bootNode(ctx context.Context) error {
	if process.Alive(c.pidFile("keeper")) == 0 {
		// What outlived a keeper that has crashed sees mounts that nobody else does.
		if err := c.stopNode(ctx); err != nil {
			return err
		}
		if err := c.node().NewBoot(); err != nil {
			return err
		}
	}
	return c.node().Prepare(ctx)
}

// triedFile tells that a container has started here since the machine was booted.
func (c *Cluster) triedFile() (name, boot string) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return c.Dir.Run("tried"), "unknown"
	}
	return c.Dir.Run("tried"), string(text)
}

func (c *Cluster) tried() bool {
	name, boot := c.triedFile()
	text, err := os.ReadFile(name)
	return err == nil && string(text) == boot
}

// startAll starts the daemons, each as soon as those that it needs are ready,
// and waits for what they bring about.
func (c *Cluster) startAll(ctx context.Context) error {
	if c.kind == Real {
		if err := c.bootNode(ctx); err != nil {
			return err
		}
	}
	err := together([]func() error{
		func() error {
			if c.kind == Real {
				return c.startNode(ctx)
			}
			return c.start(ctx, c.daemon("keeper"))
		},
		func() error {
			for _, name := range []string{"etcd", "kube-apiserver"} {
				if err := c.start(ctx, c.daemon(name)); err != nil {
					return err
				}
			}
			return c.writeKubeconfig("admin", c.Dir.Kubeconfig())
		},
	})
	if err != nil {
		return err
	}
	var steps []func() error
	for _, d := range c.daemons() {
		switch d.name {
		case "keeper", "containerd", "etcd", "kube-apiserver":
		default:
			steps = append(steps, func() error { return c.start(ctx, d) })
		}
	}
	steps = append(steps, func() error { return c.apply(ctx) })
	if err := together(steps); err != nil {
		return err
	}
	var waits []func() error
	for _, a := range c.afterwards() {
		waits = append(waits, func() error { return c.await(ctx, a) })
	}
	return together(waits)
}

// together runs steps at the same time and joins their errors.
func together(steps []func() error) error {
	faults := make([]error, len(steps))
	var all sync.WaitGroup
	for i, step := range steps {
		all.Go(func() { faults[i] = step() })
	}
	all.Wait()
	return errors.Join(faults...)
}

// start starts a daemon, unless it runs, and waits until it works.
func (c *Cluster) start(ctx context.Context, d daemon) error {
	pidFile := c.pidFile(d.name)
	// The keeper stays, whatever became of its program: the node's mounts would go with it.
	pid := process.Alive(pidFile)
	if pid != 0 && (d.name == "keeper" || !process.Outdated(pid)) && d.healthy(ctx) {
		return c.file.Part(d.name, status.PartReady, "")
	}
	if err := c.file.Part(d.name, status.PartStarting, ""); err != nil {
		return err
	}
	// What runs but does not work, or was built anew meanwhile, is started again.
	if err := process.Stop(pidFile, d.grace); err != nil {
		return err
	}
	spec := process.Spec{
		Name: d.name, Path: c.Dir.Bin(d.program), Args: d.args, Env: d.env, Dir: c.Dir.Run(),
		Log: c.logFile(d.name), PIDFile: pidFile, OwnMounts: d.keeper,
	}
	if d.inNode {
		spec.Within = process.Alive(c.pidFile("keeper"))
	}
	ended, err := process.Start(spec)
	if err != nil {
		_ = c.file.Part(d.name, status.PartFailed, "did not start")
		return err
	}
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	for !d.healthy(ctx) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ended:
			return c.failed(d.name, "ended")
		case <-limit.C:
			return c.failed(d.name, fmt.Sprintf("is not ready after %s", startLimit))
		case <-time.After(50 * time.Millisecond):
		}
	}
	return c.file.Part(d.name, status.PartReady, "")
}

func (c *Cluster) failed(name, what string) error {
	_ = c.file.Part(name, status.PartFailed, what)
	return &PartError{Part: name, What: what, Log: c.logFile(name), Tail: process.Tail(c.logFile(name), 15)}
}
