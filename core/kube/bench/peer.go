// The peer: `kubectl proxy` on a port of its own.

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// startKubectlProxy starts it and says how to end it.
func startKubectlProxy(kubectl, kubeconfig string) (*place, func(), error) {
	command := strings.Fields(kubectl)
	if len(command) == 0 {
		own := filepath.Join(filepath.Dir(kubeconfig), "bin", "kube")
		if _, err := os.Stat(own); err == nil {
			command = []string{own, "kubectl"}
		} else if found, err := exec.LookPath("kubectl"); err == nil {
			command = []string{found}
		} else {
			return nil, nil, fmt.Errorf("the peer: no kubectl beside the cluster and none in the path: %w", err)
		}
	}
	cmd := exec.Command(command[0], append(command[1:], "--kubeconfig", kubeconfig, "proxy", "--port", "0")...)
	cmd.Stderr = os.Stderr
	said, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("starting kubectl proxy: %w", err)
	}
	end := func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	// "Starting to serve on 127.0.0.1:40000"
	line, err := bufio.NewReader(said).ReadString('\n')
	_, address, ok := strings.Cut(strings.TrimSpace(line), "serve on ")
	if err != nil || !ok {
		end()
		return nil, nil, fmt.Errorf("kubectl proxy says %q instead of its address", line)
	}
	return &place{name: "kubectl proxy", client: newClient(nil), url: "http://" + address}, end, nil
}
