// Preparing a module: everything that is done once with its bytes, before any of
// it runs.
package machine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/atoll-platform/atoll/core/sandbox/rewrite"
	"github.com/tetratelabs/wazero"
)

// Limits of a machine beside its memory.
const (
	maxDepth = 8 << 20   // bytes of frames
	maxTable = 256 << 10 // entries of a table
)

// prepared is a module that has been found good and metered.
type prepared struct {
	Report Report
	rewrite.Rewritten
}

// prepare checks a module and meters it. What is wrong with it is in the report;
// then the error wraps ErrModule.
func prepare(ctx context.Context, wasm []byte, maxModule int, maxMemory uint64) (*prepared, Report, error) {
	report, decoded := inspect(wasm, maxModule, maxMemory)
	if len(report.Faults) > 0 {
		return nil, report, fmt.Errorf("%w: %s", ErrModule, report.Faults[0])
	}
	// What the author wrote must be valid by itself: what is added could make
	// sense of an index that has none.
	err := validate(ctx, wasm)
	var rewritten *rewrite.Rewritten
	if err == nil {
		rewritten, err = decoded.Rewrite(rewrite.Options{Depth: maxDepth, TableCap: maxTable, Keep: exported()})
	}
	if err != nil {
		report.Faults = append(report.Faults, "It is not a valid module: "+err.Error()+".")
		return nil, report, fmt.Errorf("%w: %w", ErrModule, err)
	}
	p := &prepared{Report: report, Rewritten: *rewritten}
	// A module that writes its data itself would write them over a snapshot.
	p.Pristine = p.Pristine && p.Image != nil
	return p, report, nil
}

// exported are the exports that a machine needs.
func exported() []string {
	return append(slices.Collect(maps.Keys(exportSignatures)), "memory")
}

// validate lets wazero's interpreter look at a module, which takes a tenth of
// compiling it.
func validate(ctx context.Context, wasm []byte) error {
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features).WithDebugInfoEnabled(false))
	defer rt.Close(ctx)
	_, err := rt.CompileModule(ctx, wasm)
	return err
}

// data is the image of the memory that the module begins with.
func (p *prepared) data() (*image, error) {
	memory, err := mapMemory(max(wasmPage, int(p.Pages)*wasmPage))
	if err != nil {
		return nil, err
	}
	defer unmapMemory(memory)
	for _, s := range p.Image {
		if int(s.Offset)+len(s.Bytes) > int(p.Pages)*wasmPage {
			return nil, fmt.Errorf("its data lie outside of its memory")
		}
		copy(memory[s.Offset:], s.Bytes)
	}
	return newImage(memory[:int(p.Pages)*wasmPage])
}

func (p *prepared) close() {}

// prepared gives a module prepared.
func (l *Local) prepared(ctx context.Context, wasm []byte) (*prepared, Report, error) {
	return prepare(ctx, wasm, l.options.MaxModule, l.options.MaxMemory)
}
