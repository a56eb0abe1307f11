// The cache: what has been made of modules, kept between runs.
//
// A folder holds the artifacts of this version, by the digest of the original,
// and beside it lies wazero's with the machine code. An artifact knows the sum of
// the code that goes with it: nothing is loaded that was not made here. What
// another version has left is removed, and what was used longest ago when it all
// comes to too much.
package machine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"golang.org/x/sys/cpu"
)

// Names of folders in a cache; others are not ours.
const (
	artifactsPrefix = "artifacts-"
	wazeroPrefix    = "wazero-"
	newPrefix       = "new-" // something is being made there
)

// artifactName is the file of an artifact while it is being made.
const artifactName = "artifact"

// abandoned is how long nobody works on something new.
const abandoned = time.Hour

type cache struct {
	dir       string
	artifacts string // folder
	compiled  string // wazero's, by its name
	limit     int64
	log       *slog.Logger
}

// openCache makes a cache of a folder, or takes up the one that is there.
func openCache(dir string, limit int64, log *slog.Logger) (*cache, error) {
	if err := privateDir(dir); err != nil {
		return nil, err
	}
	c := &cache{dir: dir, limit: limit, log: log}
	probe, err := c.begin()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(probe)
	if c.compiled, err = wazeroFolder(probe); err != nil {
		return nil, err
	}
	c.artifacts = filepath.Join(dir, artifactsPrefix+c.version())
	for _, folder := range []string{c.artifacts, filepath.Join(dir, c.compiled)} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
	}
	return c, c.clean()
}

// wazeroFolder asks wazero how the folder is called that it makes.
func wazeroFolder(empty string) (string, error) {
	made, err := wazero.NewCompilationCacheWithDir(empty)
	if err != nil {
		return "", err
	}
	_ = made.Close(context.Background())
	entries, err := os.ReadDir(empty)
	if err != nil || len(entries) != 1 || !strings.HasPrefix(entries[0].Name(), wazeroPrefix) {
		return "", fmt.Errorf("wazero keeps its code in another way than in one folder: %w", err)
	}
	return entries[0].Name(), nil
}

// version tells artifacts apart that would not be made alike: by another
// version, or for another processor.
func (c *cache) version() string {
	sum := sha256.Sum256(fmt.Append(nil, preparation, maxDepth, maxTable, features, exported(), c.compiled, os.Getpagesize(), runtime.GOARCH, cpu.X86, cpu.ARM64))
	return hex.EncodeToString(sum[:8])
}

// clean removes what other versions and broken-off work have left.
func (c *cache) clean() error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, path := e.Name(), filepath.Join(c.dir, e.Name())
		old := strings.HasPrefix(name, artifactsPrefix) && path != c.artifacts || strings.HasPrefix(name, wazeroPrefix) && name != c.compiled
		if info, err := e.Info(); err == nil && strings.HasPrefix(name, newPrefix) {
			old = time.Since(info.ModTime()) > abandoned
		}
		if old && e.IsDir() {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
			c.log.Info("removed compiled modules of another version", slog.String("folder", name))
		}
	}
	return nil
}

// begin makes a folder in which something new can be made. Who does removes it.
func (c *cache) begin() (string, error) { return os.MkdirTemp(c.dir, newPrefix) }

// path is where the artifact of a module lies.
func (c *cache) path(digest string) string {
	return filepath.Join(c.artifacts, strings.TrimPrefix(digest, "sha256:"))
}

// find gives what was made of a module, and nil if nothing sound is there.
func (c *cache) find(digest string) *prepared {
	path := c.path(digest)
	p, code, err := readArtifact(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		if err = c.check(p, code, digest, filepath.Join(c.dir, c.compiled)); err != nil {
			p.close()
		}
	}
	if err != nil {
		c.log.Warn("what was kept of a module is not sound, and is made anew", slog.String("digest", digest), slog.Any("why", err))
		c.drop(digest)
		return nil
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now)
	if code != nil {
		_ = os.Chtimes(filepath.Join(c.dir, c.compiled, code.Name), now, now)
	}
	return p
}

var codeName = regexp.MustCompile(`^[0-9a-f]{64}$`)

// check holds an artifact against the module that it is said to be of, and its
// machine code, which lies in a folder, against its sum.
func (c *cache) check(p *prepared, code *compiledFile, digest, folder string) error {
	if p.report.Digest != digest {
		return fmt.Errorf("it is of the module %s", p.report.Digest)
	}
	if code == nil {
		return nil
	}
	if !codeName.MatchString(code.Name) {
		return fmt.Errorf("its machine code lies in %q", code.Name)
	}
	sum, err := sumFile(filepath.Join(folder, code.Name))
	if err != nil {
		return fmt.Errorf("its machine code: %w", err)
	}
	if sum != code.Sum {
		return errors.New("its machine code is not what was compiled")
	}
	return nil
}

// adopt takes over what was made of a module in a folder.
func (c *cache) adopt(folder, digest string) error {
	made := filepath.Join(folder, artifactName)
	p, code, err := readArtifact(made)
	if err != nil {
		return err
	}
	defer p.close()
	if err := c.check(p, code, digest, filepath.Join(folder, c.compiled)); err != nil {
		return err
	}
	kept := []string{c.path(digest)}
	if code != nil {
		kept = append(kept, filepath.Join(c.dir, c.compiled, code.Name))
		if err := os.Rename(filepath.Join(folder, c.compiled, code.Name), kept[1]); err != nil {
			return err
		}
	}
	if err := os.Rename(made, kept[0]); err != nil {
		return err
	}
	c.sweep(kept)
	return nil
}

// drop removes what was made of a module, its machine code too.
func (c *cache) drop(digest string) {
	path := c.path(digest)
	if p, code, err := readArtifact(path); err == nil {
		p.close()
		if code != nil && p.report.Digest == digest && codeName.MatchString(code.Name) {
			_ = os.Remove(filepath.Join(c.dir, c.compiled, code.Name))
		}
	}
	if err := os.RemoveAll(path); err != nil {
		c.log.Warn("what was kept of a module cannot be removed", slog.String("digest", digest), slog.Any("why", err))
	}
}

// sweep removes the files that were used longest ago, until the rest is no more
// than it may be; some are kept. One whose partner is gone is made anew with it.
func (c *cache) sweep(kept []string) {
	type file struct {
		path string
		used time.Time
		size int64
	}
	var all []file
	total := int64(0)
	for _, folder := range []string{c.artifacts, filepath.Join(c.dir, c.compiled)} {
		entries, _ := os.ReadDir(folder)
		for _, e := range entries {
			if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
				all = append(all, file{filepath.Join(folder, e.Name()), info.ModTime(), info.Size()})
				total += info.Size()
			}
		}
	}
	slices.SortFunc(all, func(a, b file) int { return a.used.Compare(b.used) })
	for _, f := range all {
		if total <= c.limit {
			return
		}
		if slices.Contains(kept, f.path) {
			continue
		}
		if err := os.Remove(f.path); err != nil {
			c.log.Warn("the cache of compiled modules is too large, and cannot be swept", slog.Any("why", err))
			return
		}
		total -= f.size
	}
}
