// Guests that were built once run unchanged on every later host.
package sandbox

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGuestsBuiltOnceRunUnchanged(t *testing.T) {
	kept, err := filepath.Glob("testdata/kept/*.wasm.gz")
	if err != nil || len(kept) == 0 {
		t.Fatalf("no guests are kept: %v", err)
	}
	for _, path := range kept {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".wasm.gz"), func(t *testing.T) {
			packed, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			r, err := gzip.NewReader(bytes.NewReader(packed))
			if err != nil {
				t.Fatal(err)
			}
			wasm, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			speaksWithLaterVersions(t, wasm)
		})
	}
}
