// What a real node has to do: run pods, let them talk, keep their data.
package integration

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/manifests/local/process"
	"github.com/atoll-platform/atoll/manifests/local/status"
)

const probeImage = "atoll.local/probe:1"

// loadProbe packs the probe and gives it to the node, as a person would.
func loadProbe(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	binary, tar := filepath.Join(folder, "probe"), filepath.Join(folder, "probe.tar")
	if err := compile(binary, "./integration/probe"); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(launcher, "pack", probeImage, binary, "-o", tar).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	mustLocal(t, dir, "load", tar)
}

func probePod(name, extra string) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: %[1]s, labels: {app: %[1]s}}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: probe
    image: %[2]s
    imagePullPolicy: Never
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
    readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
%[3]s
`, name, probeImage, extra)
}

// startPod starts a probe with a service in front, and waits until it is ready.
func startPod(t *testing.T, ns, name, extra string) {
	t.Helper()
	apply(t, dir, strings.Replace(probePod(name, extra), "metadata: {", "metadata: {namespace: "+ns+", ", 1))
	apply(t, dir, fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {namespace: %[1]s, name: %[2]s}
spec: {selector: {app: %[2]s}, ports: [{port: 80, targetPort: 8080}]}
`, ns, name))
	mustKubectl(t, "-n", ns, "wait", "--for=condition=Ready", "--timeout=120s", "pod/"+name)
}

func TestSecondUpFindsEverythingRunning(t *testing.T) {
	up(t)
	if out := mustLocal(t, dir, "up", "--nodes", "real", "--source", source); !strings.Contains(out, "the cluster is up (a real node)") {
		t.Errorf("the second up did more than look:\n%s", out)
	}
	s := statusFile(t, dir)
	if s.Phase != status.Ready || s.Node != "real" {
		t.Errorf("the status file says %s, node %s", s.Phase, s.Node)
	}
	for _, p := range s.Parts {
		if p.State != status.PartReady {
			t.Errorf("part %s is %s: %s", p.Name, p.State, p.Detail)
		}
	}
	info, err := os.Stat(dir.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the kubeconfig has mode %v", info.Mode())
	}
}

func TestPodRunsLogsAndExecutes(t *testing.T) {
	up(t)
	loadProbe(t)
	ns := namespace(t, dir)
	startPod(t, ns, "a", "")
	if out := mustKubectl(t, "-n", ns, "logs", "a"); !strings.Contains(out, "probe serves") {
		t.Errorf("logs: %s", out)
	}
	if out := mustKubectl(t, "-n", ns, "exec", "a", "--", "/probe", "resolve", "localhost"); !strings.Contains(out, "127.0.0.1") {
		t.Errorf("exec: %s", out)
	}
}

func TestServiceIsReachedFromHostFromPodAndFromItself(t *testing.T) {
	up(t)
	loadProbe(t)
	ns := namespace(t, dir)
	startPod(t, ns, "a", "")
	startPod(t, ns, "b", "")
	address := mustKubectl(t, "-n", ns, "get", "service", "a", "-o", "jsonpath={.spec.clusterIP}")
	eventually(t, 30*time.Second, func() string {
		client := http.Client{Timeout: 2 * time.Second}
		response, err := client.Get("http://" + address)
		if err != nil {
			return "from the host: " + err.Error()
		}
		response.Body.Close()
		return ""
	})
	for _, from := range []string{"b", "a"} {
		for _, url := range []string{"http://" + address, "http://a." + ns + ".svc.cluster.local", "http://a." + ns} {
			if out, err := kubectl(t, dir, "-n", ns, "exec", from, "--", "/probe", "get", url); err != nil || !strings.Contains(out, "probe answers") {
				t.Errorf("%s from pod %s: %v %s", url, from, err, out)
			}
		}
	}
}

func TestNamesResolveInAPod(t *testing.T) {
	up(t)
	loadProbe(t)
	ns := namespace(t, dir)
	startPod(t, ns, "a", "")
	want := strings.TrimSpace(mustKubectl(t, "-n", "default", "get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}"))
	for _, name := range []string{"kubernetes.default", "kubernetes.default.svc.cluster.local"} {
		if out := mustKubectl(t, "-n", ns, "exec", "a", "--", "/probe", "resolve", name); !strings.Contains(out, want) {
			t.Errorf("%s resolves to %s, want %s", name, out, want)
		}
	}
}

func TestMetricsAnswer(t *testing.T) {
	up(t)
	eventually(t, 2*time.Minute, func() string {
		out, err := kubectl(t, dir, "top", "nodes", "--no-headers")
		if err != nil || !strings.HasPrefix(out, "local") {
			return fmt.Sprintf("kubectl top nodes: %v %s", err, out)
		}
		return ""
	})
}

func TestVolumeBindsKeepsDataAndGoes(t *testing.T) {
	up(t)
	loadProbe(t)
	ns := namespace(t, dir)
	apply(t, dir, `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: `+ns+`}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 8Mi}}}
`)
	const mount = "    volumeMounts: [{name: data, mountPath: /data}]\n  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]\n"
	startPod(t, ns, "writer", mount)
	mustKubectl(t, "-n", ns, "exec", "writer", "--", "/probe", "write", "/data/note", "kept")
	mustKubectl(t, "-n", ns, "delete", "pod", "writer", "--wait")
	startPod(t, ns, "reader", mount)
	if out := mustKubectl(t, "-n", ns, "exec", "reader", "--", "/probe", "read", "/data/note"); !strings.Contains(out, "kept") {
		t.Errorf("the volume holds %q", out)
	}
	folders, _ := filepath.Glob(filepath.Join(dir.Volumes(), "*_"+ns+"_data"))
	if len(folders) != 1 {
		t.Fatalf("the volume's folders: %v", folders)
	}
	mustKubectl(t, "-n", ns, "delete", "pod", "reader", "--wait")
	mustKubectl(t, "-n", ns, "delete", "pvc", "data", "--wait")
	eventually(t, time.Minute, func() string {
		if _, err := os.Stat(folders[0]); err == nil {
			return folders[0] + " is still there"
		}
		return ""
	})
}

func TestAuditLogNamesWhoIsImpersonated(t *testing.T) {
	up(t)
	person := fmt.Sprintf("atoll:somebody-%d", time.Now().UnixNano())
	_, _ = kubectl(t, dir, "get", "pods", "--as", person) // it is forbidden, and logged
	eventually(t, 20*time.Second, func() string {
		f, err := os.Open(dir.Logs("audit.log"))
		if err != nil {
			return err.Error()
		}
		defer f.Close()
		s := bufio.NewScanner(f)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			if strings.Contains(s.Text(), `"impersonatedUser":{"username":"`+person) {
				return ""
			}
		}
		return "the audit log does not name " + person
	})
}

func TestNothingListensBeyondThisMachine(t *testing.T) {
	up(t)
	pids := map[string]bool{}
	for _, pid := range process.RunningFrom(dir.Bin()) {
		pids[strconv.Itoa(pid)] = true
	}
	if len(pids) < 8 {
		t.Fatalf("only %d processes run", len(pids))
	}
	addresses, err := dir.ReadAddresses()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ss", "-Hltnup").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		_, after, found := strings.Cut(line, "pid=")
		pid, _, _ := strings.Cut(after, ",")
		if !found || !pids[pid] {
			continue
		}
		seen++
		fields := strings.Fields(line)
		local := fields[4]
		host := local[:strings.LastIndexByte(local, ':')]
		if host != "127.0.0.1" && host != "[::1]" && host != addresses.Gateway().String() {
			t.Errorf("listens on %s: %s", local, line)
		}
	}
	if seen < 6 {
		t.Errorf("only %d listeners were seen", seen)
	}
}
