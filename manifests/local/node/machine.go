// What a machine must have for a real node, and how to come by it.
package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// need is a program and the Debian package that it comes from.
type need struct{ program, pkg string }

var needs = []need{
	{"runc", "runc"}, {"iptables", "iptables"}, {"conntrack", "conntrack"}, {"ip", "iproute2"}, {"nsenter", "util-linux"},
}

// pluginFolders are where distributions put the CNI plug-ins; Debian's is first.
var pluginFolders = []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"}

// Plugins returns the folder with the CNI plug-ins, "" if there is none.
func Plugins() string {
	for _, folder := range pluginFolders {
		if _, err := os.Stat(folder + "/bridge"); err == nil {
			return folder
		}
	}
	return ""
}

func missing() (packages []string) {
	for _, n := range needs {
		if _, err := exec.LookPath(n.program); err != nil {
			packages = append(packages, n.pkg)
		}
	}
	if Plugins() == "" {
		packages = append(packages, "containernetworking-plugins")
	}
	return packages
}

// Prepare makes sure that the machine has what a real node needs. On Debian as
// root it installs what is missing, and tells so before. The reason is empty
// when the node can be real, else it says in one sentence why not.
func Prepare(ctx context.Context, say func(string)) (reason string) {
	if runtime.GOOS != "linux" {
		return "a real node needs Linux, and this is " + runtime.GOOS
	}
	if os.Geteuid() != 0 {
		return "a real node needs root"
	}
	packages := missing()
	if len(packages) == 0 {
		return ""
	}
	list := strings.Join(packages, ", ")
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "a real node needs what Debian packages as " + list + ", which this machine lacks"
	}
	say("installing Debian packages: " + list)
	for _, args := range [][]string{
		append([]string{"install", "-y", "-qq", "--no-install-recommends"}, packages...),
		{"update", "-qq"},
		append([]string{"install", "-y", "-qq", "--no-install-recommends"}, packages...),
	} {
		cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-o", "DPkg::Lock::Timeout=120"}, args...)...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		output, err := cmd.CombinedOutput()
		if args[0] == "install" && err == nil {
			break
		}
		if args[0] == "update" && err != nil {
			return fmt.Sprintf("a real node needs the Debian packages %s, and apt-get update failed: %s", list, lastLine(output))
		}
	}
	if packages = missing(); len(packages) > 0 {
		return "a real node needs the Debian packages " + strings.Join(packages, ", ") + ", which could not be installed"
	}
	return ""
}

func lastLine(output []byte) string {
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	return lines[len(lines)-1]
}
