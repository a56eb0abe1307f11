// Children: the program starts itself again, for work that is better done behind
// a wall of its own.
package machine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
)

// childVariable names the child's work in its environment.
const childVariable = "ATOLL_SANDBOX_CHILD"

// children are the works by name; each gives the exit code.
var children = map[string]func() int{}

// canBeChild tells that this program does a child's work where it is started for
// that. One that does not would do all of its own work again, and start a child of
// its own for it.
var canBeChild atomic.Bool

// RunChild does a child's work and exits, where this process was started as a
// child; otherwise it returns. A program whose rooms use children calls it first
// of all.
func RunChild() {
	canBeChild.Store(true)
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
	if !canBeChild.Load() {
		return nil, errors.New("this program cannot be its own child: it must call RunChild first of all")
	}
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
