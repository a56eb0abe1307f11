// The Kubernetes at Atoll's side: the person's own by KUBECONFIG, else the
// local one of manifests/local, driven by its command.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// localCluster is the cluster in use.
type localCluster struct {
	places
	given string // KUBECONFIG of the person, "" for the local cluster
	begun bool
}

func cluster(p places) *localCluster {
	return &localCluster{places: p, given: os.Getenv("KUBECONFIG")}
}

// ours tells whether this cluster was made here, so that a demo may be put in it.
func (c *localCluster) ours() bool { return c.given == "" }

func (c *localCluster) kubeconfig() string {
	if c.ours() {
		return c.places.kubeconfig()
	}
	return c.given
}

// up brings the local cluster up, showing its progress. A given one is left as it is.
func (c *localCluster) up(ctx context.Context, log *printer) error {
	if !c.ours() {
		log.say("using the cluster of KUBECONFIG %s", c.given)
		return nil
	}
	log.say("bringing up the local Kubernetes (the first time compiles it; the console shows it part by part)")
	c.begun = true
	cmd := exec.CommandContext(ctx, c.local(), "up", "--dir", c.cluster())
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("bringing up the local cluster: %w", err)
	}
	return nil
}

// down stops the local cluster and tells whether there was one to stop.
func (c *localCluster) down(log *printer) bool {
	if !c.ours() {
		return false
	}
	if _, err := os.Stat(c.statusFile()); err != nil && !c.begun {
		return false
	}
	cmd := exec.Command(c.local(), "down", "--dir", c.cluster())
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		log.say("stopping the local cluster: %v", err)
	}
	return true
}
