// Control groups: the one that all pods of this cluster are in, on machines
// with version 1, version 2 and a mixture of both.
package node

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hierarchies returns where control groups are mounted.
func hierarchies() ([]string, error) {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return nil, fmt.Errorf("looking for control groups: %w", err)
	}
	defer f.Close()
	var found []string
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if len(fields) > 3 && (fields[2] == "cgroup" || fields[2] == "cgroup2") {
			found = append(found, fields[1])
		}
	}
	return found, nil
}

// unified tells whether a hierarchy is one of version 2.
func unified(hierarchy string) bool {
	_, err := os.Stat(filepath.Join(hierarchy, "cgroup.controllers"))
	return err == nil
}

// makeGroup makes a group with the given name everywhere.
func makeGroup(name string) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New("no control groups are mounted on this machine")
	}
	for _, hierarchy := range all {
		if unified(hierarchy) {
			if err := delegate(hierarchy); err != nil {
				return err
			}
		}
		group := filepath.Join(hierarchy, name)
		if err := os.Mkdir(group, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("making the control group of pods: %w", err)
		}
		if err := inheritCPUs(hierarchy, group); err != nil {
			return err
		}
		if unified(hierarchy) {
			if err := delegate(group); err != nil {
				return err
			}
		}
	}
	return nil
}

// inheritCPUs fills what is empty in a new cpuset group of version 1, without
// which no process may enter it.
func inheritCPUs(parent, group string) error {
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		file := filepath.Join(group, name)
		have, err := os.ReadFile(file)
		if err != nil || strings.TrimSpace(string(have)) != "" || unified(parent) {
			continue
		}
		value, err := os.ReadFile(filepath.Join(parent, name))
		if err != nil {
			return fmt.Errorf("making the control group of pods: %w", err)
		}
		if err := os.WriteFile(file, value, 0o644); err != nil {
			return fmt.Errorf("making the control group of pods: %w", err)
		}
	}
	return nil
}

// delegate lets the children of a version 2 group use all controllers that it
// has. In a container the top group holds processes, which version 2 forbids of
// a group that delegates: they move to a group of their own.
func delegate(group string) error {
	text, err := os.ReadFile(filepath.Join(group, "cgroup.controllers"))
	if err != nil {
		return fmt.Errorf("reading the controllers of %s: %w", group, err)
	}
	var wanted []string
	for _, c := range strings.Fields(string(text)) {
		if slices.Contains([]string{"cpu", "cpuset", "memory", "io", "pids", "hugetlb"}, c) {
			wanted = append(wanted, "+"+c)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	control := filepath.Join(group, "cgroup.subtree_control")
	err = os.WriteFile(control, []byte(strings.Join(wanted, " ")), 0o644)
	if err == nil {
		return nil
	}
	inner := filepath.Join(group, "init")
	if mkErr := os.Mkdir(inner, 0o755); mkErr != nil && !errors.Is(mkErr, fs.ErrExist) {
		return fmt.Errorf("delegating controllers of %s: %w", group, err)
	}
	for _, pid := range members(group) {
		// One that ends meanwhile needs no group.
		_ = os.WriteFile(filepath.Join(inner, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644)
	}
	if err := os.WriteFile(control, []byte(strings.Join(wanted, " ")), 0o644); err != nil {
		return fmt.Errorf("delegating controllers of %s: %w", group, err)
	}
	return nil
}

func members(group string) []int {
	text, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
	if err != nil {
		return nil
	}
	var pids []int
	for _, field := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}

// inGroup returns all processes in a group and those below it.
func inGroup(name string) []int {
	all, err := hierarchies()
	if err != nil {
		return nil
	}
	var pids []int
	for _, hierarchy := range all {
		_ = filepath.WalkDir(filepath.Join(hierarchy, name), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return nil
			}
			pids = append(pids, members(path)...)
			return nil
		})
	}
	slices.Sort(pids)
	return slices.Compact(pids)
}

// removeGroup removes a group everywhere, those below it first. It holds no process any more.
func removeGroup(name string) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	var faults []error
	for _, hierarchy := range all {
		var groups []string
		_ = filepath.WalkDir(filepath.Join(hierarchy, name), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				groups = append(groups, path)
			}
			return nil
		})
		for _, group := range slices.Backward(groups) {
			if err := removeEmpty(group); err != nil {
				faults = append(faults, err)
			}
		}
	}
	return errors.Join(faults...)
}

// removeEmpty waits a little: the kernel lets go of a group a moment after its
// last process has ended.
func removeEmpty(group string) error {
	for deadline := time.Now().Add(3 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := os.Remove(group)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("removing a control group: %w", err)
		}
	}
}
