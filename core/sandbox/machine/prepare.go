// Preparing a module: everything that is done once with its bytes, before any of
// it runs.
package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/atoll-platform/atoll/core/sandbox/rewrite"
	"github.com/tetratelabs/wazero"
)

// Limits of a machine beside its memory.
const (
	maxDepth = 8 << 20   // bytes of frames
	maxTable = 256 << 10 // entries of all tables together
)

// preparation is the version of what this file and rewrite make of a module.
// What was made by another is made anew.
const preparation = 6

// prepared is a module that has been found good and metered.
type prepared struct {
	report      Report
	wasm        []byte   // the metered module
	pages       uint32   // of memory at its start
	memory      []extent // what of that is not zero
	globals     []string // export names of what it can change beside its memory
	fuel, depth string   // export names of its meter
	pristine    bool     // it can change nothing else
	file        []byte   // holds wasm and memory; nil: the heap does
}

// prepare checks a module and meters it. What is wrong with it is in the report;
// then the error wraps ErrModule.
func prepare(ctx context.Context, wasm []byte, maxModule int, maxMemory uint64) (*prepared, Report, error) {
	report, decoded := inspect(wasm, maxModule, maxMemory)
	if len(report.Faults) > 0 {
		return nil, report, report.err()
	}
	// What the author wrote must be valid by itself: what is added could make
	// sense of an index that has none.
	err := validate(ctx, wasm)
	var w *rewrite.Rewritten
	if err == nil {
		w, err = decoded.Rewrite(rewrite.Options{Depth: maxDepth, TableCap: maxTable, Keep: exported()})
	}
	if err != nil {
		report.fault("It is not a valid module: %v.", err)
		return nil, report, report.err()
	}
	memory, err := memoryOf(w)
	if err != nil {
		return nil, report, err
	}
	return &prepared{
		report: report, wasm: w.Wasm, pages: w.Pages, memory: memory,
		globals: w.Globals, fuel: w.Fuel, depth: w.Depth,
		// A module that writes its data itself would write them over a snapshot.
		pristine: w.Pristine && w.Image != nil,
	}, report, nil
}

// exported are the exports that a machine needs.
func exported() []string {
	return append(slices.Sorted(maps.Keys(exportSignatures)), "memory")
}

// validate lets wazero's interpreter look at a module, which takes a tenth of
// compiling it.
func validate(ctx context.Context, wasm []byte) error {
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features).WithDebugInfoEnabled(false))
	defer rt.Close(ctx)
	_, err := rt.CompileModule(ctx, rewrite.Bare(wasm))
	return err
}

// memoryOf puts a module's data, tens of thousands of segments in Go's, where
// they belong.
func memoryOf(w *rewrite.Rewritten) ([]extent, error) {
	size := int(w.Pages) * wasmPage
	if size == 0 || len(w.Image) == 0 {
		return nil, nil
	}
	memory, err := mapMemory(size)
	if err != nil {
		return nil, fmt.Errorf("laying out its data: %w", err)
	}
	defer unmapMemory(memory)
	for _, s := range w.Image {
		if int(s.Offset)+len(s.Bytes) > size {
			return nil, errors.New("laying out its data: they are not in its memory")
		}
		copy(memory[s.Offset:], s.Bytes)
	}
	all := extentsOf(memory)
	for n, e := range all {
		all[n].bytes = bytes.Clone(e.bytes)
	}
	return all, nil
}

// rest tells that the bytes are not needed soon: wazero holds on to the module,
// and looks at it no more, and few machines are no copies.
func (p *prepared) rest() {
	if p.file != nil {
		unused(p.file)
	}
}

// close lets go of the bytes.
func (p *prepared) close() {
	if p.file != nil {
		unmapMemory(p.file)
		p.file = nil
	}
}
