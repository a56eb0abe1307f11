// The host that tests run modules on: wazero's compiler with a tick that counts.
package rewrite

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

var (
	errDeep  = errors.New("the stack is used up")
	errSpent = errors.New("the fuel is used up")
)

// host runs rewritten modules.
type host struct {
	wazero.Runtime
	slice  int64 // what one tick gives
	budget int64 // what all ticks may give; then they panic. 0: no end
	ticks  int
	given  int64
	last   int64 // what was left at the last tick
	most   int64 // the most that was overdrawn

	// What the exported global "work" says: at the last tick, and the most that
	// was added between two.
	work, longest int64
}

func newHost(t testing.TB, features api.CoreFeatures, slice int64) *host {
	t.Helper()
	ctx := context.Background()
	h := &host{Runtime: wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCoreFeatures(features)), slice: slice}
	t.Cleanup(func() { _ = h.Close(ctx) })
	_, err := h.NewHostModuleBuilder("atoll").
		NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(h.tick), []api.ValueType{api.ValueTypeI64}, []api.ValueType{api.ValueTypeI64}).Export("tick").
		NewFunctionBuilder().WithGoFunction(api.GoFunc(func(context.Context, []uint64) { panic(errDeep) }), nil, nil).Export("deep").
		Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *host) tick(_ context.Context, m api.Module, stack []uint64) {
	h.ticks++
	if g := m.ExportedGlobal("work"); g != nil {
		now := int64(g.Get())
		h.longest = max(h.longest, now-h.work)
		h.work = now
	}
	h.last = int64(stack[0])
	h.most = max(h.most, -h.last)
	if h.budget > 0 && h.given > h.budget {
		panic(errSpent)
	}
	give := h.slice
	if h.last < -give {
		give = -h.last // what is overdrawn is paid back
	}
	h.given += give
	stack[0] = uint64(h.last + give)
}

// spent is the fuel that an instance has used so far.
func (h *host) spent(m api.Module) int64 {
	return h.given - int64(m.ExportedGlobal(hidden+"fuel").Get())
}

// rewritten decodes and rewrites a module and checks the result again.
func rewritten(wasm []byte, l Limits, o Options) (*Rewritten, error) {
	m, err := Decode(wasm, l)
	if err != nil {
		return nil, err
	}
	out, err := m.Rewrite(o)
	if err != nil {
		return nil, err
	}
	again, err := decodeAgain(out.Wasm)
	if err != nil {
		return nil, fmt.Errorf("the rewritten module: %w", err)
	}
	if err := uncharged(again); err != nil {
		return nil, err
	}
	return out, nil
}

// decodeAgain decodes a rewritten module, whose hidden names Decode refuses in
// others.
func decodeAgain(wasm []byte) (*Module, error) {
	return decode(wasm, Limits{Module: 1 << 30, Body: 1 << 30, Functions: 1 << 20, Exports: 1 << 20, Locals: 20_000, Imports: 2000, Types: 50_000, Stack: 20_000, Branches: 1 << 24, Meetings: 1 << 60}.withDefaults(), true)
}
