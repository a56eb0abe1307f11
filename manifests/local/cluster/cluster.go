// What a cluster is made of and how it was asked for.
package cluster

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/atoll-platform/atoll/manifests/local/node"
	"github.com/atoll-platform/atoll/manifests/local/place"
	"github.com/atoll-platform/atoll/manifests/local/status"
)

// Kinds of nodes.
const (
	Real      = "real"
	Simulated = "simulated"
	Auto      = "auto" // real where a first container starts, else simulated
)

// ErrNotRunning says that the cluster is not up.
var ErrNotRunning = errors.New("the cluster is not running; `local up` starts it")

// Cluster is one local cluster. Its methods are not for concurrent use.
type Cluster struct {
	Dir        place.Dir
	Source     string // folder of this module's sources
	Nodes      string // Real, Simulated or Auto
	StatusFile string
	Demo       bool      // pack and load the demo's image
	Out        io.Writer // what a person reads

	kind   string // Real or Simulated, once it is known
	reason string // why simulated
	addr   place.Addresses
	file   *status.File
	out    *printer
}

// New opens a cluster's folder. An empty status file is the one in the folder.
func New(dir, source, statusFile string, out io.Writer) (*Cluster, error) {
	d, err := place.New(dir)
	if err != nil {
		return nil, err
	}
	if statusFile == "" {
		statusFile = d.StatusFile()
	}
	return &Cluster{Dir: d, Source: source, Nodes: Auto, StatusFile: statusFile, Demo: true, Out: out, out: newPrinter(out)}, nil
}

// FindSource looks for this module's sources: beside the folder of the cluster
// (CHECKOUT/build/cluster), beside the program (CHECKOUT/build/local), and at
// and above the working directory.
func FindSource(dir string) (string, error) {
	var starts []string
	if abs, err := filepath.Abs(dir); err == nil {
		starts = append(starts, abs)
	}
	if exe, err := os.Executable(); err == nil {
		starts = append(starts, filepath.Dir(exe))
	}
	if wd, err := os.Getwd(); err == nil {
		starts = append(starts, wd)
	}
	for _, folder := range starts {
		for {
			for _, candidate := range []string{filepath.Join(folder, "manifests", "local"), folder} {
				text, err := os.ReadFile(filepath.Join(candidate, "go.mod"))
				if err == nil && strings.HasPrefix(string(text), "module github.com/atoll-platform/atoll/manifests/local\n") {
					return candidate, nil
				}
			}
			parent := filepath.Dir(folder)
			if parent == folder {
				break
			}
			folder = parent
		}
	}
	return "", errors.New("the sources of manifests/local are neither above the cluster's folder, nor above this program, nor above the working directory; --source names them")
}

// kindFile remembers which kind of node runs.
func (c *Cluster) kindFile() string { return c.Dir.Run("kind") }

// readKind returns the kind of the cluster that runs or ran, "" if none did.
func (c *Cluster) readKind() (kind, reason string) {
	text, err := os.ReadFile(c.kindFile())
	if err != nil {
		return "", ""
	}
	kind, reason, _ = strings.Cut(strings.TrimSpace(string(text)), "\n")
	if kind != Real && kind != Simulated {
		return "", ""
	}
	return kind, reason
}

func (c *Cluster) writeKind() error {
	if err := os.WriteFile(c.kindFile(), []byte(c.kind+"\n"+c.reason+"\n"), 0o600); err != nil {
		return fmt.Errorf("keeping the kind of the nodes: %w", err)
	}
	return nil
}

func (c *Cluster) node() node.Node { return node.Node{Dir: c.Dir, Addresses: c.addr} }

// host is the address that the API server listens on: the node's own, which
// pods reach too, or loopback where there are no pods to reach it.
func (c *Cluster) host() string {
	if c.kind == Real {
		return c.addr.Gateway().String()
	}
	return "127.0.0.1"
}

// load reads what an earlier `up` has chosen.
func (c *Cluster) load() error {
	c.kind, c.reason = c.readKind()
	if c.kind == "" {
		return ErrNotRunning
	}
	var err error
	c.addr, err = c.Dir.ReadAddresses()
	return err
}

// Kubectl returns a kubectl for this cluster, as its administrator.
func (c *Cluster) Kubectl(args ...string) (*exec.Cmd, error) {
	if _, err := os.Stat(c.Dir.Kubeconfig()); err != nil {
		return nil, ErrNotRunning
	}
	cmd := exec.Command(c.Dir.Bin("kube"), append([]string{"kubectl"}, args...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Dir.Kubeconfig())
	return cmd, nil
}
