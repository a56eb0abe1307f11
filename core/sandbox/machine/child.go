// Children: the program starts itself again, for work that is better done behind
// a wall of its own.
package machine

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

// childVariable names the child's work in its environment.
const childVariable = "ATOLL_SANDBOX_CHILD"

// children are the works by name; each gives the exit code.
var children = map[string]func() int{}

// RunChild does a child's work and exits, where this process was started as a
// child; otherwise it returns. A program whose rooms use children calls it first
// of all.
func RunChild() {
	name := os.Getenv(childVariable)
	if name == "" {
		return
	}
	_ = os.Unsetenv(childVariable)
	work := children[name]
	if work == nil {
		fmt.Fprintf(os.Stderr, "there is no child's work named %q\n", name)
		os.Exit(2)
	}
	os.Exit(work())
}

// child prepares this program as a child: with no argument, none of our
// environment and none of our files but those that are given to it.
func child(name string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.Command(self)
	if runtime.GOOS == "linux" { // this very file, also where another has taken its place
		cmd.Path = "/proc/self/exe"
	}
	cmd.Env = []string{childVariable + "=" + name}
	return cmd, nil
}
