// The wall around the sandbox's process, as Linux has it. The core takes
// everything from the thread that starts the child, which lives and dies with it:
// so no instruction of the child ever runs with more.
package machine

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hardenChild takes from this thread what the child must not have, and gives the
// parts of the wall that this system lacks. The thread must not be used for
// anything else afterwards.
func hardenChild(cmd *exec.Cmd, cacheDir string) (lacking []string) {
	lacks := func(part string, err error) {
		if err != nil {
			lacking = append(lacking, fmt.Sprintf("%s (%v)", part, err))
		}
	}
	cmd.Args = []string{filepath.Base(cmd.Args[0]) + "-sandbox"} // as it is called among processes
	// A session of its own: no terminal's signal finds it. It dies with the thread.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	lacks("no_new_privs", unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	lacks("dropping capabilities", dropCapabilities())
	abi, err := restrictFiles(cmd.Path, cacheDir)
	lacks("Landlock", err)
	for _, part := range []struct {
		since int
		what  string
	}{{3, "Landlock for truncating files"}, {4, "Landlock for TCP"}, {6, "Landlock for signals"}} {
		if err == nil && abi < part.since {
			lacking = append(lacking, part.what)
		}
	}
	lacks("seccomp", refuseCalls()) // last: it refuses nothing that was needed so far
	return lacking
}

// keepAll is keepDescriptors in one call, from Linux 5.11 on. It needs no files,
// of which the sandbox's process has none.
func keepAll() error { return unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) }

func isMainThread() bool { return unix.Gettid() == os.Getpid() }

// dropCapabilities makes what is executed next have none, root's program too.
func dropCapabilities() error {
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	for capability := range uintptr(64) {
		switch err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0); {
		case errors.Is(err, unix.EINVAL): // the kernel knows no more of them
			return nil
		case errors.Is(err, unix.EPERM) && os.Geteuid() != 0: // there are none
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// What of the file system Landlock may allow, by the version that brought it.
const (
	landlockFiles1 = unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1
	landlockRead   = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_EXECUTE
	landlockCache  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR |
		unix.LANDLOCK_ACCESS_FS_REFER | unix.LANDLOCK_ACCESS_FS_TRUNCATE
)

// restrictFiles leaves this thread the cache and what it takes to execute the
// program, no other file, no TCP, and no way to signal anybody outside. It gives
// the version of Landlock.
func restrictFiles(program, cacheDir string) (abi int, err error) {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0, errno
	}
	abi = int(version)
	rules := unix.LandlockRulesetAttr{Handled_access_fs: landlockFiles1}
	if abi >= 2 {
		rules.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		rules.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= 4 {
		rules.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if abi >= 5 {
		rules.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if abi >= 6 {
		rules.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&rules)), unsafe.Sizeof(rules), 0)
	if errno != 0 {
		return abi, errno
	}
	defer unix.Close(int(fd))
	files, err := executed(program)
	if err != nil {
		return abi, err
	}
	for _, name := range files {
		if err := allow(int(fd), name, landlockRead&rules.Handled_access_fs); err != nil {
			return abi, fmt.Errorf("%s: %w", name, err)
		}
	}
	if cacheDir != "" {
		if err := allow(int(fd), cacheDir, landlockCache&rules.Handled_access_fs); err != nil {
			return abi, fmt.Errorf("%s: %w", cacheDir, err)
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return abi, errno
	}
	return abi, nil
}

// allow adds a file, or a folder with what is in it, to a ruleset.
func allow(ruleset int, name string, access uint64) error {
	f, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(f)
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(f)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// executed are the files that executing this program again takes: itself, and
// where it is not all in one file, what the linker has loaded into this process.
func executed(program string) ([]string, error) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil, err
	}
	files, seen := []string{program}, map[string]bool{}
	for lines := bufio.NewScanner(bytes.NewReader(maps)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 6 && strings.Contains(fields[1], "x") && strings.HasPrefix(fields[5], "/") && !seen[fields[5]] {
			seen[fields[5]] = true
			files = append(files, fields[5])
		}
	}
	if _, err := os.Stat("/etc/ld.so.cache"); err == nil && len(seen) > 1 {
		files = append(files, "/etc/ld.so.cache")
	}
	return files, nil
}

// hardenSelf is the child's own part of the wall, which is the whole process's.
func hardenSelf() (lacking []string) {
	lacks := func(part string, err error) {
		if err != nil {
			lacking = append(lacking, fmt.Sprintf("%s (%v)", part, err))
		}
	}
	lacks("being no one's to read", unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0))
	for what, most := range map[int]uint64{
		unix.RLIMIT_CORE:   0,
		unix.RLIMIT_NOFILE: 4 * maxLines,
		unix.RLIMIT_FSIZE:  2 << 30,
	} {
		var have unix.Rlimit
		err := unix.Getrlimit(what, &have)
		if most = min(most, have.Max); err == nil {
			err = unix.Setrlimit(what, &unix.Rlimit{Cur: most, Max: most})
		}
		lacks("a limit", err)
	}
	return lacking
}

// resident is what of a process is in memory, in bytes.
func resident(pid int) uint64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseUint(fields[1], 10, 64)
	return pages * uint64(os.Getpagesize())
}
