// That an image made here is one that a container runtime takes.

package image

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// staticBinary compiles a small program for Linux.
func staticBinary(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	source, binary := filepath.Join(folder, "main.go"), filepath.Join(folder, "small")
	if err := os.WriteFile(source, []byte("package main\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", binary, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

func TestPackedImageHoldsTheBinaryUnderAllItsNames(t *testing.T) {
	binary := staticBinary(t)
	to := filepath.Join(t.TempDir(), "small.tar")
	if err := Pack(Image{Tag: "atoll.local/small:1", Binary: binary, Names: []string{"/other"}, User: Nobody}, to); err != nil {
		t.Fatal(err)
	}
	img, err := tarball.ImageFromPath(to, nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if got := config.Config.Entrypoint; len(got) != 1 || got[0] != "/small" {
		t.Errorf("entrypoint %v", got)
	}
	if config.Config.User != Nobody || config.OS != "linux" {
		t.Errorf("config %+v", config)
	}
	layers, _ := img.Layers()
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	want, _ := os.ReadFile(binary)
	names := map[string]bool{}
	for r := tar.NewReader(content); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names[h.Name] = true
		if h.Name == "small" {
			got, _ := io.ReadAll(r)
			if !bytes.Equal(got, want) {
				t.Error("the binary in the image is another")
			}
		}
	}
	for _, name := range []string{"tmp/", "small", "other"} {
		if !names[name] {
			t.Errorf("%s is not in the image, which holds %v", name, names)
		}
	}
}

func TestPackWritesTheNameThatContainerdReads(t *testing.T) {
	to := filepath.Join(t.TempDir(), "small.tar")
	if err := Pack(Image{Tag: "atoll.local/small:1", Binary: staticBinary(t)}, to); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err != nil {
			t.Fatal("there is no manifest.json")
		}
		if h.Name != "manifest.json" {
			continue
		}
		var manifest []struct{ RepoTags []string }
		if err := json.NewDecoder(r).Decode(&manifest); err != nil {
			t.Fatal(err)
		}
		if len(manifest) != 1 || len(manifest[0].RepoTags) != 1 || manifest[0].RepoTags[0] != "atoll.local/small:1" {
			t.Fatalf("manifest %v", manifest)
		}
		return
	}
}

func TestSameBinaryGivesSameBytes(t *testing.T) {
	binary, folder := staticBinary(t), t.TempDir()
	var digests []string
	for _, name := range []string{"a.tar", "b.tar"} {
		to := filepath.Join(folder, name)
		if err := Pack(Image{Tag: "atoll.local/small:1", Binary: binary}, to); err != nil {
			t.Fatal(err)
		}
		digest, err := Digest(to)
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest)
	}
	if digests[0] != digests[1] {
		t.Fatal(digests)
	}
}

func TestPackRefusesWhatWouldNotRun(t *testing.T) {
	folder := t.TempDir()
	script := filepath.Join(folder, "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Pack(Image{Tag: "atoll.local/script:1", Binary: script}, filepath.Join(folder, "x.tar")); !errors.Is(err, ErrNotStatic) {
		t.Errorf("a script: %v", err)
	}
	err := Pack(Image{Tag: "Not A Name", Binary: staticBinary(t)}, filepath.Join(folder, "x.tar"))
	if err == nil || !strings.Contains(err.Error(), "atoll.local/demo:1") {
		t.Errorf("a bad name: %v", err)
	}
}
