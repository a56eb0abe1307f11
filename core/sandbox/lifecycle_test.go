// Guests are loaded when they are needed, kept apart as their isolation says,
// and unloaded when nobody needs them.
package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
)

func TestNothingIsLoadedBeforeTheFirstRequest(t *testing.T) {
	f := start(t, sandbox.Options{})
	read := atomic.Int64{}
	wasm := sandboxtest.Guest(t, "testdata/guests/kit")
	g := f.engine.Load(sandbox.Spec{Name: "kit", Wasm: func() ([]byte, error) { read.Add(1); return wasm, nil }})
	if s := g.Stats(); read.Load() != 0 || s.Loaded || s.Instances != 0 {
		t.Errorf("before: read %d times, %+v", read.Load(), s)
	}
	var wg sync.WaitGroup
	for range 10 { // the first ones come together
		wg.Go(func() {
			if _, err := get(t.Context(), g, "/count"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if s := g.Stats(); read.Load() != 1 || !s.Loaded || s.Instances != 1 {
		t.Errorf("after: read %d times, %+v", read.Load(), s)
	}
}

func TestIdleGuestIsUnloadedAndComesBack(t *testing.T) {
	f := start(t, sandbox.Options{IdleAfter: 50 * time.Millisecond})
	g := f.load("kit", nil)
	for n := range 5 {
		if got, err := get(t.Context(), g, "/count"); err != nil || got != "1" {
			t.Fatalf("round %d: %q, %v", n, got, err)
		}
		eventually(t, "it is unloaded", func() bool { s := g.Stats(); return !s.Loaded && s.Instances == 0 && s.Memory == 0 })
	}
	// One that is in use stays, however long it takes.
	done := make(chan error)
	go func() {
		_, err := get(t.Context(), g, "/sleep/200")
		done <- err
	}()
	if err := <-done; err != nil {
		t.Errorf("a request longer than the idle time: %v", err)
	}
}

func TestRequestsRaceWithUnloading(t *testing.T) {
	f := start(t, sandbox.Options{IdleAfter: 2 * time.Millisecond})
	g := f.load("kit", nil)
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for range 10 {
				r := as(fmt.Sprint(n%2), "GET", "/json/x")
				resp, err := g.Do(t.Context(), r)
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				time.Sleep(time.Duration(n) * time.Millisecond) // so that some come as it goes
			}
		})
	}
	wg.Wait()
}

func TestIsolationSaysWhoSharesMemory(t *testing.T) {
	f := start(t, sandbox.Options{})
	alice := sandbox.Caller{User: "alice", UserUID: "u-a", Workspace: "one", WorkspaceUID: "w-1"}
	aliceToo := alice
	aliceToo.Workspace, aliceToo.WorkspaceUID = "two", "w-2"
	bob := sandbox.Caller{User: "bob", UserUID: "u-b", Workspace: "one", WorkspaceUID: "w-1"}
	aliceNowhere := sandbox.Caller{User: "alice", UserUID: "u-a"}
	bobNowhere := sandbox.Caller{User: "bob", UserUID: "u-b"}
	callers := []sandbox.Caller{alice, alice, bob, aliceToo, aliceNowhere, bobNowhere}
	for isolation, want := range map[sandbox.Isolation]string{
		sandbox.IsolateShared:    "1 2 3 4 5 6",
		sandbox.IsolateWorkspace: "1 2 3 1 1 1",
		sandbox.IsolateUser:      "1 2 1 1 1 1",
		sandbox.IsolateRequest:   "1 1 1 1 1 1",
		"":                       "1 2 3 1 1 1",
		"something else":         "1 1 1 1 1 1",
	} {
		t.Run(string(isolation), func(t *testing.T) {
			g := f.load("kit", func(s *sandbox.Spec) { s.Isolation = isolation })
			var counts []string
			for _, c := range callers {
				r := request("GET", "/count", nil)
				r.Caller = c
				resp, err := g.Do(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				b, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				counts = append(counts, string(b))
			}
			if got := strings.Join(counts, " "); got != want {
				t.Errorf("they count %s, want %s", got, want)
			}
			if isolation == sandbox.IsolateRequest {
				eventually(t, "nothing stays of a request", func() bool { return g.Stats().Instances == 0 })
			}
		})
	}
}

func TestClosingDrains(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", nil)
	if _, err := get(t.Context(), g, "/count"); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		got, err := get(t.Context(), g, "/sleep/100")
		if err == nil && got == "" {
			err = errors.New("an empty answer")
		}
		answered <- err
	}()
	eventually(t, "it is open", func() bool { return g.Stats().Streams == 1 })
	closed := make(chan error, 1)
	go func() { closed <- g.Close(context.Background()) }()
	eventually(t, "nothing new is taken", func() bool {
		_, err := get(t.Context(), g, "/count")
		return errors.Is(err, sandbox.ErrClosed)
	})
	if err := <-answered; err != nil {
		t.Errorf("what was open was lost: %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if s := g.Stats(); s.Loaded || s.Instances != 0 {
		t.Errorf("%+v", s)
	}
}

func TestClosingInAHurryEndsWhatIsOpen(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", nil)
	if _, err := get(t.Context(), g, "/count"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	for _, target := range []string{"/sleep/60000", "/loop"} {
		go func() {
			_, err := get(context.WithoutCancel(t.Context()), g, target)
			ended <- err
		}()
	}
	eventually(t, "both are open", func() bool { return g.Stats().Streams == 2 })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := g.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("closing said %v", err)
	}
	for range 2 {
		if err := <-ended; !errors.Is(err, sandbox.ErrClosed) {
			t.Errorf("a stream ended with %v", err)
		}
	}
	if s := g.Stats(); s.Loaded || s.Instances != 0 || s.Memory != 0 {
		t.Errorf("%+v", s)
	}
}

func TestModuleOfAnotherDigestIsRefused(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", func(s *sandbox.Spec) { s.Digest = "sha256:" + strings.Repeat("0", 64) })
	if _, err := get(t.Context(), g, "/count"); !errors.Is(err, sandbox.ErrModule) {
		t.Errorf("it ran: %v", err)
	}
	report, err := f.engine.Prepare(t.Context(), sandboxtest.Guest(t, "testdata/guests/kit"))
	if err != nil {
		t.Fatal(err)
	}
	g = f.load("kit", func(s *sandbox.Spec) { s.Digest = report.Digest })
	if _, err := get(t.Context(), g, "/count"); err != nil {
		t.Errorf("the digest that Prepare says: %v", err)
	}
}

func TestCompiledModulesAreKeptPrivately(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	wasm := sandboxtest.Guest(t, "testdata/guests/raw")
	engine, err := sandbox.New(t.Context(), sandbox.Options{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Prepare(t.Context(), wasm); err != nil {
		t.Fatal(err)
	}
	if err := engine.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder is %v, %v", info.Mode(), err)
	}
	before := files(t, dir)
	if len(before) == 0 {
		t.Fatal("nothing was kept")
	}
	// Another process finds it, and writes nothing new.
	engine, err = sandbox.New(t.Context(), sandbox.Options{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Prepare(t.Context(), wasm); err != nil {
		t.Fatal(err)
	}
	engine.Close(t.Context())
	if after := files(t, dir); !slices.EqualFunc(before, after, os.SameFile) { // a file that is written anew is another
		t.Errorf("it was compiled again: %v, then %v", before, after)
	}
	// A folder that others may write to is closed to them first; a link is not followed.
	open := filepath.Join(t.TempDir(), "open")
	os.Mkdir(open, 0o777)
	os.Chmod(open, 0o777)
	engine, err = sandbox.New(t.Context(), sandbox.Options{CacheDir: open})
	if err != nil {
		t.Fatal(err)
	}
	engine.Close(t.Context())
	if info, _ := os.Stat(open); info.Mode().Perm() != 0o700 {
		t.Errorf("an open folder stays %v", info.Mode())
	}
	link := filepath.Join(t.TempDir(), "link")
	os.Symlink(open, link)
	if _, err := sandbox.New(t.Context(), sandbox.Options{CacheDir: link}); err == nil {
		t.Error("a link was followed")
	}
}

func files(t *testing.T, dir string) (all []os.FileInfo) {
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			info, ierr := d.Info()
			if ierr != nil {
				return ierr
			}
			all = append(all, info)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestModulesThatCannotRunAreRefusedWithAllTheirFaults(t *testing.T) {
	f := start(t, sandbox.Options{MaxModule: 8 << 20})
	good := sandboxtest.Guest(t, "testdata/guests/raw")
	if report, err := f.engine.Prepare(t.Context(), good); err != nil || report.Size != len(good) || report.Functions == 0 || report.MinMemory == 0 {
		t.Fatalf("a good one: %+v, %v", report, err)
	}
	for name, c := range map[string]struct {
		wasm []byte
		want []string
	}{
		"no module":      {[]byte("hello"), []string{"does not begin as a WebAssembly module"}},
		"half a module":  {good[:len(good)/2], []string{"cannot be read"}},
		"too large":      {bytes.Repeat(good, 8<<20/len(good)+1), []string{"at most 8388608 are taken"}},
		"invalid inside": {spoiled(good), []string{"cannot be read: at byte"}},
		"everything else": {everythingWrong(), []string{
			"It imports env.system.", "as (i32 -> i32); it is (i32 ->)", "It imports wasi_snapshot_preview1.nonsense, which",
			"It has 0 memories", "It exports _start", "It exports the function extra", "It exports atoll_poll as (->)",
			"It does not export memory.", "It does not export atoll_wire_1.", "It does not export atoll_buffer.", "start section",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := f.engine.Prepare(t.Context(), c.wasm)
			if !errors.Is(err, sandbox.ErrModule) || len(report.Faults) == 0 {
				t.Fatalf("it was taken: %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(report.String(), want) {
					t.Errorf("the report does not say %q:\n%s", want, report)
				}
			}
			if len(c.want) > 1 && len(report.Faults) != len(c.want) {
				t.Errorf("%d faults, want %d:\n%s", len(report.Faults), len(c.want), report)
			}
		})
	}
}

// spoiled breaks an instruction, the last one of the last function.
func spoiled(good []byte) []byte {
	b := bytes.Clone(good)
	for at := 8; at < len(b); {
		id, size, n := b[at], 0, 1
		for shift := 0; ; shift += 7 {
			size |= int(b[at+n]&0x7f) << shift
			n++
			if b[at+n-1] < 0x80 {
				break
			}
		}
		if id == 10 {
			body := b[at+n : at+n+size]
			body[len(body)-2] = 0x6a // i32.add, of nothing
			return b
		}
		at += n + size
	}
	return b
}

// everythingWrong is a module that breaks every rule about its outside.
func everythingWrong() []byte {
	name := func(s string) []byte { return append([]byte{byte(len(s))}, s...) }
	section := func(id byte, parts ...[]byte) []byte {
		content := bytes.Join(parts, nil)
		return append([]byte{id, byte(len(content))}, content...)
	}
	return bytes.Join([][]byte{
		[]byte("\x00asm\x01\x00\x00\x00"),
		section(1, []byte{2, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f}),
		section(2, []byte{3},
			name("env"), name("system"), []byte{0, 0},
			name("wasi_snapshot_preview1"), name("proc_exit"), []byte{0, 1},
			name("wasi_snapshot_preview1"), name("nonsense"), []byte{0, 0}),
		section(3, []byte{1, 0}),
		section(7, []byte{3}, name("_start"), []byte{0, 3}, name("extra"), []byte{0, 3}, name("atoll_poll"), []byte{0, 3}),
		section(8, []byte{3}),
		section(10, []byte{1, 2, 0, 0x0b}),
	}, nil)
}
