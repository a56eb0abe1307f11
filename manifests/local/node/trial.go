// Does a container start here at all? It is tried, not guessed.
package node

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"github.com/atoll-platform/atoll/manifests/local/process"
)

// Ctr returns the command that talks to the node's containerd. keeper is the
// process that holds the node's mounts.
func (n Node) Ctr(ctx context.Context, keeper int, args ...string) *exec.Cmd {
	path, args := process.Within(keeper, n.Dir.Bin("ctr"), append([]string{"-a", Socket, "-n", "k8s.io"}, args...)...)
	return exec.CommandContext(ctx, path, args...)
}

// Load gives an image of the format that `docker save` writes to containerd.
func (n Node) Load(ctx context.Context, keeper int, tar string) error {
	output, err := n.Ctr(ctx, keeper, "images", "import", "--local", "--snapshotter", n.snapshotter(), tar).CombinedOutput()
	if err != nil {
		return fmt.Errorf("loading %s: %w: %s", tar, err, lastLine(output))
	}
	return nil
}

// Try starts a first container and waits for its end.
func (n Node) Try(ctx context.Context, keeper int) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	id := fmt.Sprintf("trial-%d", time.Now().UnixNano())
	output, err := n.Ctr(ctx, keeper, "run", "--rm", "--snapshotter", n.snapshotter(), "--cgroup", "/"+n.group()+"/trial",
		PauseImage, id, "/pause", "once").CombinedOutput()
	if err != nil {
		return fmt.Errorf("a first container does not start: %w: %s", err, lastLine(output))
	}
	return nil
}
