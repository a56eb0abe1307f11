// The life of a node: prepared before its programs start, cleaned after they
// have ended.
package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/manifests/local/place"
	"github.com/atoll-platform/atoll/manifests/local/process"
)

// Name is the node's name in Kubernetes.
const Name = "local"

// Socket is where containerd listens, as the node's programs see it.
const Socket = "/run/containerd/containerd.sock"

// Node is the real node of one cluster.
type Node struct {
	Dir       place.Dir
	Addresses place.Addresses
}

// Bridge is the name of the network device that pods are plugged into.
func Bridge(d place.Dir) string { return "atoll" + d.ID() }

func (n Node) group() string { return "atoll-" + n.Dir.ID() }

// covered lists the machine's folders that the node's programs write to by
// fixed names, and what lies there for them.
func covered(d place.Dir) [][2]string {
	return [][2]string{
		{"/var/lib/kubelet", d.Node("kubelet")},
		{"/var/lib/cni", d.Node("cni")},
		{"/var/log", d.Node("log")},
		{"/run", d.Node("run")},
	}
}

// Prepare writes down what is going to change, and makes folders, bridge,
// firewall rules and control groups. Again is harmless.
func (n Node) Prepare(ctx context.Context) error {
	o, fresh, err := readOutside(n.Dir.Run("outside.json"))
	if err != nil {
		return err
	}
	if fresh {
		o.rememberSettings()
		if err := o.rememberChains(ctx); err != nil {
			return err
		}
		if err := o.write(); err != nil {
			return err
		}
	}
	for _, c := range covered(n.Dir) {
		if err := os.MkdirAll(c[1], 0o755); err != nil {
			return fmt.Errorf("making the node's folders: %w", err)
		}
		if err := o.makeFolder(c[0]); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(n.Dir.Volumes(), 0o711); err != nil {
		return fmt.Errorf("making the folder of volumes: %w", err)
	}
	if err := n.makeBridge(ctx); err != nil {
		return err
	}
	for _, name := range []string{"net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables"} {
		path := filepath.Join("/proc/sys", name)
		now, err := os.ReadFile(path)
		if err != nil || strings.TrimSpace(string(now)) == "1" {
			continue
		}
		if err := os.WriteFile(path, []byte("1"), 0o644); err != nil {
			return fmt.Errorf("setting %s: %w", name, err)
		}
	}
	if err := protect(ctx, n.Addresses, Bridge(n.Dir)); err != nil {
		return err
	}
	return makeGroup(n.group())
}

// makeBridge makes the bridge with the node's address. Its hardware address is
// fixed, or it would change with every pod, and pods would lose their way.
func (n Node) makeBridge(ctx context.Context) error {
	name := Bridge(n.Dir)
	if _, err := net.InterfaceByName(name); err != nil {
		id := n.Dir.ID()
		mac := fmt.Sprintf("0a:58:00:%s:%s:%s", id[0:2], id[2:4], id[4:6])
		if err := ip(ctx, "link", "add", "name", name, "address", mac, "type", "bridge"); err != nil {
			return err
		}
	}
	address := fmt.Sprintf("%s/%d", n.Addresses.Gateway(), n.Addresses.Pods().Bits())
	if err := ip(ctx, "address", "replace", address, "dev", name); err != nil {
		return err
	}
	if err := ip(ctx, "link", "set", name, "up"); err != nil {
		return err
	}
	// Services are reached from the machine also when it has no route to anywhere.
	return ip(ctx, "route", "replace", n.Addresses.Services().String(), "dev", name)
}

func ip(ctx context.Context, args ...string) error {
	if output, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, lastLine(output))
	}
	return nil
}

// NewBoot forgets what belonged to the processes of an earlier life of the
// node, as a reboot would; images and volumes stay.
func (n Node) NewBoot() error {
	for _, name := range []string{n.Dir.Node("run"), n.Dir.Node("cni")} {
		if err := os.RemoveAll(name); err != nil {
			return fmt.Errorf("clearing the node's state: %w", err)
		}
	}
	return nil
}

// StopPods ends every container and its shim: gently first, all at once, then by force.
func (n Node) StopPods(grace time.Duration) error {
	if _, err := process.Sweep(grace, func() []int { return inGroup(n.group()) }); err != nil {
		return fmt.Errorf("ending the pods: %w", err)
	}
	return nil
}

// Clean takes back everything outside the cluster's folder. All programs of the
// node have ended before.
func (n Node) Clean(ctx context.Context) error {
	var faults []error
	if _, err := net.InterfaceByName(Bridge(n.Dir)); err == nil {
		faults = append(faults, n.removePorts(ctx), ip(ctx, "link", "delete", Bridge(n.Dir)))
	}
	o, fresh, err := readOutside(n.Dir.Run("outside.json"))
	if err != nil {
		return errors.Join(append(faults, err)...)
	}
	if !fresh {
		faults = append(faults, o.removeChains(ctx))
	}
	faults = append(faults, removeGroup(n.group()))
	if err := errors.Join(faults...); err != nil {
		return err // the list stays for the next attempt
	}
	return o.takeBack()
}

// removePorts removes the pods' ends on the bridge. They go with the pods'
// network namespaces, which the kernel removes in its own time.
func (n Node) removePorts(ctx context.Context) error {
	ports, err := os.ReadDir(filepath.Join("/sys/class/net", Bridge(n.Dir), "brif"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("listing the bridge's ports: %w", err)
	}
	for _, port := range ports {
		if err := ip(ctx, "link", "delete", port.Name()); err != nil {
			if _, gone := net.InterfaceByName(port.Name()); gone == nil {
				return err
			}
		}
	}
	return nil
}
