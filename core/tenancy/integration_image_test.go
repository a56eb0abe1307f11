//go:build integration

// The image of the test pods: built here, since the cluster needs no registry,
// and given to its node by the command that loads images.

package tenancy

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

const testImage = "atoll.test/testpod:1"

var loadOnce = sync.OnceValue(func() error {
	dir, err := os.MkdirTemp("", "atoll-testpod-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "testpod"), "./testpod")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return err
	}
	program, err := os.ReadFile(filepath.Join(dir, "testpod"))
	if err != nil {
		return err
	}
	image, err := imageOf(program)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "image.tar")
	if err := os.WriteFile(file, image, 0o600); err != nil {
		return err
	}
	load := loader()
	load = append(load, file)
	cmd := exec.Command(load[0], load[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
})

// loader is the command that gives an image to the cluster's node: the one of
// the local cluster, whose folder holds the kubeconfig, unless one is named.
func loader() []string {
	if named := strings.Fields(os.Getenv("ATOLL_TEST_LOAD")); len(named) > 0 {
		return named
	}
	cluster := filepath.Dir(os.Getenv("ATOLL_TEST_KUBECONFIG"))
	return []string{filepath.Join(filepath.Dir(cluster), "local"), "load", "--dir", cluster}
}

// imageOf is an image as `docker save` writes it: one layer with one program.
func imageOf(program []byte) ([]byte, error) {
	layer, err := tarOf(
		tar.Header{Name: "testpod", Mode: 0o755, Size: int64(len(program))}, program,
		tar.Header{Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o755}, nil,
		tar.Header{Name: "bin/tar", Typeflag: tar.TypeSymlink, Linkname: "/testpod"}, nil,
		tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777}, nil,
	)
	if err != nil {
		return nil, err
	}
	digest := func(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "config": map[string]any{"Entrypoint": []string{"/testpod"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + digest(layer)}},
	})
	if err != nil {
		return nil, err
	}
	name := digest(config) + ".json"
	manifest, err := json.Marshal([]map[string]any{{"Config": name, "RepoTags": []string{testImage}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return nil, err
	}
	return tarOf(
		tar.Header{Name: "manifest.json", Mode: 0o644, Size: int64(len(manifest))}, manifest,
		tar.Header{Name: name, Mode: 0o644, Size: int64(len(config))}, config,
		tar.Header{Name: "layer.tar", Mode: 0o644, Size: int64(len(layer))}, layer,
	)
}

// tarOf takes headers and contents in turns.
func tarOf(parts ...any) ([]byte, error) {
	var b bytes.Buffer
	out := tar.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		h := parts[i].(tar.Header)
		if err := out.WriteHeader(&h); err != nil {
			return nil, err
		}
		if content, ok := parts[i+1].([]byte); ok {
			if _, err := out.Write(content); err != nil {
				return nil, err
			}
		}
	}
	err := out.Close()
	return b.Bytes(), err
}

// loadImage makes the test image be on the cluster's node.
func loadImage(t *testing.T) {
	t.Helper()
	if err := loadOnce(); err != nil {
		t.Fatalf("giving the test image to the node with %q: %v", loader(), err)
	}
}
