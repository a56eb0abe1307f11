// The keeper's mounts: what the programs of the node see instead of the
// machine's folders below /run and /var.
package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/atoll-platform/atoll/manifests/local/place"
)

// Cover mounts the node's own folders over the machine's. It is called in a
// process that has mounts of its own.
func Cover(d place.Dir) error {
	if err := keepResolver(d.Node("run")); err != nil {
		return err
	}
	for _, c := range covered(d) {
		if err := syscall.Mount(c[1], c[0], "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
			return fmt.Errorf("mounting %s at %s: %w", c[1], c[0], err)
		}
	}
	// Volumes that a container mounts for others are shared among the node's programs.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, ""); err != nil {
		return fmt.Errorf("sharing mounts among the node's programs: %w", err)
	}
	return nil
}

// keepResolver copies the machine's resolv.conf where it lies below /run.
func keepResolver(run string) error {
	real, err := filepath.EvalSymlinks("/etc/resolv.conf")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finding resolv.conf: %w", err)
	}
	below, ok := strings.CutPrefix(real, "/run/")
	if !ok {
		return nil
	}
	text, err := os.ReadFile(real)
	if err != nil {
		return fmt.Errorf("reading resolv.conf: %w", err)
	}
	to := filepath.Join(run, below)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return fmt.Errorf("copying resolv.conf: %w", err)
	}
	return os.WriteFile(to, text, 0o644)
}
