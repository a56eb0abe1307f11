// The folder of packages: each under its digest, written whole or not at all,
// and gone when no record names it.
package extension

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// folder keeps packages as <sha256 hex>.tar.
type folder string

func (f folder) path(digest string) string {
	return filepath.Join(string(f), strings.TrimPrefix(digest, "sha256:")+".tar")
}

// put writes a package and makes it survive a crash.
func (f folder) put(p *Package) error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return fmt.Errorf("keeping the package: %w", err)
	}
	if _, err := f.get(p.Digest); err == nil {
		return nil
	}
	tmp, err := os.CreateTemp(string(f), ".new-*")
	if err != nil {
		return fmt.Errorf("keeping the package: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(p.Bytes)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), f.path(p.Digest))
	}
	if err == nil {
		err = syncFolder(string(f))
	}
	if err != nil {
		return fmt.Errorf("keeping the package: %w", err)
	}
	return nil
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// get reads a package and holds it against its digest. What has the digest is in
// the one form, so it is not written anew: Bytes is nil.
func (f folder) get(digested string) (*Package, error) {
	raw, err := os.ReadFile(f.path(digested))
	if err != nil {
		return nil, fmt.Errorf("reading package %s: %w", digested, err)
	}
	if is := digest(raw); is != digested {
		return nil, fmt.Errorf("reading package %s: %w: its content is %s", digested, ErrPackage, is)
	}
	files, err := untar(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("reading package %s: %w", digested, err)
	}
	p, err := newPackage(files)
	if err != nil {
		return nil, fmt.Errorf("reading package %s: %w", digested, err)
	}
	p.Digest = digested
	return p, nil
}

// module reads a package's module alone.
func (f folder) module(digest string) ([]byte, error) {
	p, err := f.get(digest)
	if err != nil {
		return nil, err
	}
	return p.Module, nil
}

// sweep removes what is not named, half-written files too.
func (f folder) sweep(named map[string]bool) error {
	entries, err := os.ReadDir(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sweeping packages: %w", err)
	}
	var all error
	for _, e := range entries {
		if digest, ok := strings.CutSuffix(e.Name(), ".tar"); ok && named["sha256:"+digest] {
			continue
		}
		if err := os.Remove(filepath.Join(string(f), e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			all = errors.Join(all, fmt.Errorf("sweeping packages: %w", err))
		}
	}
	return all
}
