// The list of what was changed outside the cluster's folder, so that stopping
// the cluster takes it back, also when another process started it.
package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// outside is the list, kept in a file.
type outside struct {
	file string

	// Settings of the kernel by their path, with the value that they had.
	Settings map[string]string `json:"settings"`
	// Folders that were made.
	Folders []string `json:"folders"`
	// Chains of the firewall, as "command table chain", that were there before.
	Chains []string `json:"chains"`
}

// readOutside reads the list; fresh tells that there was none.
func readOutside(file string) (o *outside, fresh bool, err error) {
	o = &outside{file: file, Settings: map[string]string{}}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return o, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading what was changed outside: %w", err)
	}
	if err := json.Unmarshal(text, o); err != nil {
		return nil, false, fmt.Errorf("reading what was changed outside: %s: %w", file, err)
	}
	if o.Settings == nil {
		o.Settings = map[string]string{}
	}
	return o, false, nil
}

func (o *outside) write() error {
	text, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return fmt.Errorf("writing down what is changed outside: %w", err)
	}
	if err := os.WriteFile(o.file, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing down what is changed outside: %w", err)
	}
	return nil
}

// kernelSettings are those that a node changes: forwarding for the network of
// pods, and what the kubelet sets by itself.
var kernelSettings = []string{
	"net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables",
	"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
	"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
}

// rememberSettings writes down the values before anything changes them.
func (o *outside) rememberSettings() {
	for _, name := range kernelSettings {
		path := filepath.Join("/proc/sys", name)
		if _, known := o.Settings[path]; known {
			continue
		}
		if value, err := os.ReadFile(path); err == nil {
			o.Settings[path] = strings.TrimSpace(string(value))
		}
	}
}

// makeFolder makes a folder outside and writes it down, unless it is there.
func (o *outside) makeFolder(name string) error {
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	if err := os.Mkdir(name, 0o755); err != nil {
		return fmt.Errorf("making a mount point: %w", err)
	}
	if !slices.Contains(o.Folders, name) {
		o.Folders = append(o.Folders, name)
	}
	return o.write()
}

// takeBack undoes settings and folders, and removes the list.
func (o *outside) takeBack() error {
	var faults []error
	for path, value := range o.Settings {
		now, err := os.ReadFile(path)
		if err != nil || strings.TrimSpace(string(now)) == value {
			continue
		}
		if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
			faults = append(faults, fmt.Errorf("setting %s back to %s: %w", path, value, err))
		}
	}
	for _, name := range o.Folders {
		// Only as empty as it was made: what somebody else put there stays.
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			faults = append(faults, fmt.Errorf("removing a mount point: %w", err))
		}
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	if err := os.Remove(o.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the list of what was changed outside: %w", err)
	}
	return nil
}
