// Package integration tries a whole local cluster, with everything real. It is
// run on its own, since it takes minutes, and much longer the first time, when Kubernetes is compiled:
//
//	go test -count=1 -timeout 60m ./integration -args -dir ../../../build/cluster
//
// With -undisturbed it leaves the cluster up as it is, and so leaves out what
// kills parts and what takes the cluster down.
package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/manifests/local/place"
	"github.com/atoll-platform/atoll/manifests/local/status"
)

var (
	dirFlag     = flag.String("dir", "", "folder of the cluster to try; it is made and built where it is not there")
	undisturbed = flag.Bool("undisturbed", false, "leave the cluster up and its parts alone")

	dir      place.Dir
	launcher string // the program `local`
	source   string // this module
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(filepath.Dir(launcher))
	os.Exit(code)
}

func prepare() error {
	if *dirFlag == "" {
		return fmt.Errorf("-args -dir FOLDER names the cluster to try")
	}
	var err error
	if dir, err = place.New(*dirFlag); err != nil {
		return err
	}
	if source, err = filepath.Abs(".."); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "local-integration-")
	if err != nil {
		return err
	}
	launcher = filepath.Join(folder, "local")
	return compile(launcher, "./cmd/local")
}

func compile(to, pkg string) error {
	build := exec.Command("go", "build", "-o", to, pkg)
	build.Dir = source
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// local runs a command of the launcher on a cluster.
func local(t *testing.T, on place.Dir, command string, args ...string) (string, error) {
	t.Helper()
	all := append([]string{command, "--dir", string(on)}, args...)
	cmd := exec.CommandContext(t.Context(), launcher, all...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func mustLocal(t *testing.T, on place.Dir, command string, args ...string) string {
	t.Helper()
	out, err := local(t, on, command, args...)
	if err != nil {
		t.Fatalf("local %s %s: %v\n%s", command, strings.Join(args, " "), err, out)
	}
	return out
}

// up brings the cluster up with a real node.
func up(t *testing.T) {
	t.Helper()
	mustLocal(t, dir, "up", "--nodes", "real", "--source", source)
}

func kubectl(t *testing.T, on place.Dir, args ...string) (string, error) {
	t.Helper()
	return local(t, on, "kubectl", append([]string{"--"}, args...)...)
}

func mustKubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := kubectl(t, dir, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// apply gives objects to the API server.
func apply(t *testing.T, on place.Dir, yaml string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "objects.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := kubectl(t, on, "apply", "-f", file); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// eventually waits for a condition; problem says what is still missing.
func eventually(t *testing.T, limit time.Duration, problem func() string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		text := problem()
		if text == "" {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("after %s still: %s", limit, text)
		case <-tick.C:
		}
	}
}

// namespace makes a namespace that is gone after the test.
func namespace(t *testing.T, on place.Dir) string {
	t.Helper()
	name := fmt.Sprintf("it-local-%d", time.Now().UnixNano()%1e9)
	if out, err := kubectl(t, on, "create", "namespace", name); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() {
		if _, err := os.Stat(on.Kubeconfig()); err != nil {
			return // the test has taken the cluster down
		}
		cmd := exec.Command(launcher, "kubectl", "--dir", string(on), "--", "delete", "namespace", name, "--wait=false")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Logf("removing namespace %s: %v\n%s", name, err, out)
		}
	})
	// Pods need it, and a controller that has just been started again may wait for its lease.
	if out, err := kubectl(t, on, "-n", name, "wait", "--for=create", "--timeout=60s", "serviceaccount/default"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return name
}

func statusFile(t *testing.T, on place.Dir) status.Status {
	t.Helper()
	s, err := status.Read(on.StatusFile())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}
