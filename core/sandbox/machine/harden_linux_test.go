// What the sandbox's process has, seen from outside, and what it can do, as it
// finds itself.
package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// attempts are what the process tries; each succeeds where there is no wall.
var attempts = map[string]func(cache string) error{
	"read a file":       func(string) error { _, err := os.ReadFile("/etc/passwd"); return err },
	"list a folder":     func(string) error { _, err := os.ReadDir("/"); return err },
	"see processes":     func(string) error { _, err := os.ReadDir("/proc"); return err },
	"make a file":       func(string) error { return os.WriteFile("/tmp/atoll-sandbox-probe", nil, 0o600) },
	"read past a cache": func(cache string) error { _, err := os.ReadFile(filepath.Join(cache, "..", "secret")); return err },
	"connect by TCP": func(string) error {
		_, err := net.Dial("tcp", "127.0.0.1:1")
		if errors.Is(err, syscall.ECONNREFUSED) {
			return nil
		}
		return err
	},
	"listen by TCP": func(string) error { _, err := net.Listen("tcp", "127.0.0.1:0"); return err },
	"speak UDP": func(string) error {
		c, err := net.Dial("udp", "127.0.0.1:1")
		if err == nil {
			_, err = c.Write([]byte("x"))
		}
		return err
	},
	"open a keyring": func(string) error {
		_, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_PROCESS_KEYRING, true)
		return err
	},
	"signal the core": func(string) error { return syscall.Kill(os.Getppid(), 0) },
	"trace the core":  func(string) error { return syscall.PtraceAttach(os.Getppid()) },
	"execute": func(string) error {
		_, err := syscall.ForkExec("/bin/true", []string{"true"}, nil)
		return err
	},
	"become dumpable in place": func(string) error {
		n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		if err == nil && n == 0 {
			err = fs.ErrPermission
		}
		return err
	},
}

// needed is what it must be able to do.
func needed(cache string) error {
	dir := filepath.Join(cache, "folder")
	name := filepath.Join(dir, "file")
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		err = os.WriteFile(name, []byte("code"), 0o600)
	}
	if err == nil {
		err = os.Rename(name, filepath.Join(cache, "moved"))
	}
	if err == nil {
		_, err = os.ReadFile(filepath.Join(cache, "moved"))
	}
	if err == nil {
		err = os.RemoveAll(dir)
	}
	if err == nil && pagemap() == nil { // which every kernel has that has all of the wall
		err = errors.New("it does not see which pages were written")
	}
	return err
}

func init() {
	// A process that tries what it can, and greets with what it could.
	children["probe"] = func() int {
		door, lacking, err := enter()
		if err != nil {
			return 1
		}
		err = serve(door, lacking, func(o Options) (Room, error) {
			var could []string
			for what, try := range attempts {
				if try(o.CacheDir) == nil {
					could = append(could, what)
				}
			}
			slices.Sort(could)
			text, _ := json.Marshal(could)
			if err := needed(o.CacheDir); err != nil {
				return nil, err
			}
			return nil, fmt.Errorf("it could %s", text)
		})
		fmt.Println(err)
		return 1
	}
}

func TestProcessCanDoNothingButItsWork(t *testing.T) {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 || abi < 6 {
		t.Skipf("this kernel has Landlock %d (%v)", abi, errno)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := newRemote(t.Context(), Options{Logger: quiet, CacheDir: filepath.Join(dir, "cache")}, "probe", patient)
	if err == nil || !strings.HasSuffix(err.Error(), "it could null") {
		t.Errorf("%v", err)
	}
	for what, try := range attempts { // a probe that can find nothing finds nothing
		if what == "trace the core" || what == "read past a cache" {
			continue
		}
		if err := try(dir); err != nil {
			t.Logf("without the wall too it cannot %s: %v", what, err)
		}
	}
	os.Remove("/tmp/atoll-sandbox-probe")
}

func TestProcessHasNothingOfTheCores(t *testing.T) {
	t.Setenv("A_SECRET", "of the core")
	secret, err := os.CreateTemp(t.TempDir(), "secret")
	if err != nil {
		t.Fatal(err)
	}
	defer secret.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	inherited, err := syscall.Open(secret.Name(), syscall.O_RDONLY, 0) // as a parent leaves one
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(inherited)
	r := starts(t, processWork, patient)
	if _, err := say(running(t, r), "hello"); err != nil {
		t.Fatal(err)
	}
	life := r.Life()
	proc := func(name string) string {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", life.PID, name))
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	for variable := range strings.SplitSeq(strings.TrimRight(proc("environ"), "\x00"), "\x00") {
		name, _, _ := strings.Cut(variable, "=")
		if !slices.Contains([]string{childVariable, "GOMAXPROCS"}, name) {
			t.Errorf("its environment has %q", variable)
		}
	}
	if args := strings.Split(strings.TrimRight(proc("cmdline"), "\x00"), "\x00"); len(args) != 1 || !strings.HasSuffix(args[0], "-sandbox") {
		t.Errorf("it is called %q", args)
	}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", life.PID))
	if err != nil || len(files) < 4 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		file, err := os.Readlink(name)
		if err != nil {
			continue // closed meanwhile
		}
		if file == fmt.Sprintf("/proc/%d/pagemap", life.PID) { // of its own memory
			continue
		}
		kind, _, _ := strings.Cut(file, ":")
		if file != os.DevNull && !strings.HasPrefix(file, "/memfd:") && !slices.Contains([]string{"socket", "pipe", "anon_inode"}, kind) {
			t.Errorf("it has %s open", file)
		}
	}
	if inet := proc("net/tcp"); inet == "" {
		t.Error("its network cannot be seen: the test tests nothing")
	}
	if dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", life.PID)); err != nil || dir != "/" {
		t.Errorf("it stands in %s, %v", dir, err)
	}
	if sid, err := unix.Getsid(life.PID); err != nil || sid != life.PID {
		t.Errorf("its session is %d, %v", sid, err)
	}
	status := proc("status")
	for _, want := range []string{"NoNewPrivs:\t1", "Seccomp:\t2", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "CapAmb:\t0000000000000000"} {
		if !strings.Contains(status, want+"\n") && (os.Geteuid() == 0 || !strings.HasPrefix(want, "CapBnd")) {
			t.Errorf("its status lacks %q:\n%s", want, status)
		}
	}
	if limits := proc("limits"); !strings.Contains(strings.Join(strings.Fields(limits), " "), "Max core file size 0 0 bytes") {
		t.Errorf("its limits are\n%s", limits)
	}
	if life.Memory < 1<<20 || len(life.Lacking) > 0 {
		t.Errorf("%+v", life)
	}
}

func TestProcessCompilesInChildrenOfItsOwn(t *testing.T) {
	r, err := newRemote(t.Context(), Options{Logger: quiet, CacheDir: filepath.Join(t.TempDir(), "cache"), CompileInChild: true}, processWork, patient)
	if err != nil {
		t.Fatal(err)
	}
	closing(t, r)
	if turn, err := say(running(t, r), "hello"); err != nil || string(turn.Frames) != "hello" {
		t.Errorf("%+v, %v", turn, err)
	}
}

func TestCoreKeepsWhatItTakesFromTheProcess(t *testing.T) {
	starts(t, processWork, patient)
	// The core's own threads are as they were, however many there are.
	tasks, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(tasks) == 0 {
		t.Fatal(err)
	}
	hardened := 0
	for _, name := range tasks {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		text, _ := io.ReadAll(f)
		f.Close()
		if strings.Contains(string(text), "NoNewPrivs:\t1") {
			hardened++
		}
	}
	if hardened != 1 {
		t.Errorf("%d threads of the core have lost something; the one that started the process should", hardened)
	}
}
