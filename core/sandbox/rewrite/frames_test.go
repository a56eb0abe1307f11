// How large the frames are that wazero's compiler makes, read from the code that
// it writes into its cache: the estimate of depth.go is held against them.
package rewrite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// nativeFrames compiles a module and gives the bytes of stack that each of its
// functions takes on amd64.
func nativeFrames(t testing.TB, wasm []byte) []int {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("it reads the code of amd64")
	}
	ctx, dir := context.Background(), t.TempDir()
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close(ctx)
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCoreFeatures(api.CoreFeaturesV2).WithDebugInfoEnabled(false).WithCompilationCache(cache))
	defer r.Close(ctx)
	if _, err := r.CompileModule(ctx, wasm); err != nil {
		t.Fatal(err)
	}
	var compiled []byte
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			compiled, err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	frames, err := framesOf(compiled)
	if err != nil {
		t.Fatal(err)
	}
	return frames
}

// framesOf reads a file of wazero's cache: a head, the offsets of functions,
// their code.
func framesOf(b []byte) ([]int, error) {
	if !strings.HasPrefix(string(b), "WAZEVO") {
		return nil, errors.New("wazero's cache has another form now")
	}
	b = b[7+int(b[6]):]
	n := int(binary.LittleEndian.Uint32(b))
	offsets := b[4:]
	code := offsets[8*n+8:]
	frames := make([]int, n)
	for f := range frames {
		var ok bool
		if frames[f], ok = frameOf(code[binary.LittleEndian.Uint64(offsets[8*f:]):]); !ok {
			return nil, errors.New("wazero's prologues have another form now")
		}
	}
	return frames, nil
}

// frameOf reads the beginning of a function's code: push %rbp; mov %rsp, %rbp;
// sub $n, %rsp; cmp 0x28(%rax), %rsp, where n is what the function takes.
func frameOf(code []byte) (size int, ok bool) {
	rest, ok := bytes.CutPrefix(code, []byte("\x55\x48\x89\xe5"))
	if !ok {
		return 0, false
	}
	check := []byte("\x48\x3b\x60\x28")
	switch {
	case bytes.HasPrefix(rest, []byte("\x48\x83\xec")) && bytes.HasPrefix(rest[4:], check):
		return int(rest[3]), true
	case bytes.HasPrefix(rest, []byte("\x48\x81\xec")) && bytes.HasPrefix(rest[7:], check):
		return int(binary.LittleEndian.Uint32(rest[3:])), true
	}
	return 0, false
}
