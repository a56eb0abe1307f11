// Crashes, ends and the other kind of nodes.
package integration

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/manifests/local/node"
	"github.com/atoll-platform/atoll/manifests/local/place"
	"github.com/atoll-platform/atoll/manifests/local/process"
	"github.com/atoll-platform/atoll/manifests/local/status"
)

// disturbs leaves a test out where the cluster is somebody else's too.
func disturbs(t *testing.T) {
	t.Helper()
	if *undisturbed {
		t.Skip("-undisturbed was asked for")
	}
}

func TestCrashedPartIsNamedAndStartedAgain(t *testing.T) {
	disturbs(t)
	up(t)
	for _, name := range []string{"kube-scheduler", "etcd", "containerd"} {
		t.Run(name, func(t *testing.T) {
			pid := process.Alive(dir.Run(name + ".pid"))
			if pid == 0 {
				t.Fatal("it does not run")
			}
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			eventually(t, 20*time.Second, func() string {
				if s := statusFile(t, dir); s.Phase != status.Failed || !strings.Contains(s.Message, name) {
					return fmt.Sprintf("the status file says %s: %s", s.Phase, s.Message)
				}
				return ""
			})
			out, err := local(t, dir, "status")
			if err == nil {
				t.Error("status found nothing amiss")
			}
			if !strings.Contains(out, "the end of "+dir.Logs(name+".log")) {
				t.Errorf("status shows no log of %s:\n%s", name, out)
			}
			up(t)
			mustLocal(t, dir, "status")
		})
	}
}

func TestSimulatedNodesRunPods(t *testing.T) {
	simulated, err := place.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	borrow(t, simulated)
	t.Cleanup(func() {
		if out, err := exec.Command(launcher, "down", "--dir", string(simulated)).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		if left := process.RunningFrom(simulated.Bin()); len(left) > 0 {
			t.Errorf("still running: %v", left)
		}
	})
	mustLocal(t, simulated, "up", "--nodes", "simulated", "--source", source)
	s := statusFile(t, simulated)
	if s.Phase != status.Ready || s.Node != "simulated" || s.Reason == "" {
		t.Errorf("the status file says %s, node %s, reason %q", s.Phase, s.Node, s.Reason)
	}
	ns := namespace(t, simulated)
	apply(t, simulated, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: many, namespace: `+ns+`}
spec:
  replicas: 20
  selector: {matchLabels: {app: many}}
  template:
    metadata: {labels: {app: many}}
    spec: {containers: [{name: c, image: anything}]}
`)
	if out, err := kubectl(t, simulated, "-n", ns, "wait", "--for=condition=Available", "--timeout=90s", "deployment/many"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := kubectl(t, simulated, "-n", ns, "get", "pods", "-o", "jsonpath={range .items[*]}{.status.phase} {.spec.nodeName}{\"\\n\"}{end}")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out, "Running simulated-"); n != 20 {
		t.Errorf("%d of 20 pods run:\n%s", n, out)
	}
}

// borrow takes over what another cluster has built, with a copy that costs nothing.
func borrow(t *testing.T, to place.Dir) {
	t.Helper()
	names, err := filepath.Glob(dir.Bin("*"))
	if err != nil {
		t.Fatal(err)
	}
	stamps, err := filepath.Glob(dir.Bin(".*.stamp"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, stamps...) {
		if out, err := exec.Command("cp", "-p", name, to.Bin()).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
}

// The tests after it start the cluster again, and so try a second start too.
func TestDownLeavesNothing(t *testing.T) {
	disturbs(t)
	up(t)
	ns := namespace(t, dir)
	loadProbe(t)
	startPod(t, ns, "a", "")
	before, err := os.ReadFile(dir.Run("outside.json"))
	if err != nil {
		t.Fatal(err)
	}
	mustLocal(t, dir, "down")
	if left := process.RunningFrom(dir.Bin()); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
	if _, err := net.InterfaceByName(node.Bridge(dir)); err == nil {
		t.Errorf("the bridge %s is still there", node.Bridge(dir))
	}
	if other := node.Claimed(); other != "" {
		t.Errorf("the node of %s still runs", other)
	}
	mounts, _ := os.ReadFile("/proc/self/mounts")
	if strings.Contains(string(mounts), string(dir)) {
		t.Errorf("still mounted:\n%s", mounts)
	}
	groups, _ := filepath.Glob("/sys/fs/cgroup/*/atoll-" + dir.ID())
	more, _ := filepath.Glob("/sys/fs/cgroup/atoll-" + dir.ID())
	if left := slices.Concat(groups, more); len(left) > 0 {
		t.Errorf("control groups are left: %v", left)
	}
	for _, tool := range []string{"iptables", "ip6tables"} {
		out, _ := exec.Command(tool + "-save").Output()
		table := ""
		for line := range strings.Lines(string(out)) {
			if name, ok := strings.CutPrefix(line, "*"); ok {
				table = strings.TrimSpace(name)
			}
			name, _, _ := strings.Cut(strings.TrimPrefix(line, ":"), " ")
			ours := strings.HasPrefix(name, "KUBE-") || strings.HasPrefix(name, "CNI-") || strings.HasPrefix(name, "ATOLL-")
			if strings.HasPrefix(line, ":") && ours && !strings.Contains(string(before), `"`+tool+" "+table+" "+name+`"`) {
				t.Errorf("a chain is left: %s %s %s", tool, table, name)
			}
		}
	}
	if _, err := os.Stat(dir.Run("outside.json")); err == nil {
		t.Error("the list of changes outside is still there")
	}
	if s := statusFile(t, dir); s.Phase != status.Stopped {
		t.Errorf("the status file says %s", s.Phase)
	}
	if _, err := os.Stat(dir.Kubeconfig()); err == nil {
		t.Error("the kubeconfig of a cluster that does not run is still there")
	}
}
