// The package: a tar of a manifest, a module, contributions and texts. What is
// read is written anew in one way, so that the same content has the same digest.
package extension

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/atoll-platform/atoll/core/fragment"
	catalogue "github.com/atoll-platform/atoll/sdk/fragment"
)

// Limits of a package.
const (
	MaxPackage = 80 << 20 // the whole tar
	MaxModule  = 64 << 20 // the module
	maxFile    = 1 << 20  // any other file
	maxFiles   = 64
)

// ErrPackage is wrapped when a package is none.
var ErrPackage = errors.New("this is not an extension package")

// Package is what a package holds, checked.
type Package struct {
	Manifest      *Manifest
	Contributions []catalogue.Contribution
	// Bytes is the package in its one form, Digest sha256:hex of it.
	Bytes  []byte
	Digest string
	// Module is the WebAssembly module.
	Module []byte
	Icon   []byte

	texts   map[string]map[string]string // language -> key -> words
	tags    []language.Tag               // of texts and of the manifest; English first
	matcher language.Matcher             // of tags
}

// ReadPackage reads a package and checks all of it but the module, whose check is
// the sandbox's. Errors wrap ErrPackage or are *FileError or *fragment.Error.
func ReadPackage(r io.Reader) (*Package, error) {
	files, err := untar(r)
	if err != nil {
		return nil, err
	}
	p, err := newPackage(files)
	if err != nil {
		return nil, err
	}
	return p, p.seal(files)
}

// Pack makes a package of a folder. Only files that belong into one are taken, so
// sources may lie beside them. module is what becomes the manifest's module; nil
// takes the folder's own file of that name.
func Pack(folder fs.FS, module []byte) (*Package, error) {
	files := map[string][]byte{}
	take := func(name string, limit int64) error {
		f, err := folder.Open(name)
		if err != nil {
			return fmt.Errorf("packing: %w", err)
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, limit+1))
		if err != nil {
			return fmt.Errorf("packing %s: %w", name, err)
		}
		if int64(len(text)) > limit {
			return fmt.Errorf("packing %s: %w: more than %d bytes", name, ErrPackage, limit)
		}
		files[name] = text
		return nil
	}
	if err := take(manifestFile, maxYAML); err != nil {
		return nil, err
	}
	m, err := ParseManifest(files[manifestFile])
	if err != nil {
		return nil, err
	}
	for _, name := range []string{m.Icon, m.UI} {
		if name == "" {
			continue
		}
		if err := take(name, maxFile); err != nil {
			return nil, err
		}
	}
	texts, err := fs.Glob(folder, "texts/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("packing: %w", err)
	}
	for _, name := range append(texts, "README.md", "LICENSE") {
		if err := take(name, maxFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if module != nil {
		files[m.Module] = module
	} else if err := take(m.Module, MaxModule); err != nil {
		return nil, err
	}
	p, err := newPackage(files)
	if err != nil {
		return nil, err
	}
	return p, p.seal(files)
}

// fileName is what a file in a package may be called.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(/[A-Za-z0-9][A-Za-z0-9._-]{0,63}){0,2}$`)

func untar(r io.Reader) (map[string][]byte, error) {
	// One byte more than allowed tells a large package from a broken one.
	limited := &io.LimitedReader{R: r, N: MaxPackage + 1}
	archive := tar.NewReader(limited)
	files := map[string][]byte{}
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if limited.N <= 0 {
			return nil, fmt.Errorf("%w: more than %d bytes", ErrPackage, MaxPackage)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: not a tar: %v", ErrPackage, err)
		}
		name := strings.TrimPrefix(h.Name, "./")
		if h.Typeflag == tar.TypeDir {
			if name = strings.TrimSuffix(name, "/"); name != "" && !fileName.MatchString(name) {
				return nil, fmt.Errorf("%w: a folder may not be called %q", ErrPackage, h.Name)
			}
			continue
		}
		switch {
		case h.Typeflag != tar.TypeReg:
			return nil, fmt.Errorf("%w: %q is neither file nor folder", ErrPackage, h.Name)
		case !fileName.MatchString(name) || path.Clean(name) != name:
			return nil, fmt.Errorf("%w: a file may not be called %q", ErrPackage, h.Name)
		case files[name] != nil:
			return nil, fmt.Errorf("%w: %q is there twice", ErrPackage, name)
		case len(files) >= maxFiles:
			return nil, fmt.Errorf("%w: more than %d files", ErrPackage, maxFiles)
		}
		limit := int64(maxFile)
		if strings.HasSuffix(name, ".wasm") {
			limit = MaxModule
		}
		if h.Size > limit {
			return nil, fmt.Errorf("%w: %q has %d bytes, %d are allowed", ErrPackage, name, h.Size, limit)
		}
		text := make([]byte, h.Size)
		_, err = io.ReadFull(archive, text)
		if limited.N <= 0 {
			return nil, fmt.Errorf("%w: more than %d bytes", ErrPackage, MaxPackage)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: reading %q: %v", ErrPackage, name, err)
		}
		files[name] = text
	}
	return files, nil
}

func newPackage(files map[string][]byte) (*Package, error) {
	text, ok := files[manifestFile]
	if !ok {
		return nil, fmt.Errorf("%w: it has no %s", ErrPackage, manifestFile)
	}
	m, err := ParseManifest(text)
	if err != nil {
		return nil, err
	}
	p := &Package{Manifest: m, texts: map[string]map[string]string{}}
	for name := range files {
		if name != manifestFile && name != m.Module && name != m.Icon && name != m.UI && name != "README.md" && name != "LICENSE" && !textFile.MatchString(name) {
			return nil, fmt.Errorf("%w: %q belongs to nothing: the manifest does not name it", ErrPackage, name)
		}
	}
	for _, name := range []string{m.Module, m.Icon, m.UI} {
		if _, ok := files[name]; !ok && name != "" {
			return nil, fmt.Errorf("%w: it has no %s, which the manifest names", ErrPackage, name)
		}
	}
	if p.Module = files[m.Module]; !bytes.HasPrefix(p.Module, []byte("\x00asm")) {
		return nil, fmt.Errorf("%w: %s is not a WebAssembly module", ErrPackage, m.Module)
	}
	if p.Icon = files[m.Icon]; m.Icon != "" && !bytes.Contains(p.Icon, []byte("<svg")) {
		return nil, fmt.Errorf("%w: %s is not an SVG", ErrPackage, m.Icon)
	}
	if err := p.readTexts(files); err != nil {
		return nil, err
	}
	if m.UI != "" {
		if p.Contributions, err = readContributions(m, p, files[m.UI]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// seal gives the package its one form and its digest.
func (p *Package) seal(files map[string][]byte) (err error) {
	if p.Bytes, err = canonical(files); err != nil {
		return err
	}
	p.Digest = digest(p.Bytes)
	return nil
}

func readContributions(m *Manifest, p *Package, text []byte) ([]catalogue.Contribution, error) {
	d, err := readYAML(m.UI, text)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(d.value)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", m.UI, err)
	}
	all, err := fragment.Contributions(raw, fragment.ContributionRules{
		Text:       func(key string) bool { _, ok := p.texts["en"][key]; return ok },
		Permission: m.hasItem,
	})
	var refused *fragment.Error
	if errors.As(err, &refused) {
		var problems []Problem
		for _, v := range refused.Violations {
			problems = append(problems, d.problem(v.Pointer, "%s", v.Message))
		}
		return nil, &FileError{m.UI, problems}
	}
	return all, err
}

// hasItem tells whether the manifest adds a permission item of this id.
func (m *Manifest) hasItem(id string) bool {
	return slices.ContainsFunc(m.Roles, func(r Role) bool { return r.ID == id })
}

// tarBlock is what a tar is made of: a header takes one, a file is filled up to one.
const tarBlock = 512

// canonical writes files as a tar in one way: by name, without times and owners.
func canonical(files map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	size := 2 * tarBlock // the end of a tar
	for _, text := range files {
		size += tarBlock + len(text) + tarBlock
	}
	b.Grow(size)
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(files[name])), Mode: 0o644, Format: tar.FormatUSTAR}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("writing %s: %w", name, err)
		}
		if _, err := w.Write(files[name]); err != nil {
			return nil, fmt.Errorf("writing %s: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("writing the package: %w", err)
	}
	return b.Bytes(), nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
