// What is kept of modules, and what happens when it is not what was written.
package machine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/rewrite"
)

// cachedRoom makes a room with a cache of its own and a log. To close it twice
// is to start again.
func cachedRoom(t testing.TB, o Options) (*Local, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	o.Logger = slog.New(slog.NewTextHandler(log, nil))
	l, err := NewLocal(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	return l, log
}

// answers loads a module, starts a machine of it and lets it answer.
func answers(t testing.TB, l *Local, wasm []byte) {
	t.Helper()
	c, report, err := l.Load(t.Context(), wasm)
	if err != nil {
		t.Fatal(err, report)
	}
	defer c.Close()
	m := startMachine(t, c, testStart(1))
	defer m.Close()
	if got := mustTurn(t, m, command(doAnswer, puppetWord, 5)); string(got) != "ready" {
		t.Fatalf("it answers %q", got)
	}
}

// files are those of a cache, artifact and machine code.
func files(t testing.TB, dir string) (artifacts, codes []string) {
	t.Helper()
	artifacts, _ = filepath.Glob(filepath.Join(dir, artifactsPrefix+"*", "*"))
	codes, _ = filepath.Glob(filepath.Join(dir, wazeroPrefix+"*", "*"))
	return artifacts, codes
}

const compiledNow = "a module was compiled"

func TestModuleIsCompiledOnce(t *testing.T) {
	dir, wasm := t.TempDir(), puppet(nil)
	first, log := cachedRoom(t, Options{CacheDir: dir})
	report, err := first.Prepare(t.Context(), wasm)
	if err != nil || report.Digest != Digest(wasm) || report.MinMemory != puppetBytes {
		t.Fatal(report, err)
	}
	answers(t, first, wasm)
	if n := strings.Count(log.String(), compiledNow); n != 1 {
		t.Errorf("it was compiled %d times\n%s", n, log)
	}
	_ = first.Close(t.Context())
	second, log := cachedRoom(t, Options{CacheDir: dir})
	again, err := second.Prepare(t.Context(), wasm)
	if err != nil || again.String() != report.String() || again.Functions != report.Functions || len(again.Imports) != 3 {
		t.Errorf("at first %+v, then %+v: %v", report, again, err)
	}
	answers(t, second, wasm)
	if strings.Contains(log.String(), compiledNow) {
		t.Errorf("the next room compiles it again\n%s", log)
	}
	artifacts, codes := files(t, dir)
	if len(artifacts) != 1 || len(codes) != 1 {
		t.Errorf("the cache has %v and %v", artifacts, codes)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, newPrefix+"*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestWhatWasNotWrittenHereIsNotLoaded flips bits, cuts files and puts others in
// their place.
func TestWhatWasNotWrittenHereIsNotLoaded(t *testing.T) {
	wasm, other := puppet(nil), puppet(code(sleb(1), 0x40, 0, 0x1a))
	dir := t.TempDir()
	room, _ := cachedRoom(t, Options{CacheDir: dir})
	if _, err := room.Prepare(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	others, otherCodes := files(t, dir)
	if _, err := room.Prepare(t.Context(), wasm); err != nil {
		t.Fatal(err)
	}
	artifacts, codes := files(t, dir)
	mine := func(all, others []string) string {
		for _, f := range all {
			if f != others[0] {
				return f
			}
		}
		t.Fatal("nothing was made of the second")
		return ""
	}
	artifact, code := mine(artifacts, others), mine(codes, otherCodes)
	other, err := os.ReadFile(otherCodes[0]) // it may be swept with what claims to be its own
	if err != nil {
		t.Fatal(err)
	}
	flip := func(path string, at int) func() error {
		return func() error {
			b, err := os.ReadFile(path)
			if err == nil {
				b[(at+len(b))%len(b)] ^= 4
				err = os.WriteFile(path, b, 0o600)
			}
			return err
		}
	}
	for name, harm := range map[string]func() error{
		"a bit at the artifact's beginning": flip(artifact, 0),
		"a bit in its sum":                  flip(artifact, 12),
		"a bit in the length of its head":   flip(artifact, artifactStart+2),
		"a bit in its head":                 flip(artifact, artifactStart+40),
		"a bit at its end":                  flip(artifact, -1),
		"half of it": func() error {
			return os.Truncate(artifact, 1000)
		},
		"nothing in it": func() error { return os.Truncate(artifact, 0) },
		"another module's": func() error {
			b, err := os.ReadFile(others[0])
			if err == nil {
				err = os.WriteFile(artifact, b, 0o600)
			}
			return err
		},
		"a link": func() error {
			if err := os.Rename(artifact, artifact+"-moved"); err != nil {
				return err
			}
			return os.Symlink(artifact+"-moved", artifact)
		},
		"a folder": func() error {
			if err := os.Remove(artifact); err != nil {
				return err
			}
			return os.Mkdir(artifact, 0o700)
		},
		"a bit in its machine code": flip(code, 300),
		"a bit at the code's end":   flip(code, -1),
		"another module's code":     func() error { return os.WriteFile(code, other, 0o600) },
		"no machine code":           func() error { return os.Remove(code) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := harm(); err != nil {
				t.Fatal(err)
			}
			room, log := cachedRoom(t, Options{CacheDir: dir})
			answers(t, room, wasm)
			if !strings.Contains(log.String(), compiledNow) || !strings.Contains(log.String(), "is not sound") {
				t.Errorf("what is spoiled was loaded, or nobody was told\n%s", log)
			}
			room, log = cachedRoom(t, Options{CacheDir: dir})
			answers(t, room, wasm)
			if strings.Contains(log.String(), compiledNow) {
				t.Errorf("what was made anew is not kept\n%s", log)
			}
		})
	}
}

func TestCacheIsSwept(t *testing.T) {
	dir := t.TempDir()
	room, _ := cachedRoom(t, Options{CacheDir: dir})
	modules := [][]byte{puppet(nil), puppet(code(sleb(1), 0x1a)), puppet(code(sleb(2), 0x1a))}
	total := int64(0)
	for n, wasm := range modules[:2] {
		if _, err := room.Prepare(t.Context(), wasm); err != nil {
			t.Fatal(err)
		}
		// The first was used last.
		artifacts, codes := files(t, dir)
		for _, f := range append(artifacts, codes...) {
			if info, err := os.Stat(f); err == nil && n == 0 {
				total += info.Size()
			}
			when := time.Now().Add(time.Duration(n-10) * time.Hour)
			_ = os.Chtimes(f, when, when)
		}
	}
	room.cache.find(Digest(modules[0])).close()
	room.cache.limit = 2*total + 10
	if _, err := room.Prepare(t.Context(), modules[2]); err != nil {
		t.Fatal(err)
	}
	for n, want := range []bool{true, false, true} {
		p := room.cache.find(Digest(modules[n]))
		if kept := p != nil; kept != want {
			t.Errorf("module %d is kept: %v", n, kept)
		} else if kept {
			p.close()
		}
	}
	if artifacts, codes := files(t, dir); len(artifacts) != 2 || len(codes) != 2 {
		t.Errorf("the cache has %v and %v", artifacts, codes)
	}
	room.cache.limit = 1 // less than one: the one that was asked for stays
	answers(t, room, modules[1])
	if artifacts, codes := files(t, dir); len(artifacts) != 1 || len(codes) != 1 {
		t.Errorf("the cache has %v and %v", artifacts, codes)
	}
}

func TestCacheKeepsNothingOfOtherVersions(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{artifactsPrefix + "0000", wazeroPrefix + "v0.9.0-z80-cpm", newPrefix + "123", newPrefix + "456", "somebody-elses"} {
		if err := os.MkdirAll(filepath.Join(dir, name, "x"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-2 * abandoned)
	if err := os.Chtimes(filepath.Join(dir, newPrefix+"123"), long, long); err != nil {
		t.Fatal(err)
	}
	cachedRoom(t, Options{CacheDir: dir})
	var left []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(dir, e.Name(), "x")); err == nil {
			left = append(left, e.Name())
		}
	}
	if got := strings.Join(left, " "); got != newPrefix+"456 somebody-elses" {
		t.Errorf("left are %s", got)
	}
}

// TestAnotherRewriterIsAnotherVersion fails when modules are prepared in another
// way than when the number was chosen: then preparation goes up by one, and the
// sum is what is said here.
func TestAnotherRewriterIsAnotherVersion(t *testing.T) {
	const version, want = 6, "d1e007d741cce05d"
	sum := sha256.New()
	for _, wasm := range [][]byte{puppet(nil), forever, deep, quick, floods} {
		m, err := rewrite.Decode(wasm, rewrite.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		w, err := m.Rewrite(rewrite.Options{Depth: maxDepth, TableCap: maxTable, Keep: exported()})
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(w.Wasm)
	}
	if got := hex.EncodeToString(sum.Sum(nil)[:8]); got != want || preparation != version {
		t.Errorf("preparation is %d and its sum %s; it was %d and %s", preparation, got, version, want)
	}
}

// FuzzArtifact reads arbitrary bytes as an artifact, of which the sum is right.
func FuzzArtifact(f *testing.F) {
	room, _ := cachedRoom(f, Options{CacheDir: f.TempDir()})
	if _, err := room.Prepare(context.Background(), puppet(nil)); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(room.cache.path(Digest(puppet(nil))))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b[artifactStart:])
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\x7f{}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		sum := sha256.Sum256(content)
		p, _, err := parseArtifact(append(append([]byte(artifactMagic), sum[:]...), content...))
		if err != nil {
			return
		}
		for _, e := range p.memory {
			if e.at < 0 || e.size != len(e.bytes) || e.end() > int(p.pages)*wasmPage {
				t.Errorf("%d bytes at %d of %d pages", e.size, e.at, p.pages)
			}
		}
	})
}
