// Package image makes container images out of static binaries, without a
// registry, a daemon or a base image, in the format that `docker save` writes.
package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// ErrNotStatic says that a binary needs libraries which the image would not hold.
var ErrNotStatic = errors.New("not a static binary")

// Image says what to pack.
type Image struct {
	Tag    string // NAME:TAG
	Binary string // path of a static binary; it becomes the entrypoint
	// Names are further names of the binary inside the image, absolute.
	Names []string
	// User runs it; empty is root, as a helper that makes folders on the node needs.
	User string
}

// Nobody is the user of images that need no rights.
const Nobody = "65532:65532"

// Pack writes the image as a tar. The same binary gives the same bytes.
func Pack(i Image, to string) error {
	tag, err := name.NewTag(i.Tag, name.StrictValidation)
	if err != nil {
		return fmt.Errorf("packing %s: a name such as atoll.local/demo:1 is wanted: %w", i.Tag, err)
	}
	if err := static(i.Binary); err != nil {
		return fmt.Errorf("packing %s: %w", i.Tag, err)
	}
	entry := "/" + path.Base(i.Binary)
	content, err := layer(i, entry)
	if err != nil {
		return fmt.Errorf("packing %s: %w", i.Tag, err)
	}
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	// It is read once, on this machine: to compress it would only take time.
	l, err := tarball.LayerFromOpener(opener, tarball.WithCompressionLevel(gzip.NoCompression))
	if err != nil {
		return fmt.Errorf("packing %s: %w", i.Tag, err)
	}
	img, err := mutate.AppendLayers(empty.Image, l)
	if err != nil {
		return fmt.Errorf("packing %s: %w", i.Tag, err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		return fmt.Errorf("packing %s: %w", i.Tag, err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", runtime.GOARCH
	file.Config = v1.Config{Entrypoint: []string{entry}, User: i.User, WorkingDir: "/", Env: []string{"PATH=/"}}
	if img, err = mutate.ConfigFile(img, file); err != nil {
		return fmt.Errorf("packing %s: %w", i.Tag, err)
	}
	temporary := to + ".new"
	if err := tarball.WriteToFile(temporary, tag, img); err != nil {
		return fmt.Errorf("packing %s: %w", i.Tag, err)
	}
	if err := os.Rename(temporary, to); err != nil {
		return fmt.Errorf("packing %s: %w", i.Tag, err)
	}
	return nil
}

// layer is a tar with the binary, its further names, and a /tmp.
func layer(i Image, entry string) ([]byte, error) {
	binary, err := os.ReadFile(i.Binary)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(len(binary) + 8192)
	w := tar.NewWriter(&b)
	headers := []*tar.Header{
		{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777},
		{Typeflag: tar.TypeReg, Name: entry[1:], Mode: 0o755, Size: int64(len(binary))},
	}
	for _, other := range i.Names {
		headers = append(headers, &tar.Header{Typeflag: tar.TypeLink, Name: path.Clean(other)[1:], Linkname: entry[1:], Mode: 0o755})
	}
	for _, h := range headers {
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if h.Size > 0 {
			if _, err := w.Write(binary); err != nil {
				return nil, err
			}
		}
	}
	return b.Bytes(), w.Close()
}

// static refuses what would not run in an image that holds nothing else.
func static(binary string) error {
	f, err := elf.Open(binary)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrNotStatic, binary, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%w: %s wants a dynamic linker; build it with CGO_ENABLED=0", ErrNotStatic, binary)
		}
	}
	return nil
}

// Digest is a short name for the content of a file, for tags that change with it.
func Digest(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	return hex.EncodeToString(h.Sum(nil)[:6]), nil
}
