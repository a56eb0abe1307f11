// What metering costs: kernels as they were compiled, metered, and under
// wazero's own switch.
package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/rewrite"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
	"github.com/atoll-platform/atoll/manifests/bench/figure"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

var kernelNames = []string{"sieve", "matrix", "mandelbrot", "nbody", "fibonacci", "sorting", "digest", "checksum", "document", "compress", "words"}

// way is one way to run the kernels.
type way struct {
	run  api.Function
	took [][]float64 // by kernel, nanoseconds
}

// metering measures every kernel each way, interleaved, and gives the median of
// what it costs more.
func metering(root string, rounds int) ([]figure.Figure, error) {
	wasm, err := sandboxtest.Build(filepath.Join(root, "core", "sandbox", "bench", "guests", "kernels"))
	if err != nil {
		return nil, err
	}
	decoded, err := rewrite.Decode(wasm, rewrite.Limits{})
	if err != nil {
		return nil, err
	}
	metered, err := decoded.Rewrite(rewrite.Options{Depth: 8 << 20, TableCap: 1 << 16, Keep: []string{"memory", "_initialize", "run"}})
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	config := wazero.NewRuntimeConfigCompiler()
	var ways [3]*way
	for n, w := range []struct {
		wasm   []byte
		config wazero.RuntimeConfig
		image  []rewrite.Segment
	}{
		{wasm, config, nil},
		{metered.Wasm, config, metered.Image},
		{wasm, config.WithCloseOnContextDone(true), nil},
	} {
		rt := wazero.NewRuntimeWithConfig(ctx, w.config)
		defer rt.Close(ctx)
		if ways[n], err = kernelsIn(ctx, rt, w.wasm, w.image); err != nil {
			return nil, err
		}
	}
	for round := range rounds + 1 {
		for k, name := range kernelNames {
			var results [3]uint64
			for n, w := range ways {
				began := time.Now()
				stack := []uint64{uint64(k)}
				if err := w.run.CallWithStack(ctx, stack); err != nil {
					return nil, fmt.Errorf("kernel %s: %w", name, err)
				}
				results[n] = stack[0]
				if round > 0 { // else it warms up
					w.took[k] = append(w.took[k], float64(time.Since(began)))
				}
			}
			if results[0] != results[1] || results[0] != results[2] {
				return nil, fmt.Errorf("kernel %s answers %v", name, results)
			}
		}
	}
	var ours, theirs []float64
	note := ""
	for k, name := range kernelNames {
		plain := figure.Median(ways[0].took[k])
		ours = append(ours, figure.Median(ways[1].took[k])/plain)
		theirs = append(theirs, figure.Median(ways[2].took[k])/plain)
		note += fmt.Sprintf("%s %.2f (%.1f) of %.1f ms; ", name, ours[k], theirs[k], plain/1e6)
	}
	return []figure.Figure{{
		Name: "meter.overhead", Value: figure.Median(ours), Unit: "x",
		Peer: "wazero WithCloseOnContextDone", PeerValue: new(figure.Median(theirs)),
		Note: note + fmt.Sprintf("the dearest %.2f", slices.Max(ours)),
	}}, nil
}

// kernelsIn instantiates the kernels with a tick that only gives new fuel.
func kernelsIn(ctx context.Context, rt wazero.Runtime, wasm []byte, image []rewrite.Segment) (*way, error) {
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, rt); err != nil {
		return nil, err
	}
	b := rt.NewHostModuleBuilder("atoll")
	b.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) { stack[0] = 100_000 }),
		[]api.ValueType{api.ValueTypeI64}, []api.ValueType{api.ValueTypeI64}).Export("tick")
	b.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(context.Context, []uint64) { panic(errors.New("too deep")) }), nil, nil).Export("deep")
	if _, err := b.Instantiate(ctx); err != nil {
		return nil, err
	}
	code, err := rt.CompileModule(ctx, wasm)
	if err != nil {
		return nil, err
	}
	module, err := rt.InstantiateModule(ctx, code, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return nil, err
	}
	for _, s := range image {
		if !module.Memory().Write(s.Offset, s.Bytes) {
			return nil, errors.New("the image does not fit the memory")
		}
	}
	if _, err := module.ExportedFunction("_initialize").Call(ctx); err != nil {
		return nil, err
	}
	return &way{run: module.ExportedFunction("run"), took: make([][]float64, len(kernelNames))}, nil
}
