// The runner: one instance of a metered module in this process.
package machine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// leastBuffer is the smallest buffer that a guest is asked for, in bytes, so
// that one which keeps its buffer is seldom asked again.
const leastBuffer = 32 << 10

// runner holds one instance of a guest's module.
type runner struct {
	module api.Module
	memory api.Memory
	linear linearMemory
	wasi   wasi
	meter  meter
	// globals are all that the guest can change beside its memory, and the
	// depth of its calls.
	globals []api.MutableGlobal

	ctx               context.Context // of every call; it never ends
	pollCall, bufCall api.Function
	stack             [1]uint64

	buffer     uint32 // the guest's buffer, bufferSize bytes
	bufferSize int
}

// runnerContext hands a runner to the host functions that its guest calls.
// It can never end: ending is the meter's.
type runnerContext struct {
	context.Context
	*runner
}

// newRunner makes an instance whose memory begins with an image. It has run
// nothing yet, and has neither a world nor a seat.
func newRunner(ctx context.Context, c *loaded, memory uint64, begin *image) (*runner, error) {
	r := &runner{linear: linearMemory{limit: memory}}
	if err := r.linear.reserve(begin); errors.Is(err, ErrMemory) {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("%w: reserving its memory: %w", ErrStart, err)
	}
	r.ctx = runnerContext{context.Background(), r}
	anonymous := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	var err error
	r.module, err = c.room.runtime.InstantiateModule(experimental.WithMemoryAllocator(ctx, &r.linear), c.module, anonymous)
	if err != nil {
		r.linear.Free()
		return nil, fmt.Errorf("%w: instantiating the module: %w", ErrStart, err)
	}
	r.memory = r.module.Memory()
	r.pollCall, r.bufCall = r.module.ExportedFunction("atoll_poll"), r.module.ExportedFunction("atoll_buffer")
	if err := r.findGlobals(c.prepared); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// findGlobals takes hold of the guest's mutable globals, and of those that
// meter it.
func (r *runner) findGlobals(p *prepared) error {
	for _, name := range append([]string{p.fuel, p.depth}, p.globals...) {
		g, ok := r.module.ExportedGlobal(name).(api.MutableGlobal)
		if !ok {
			return fmt.Errorf("%w: its global %q is missing", ErrStart, name)
		}
		r.globals = append(r.globals, g)
	}
	r.meter.fuel, r.globals = r.globals[0], r.globals[1:]
	return nil
}

// initialize runs the module's _initialize, where it has one, and says what it took.
func (r *runner) initialize(cpu time.Duration) (used Usage, err error) {
	initialize := r.module.ExportedFunction(initializeExport)
	if initialize == nil {
		return used, nil
	}
	if err = r.meter.begin(cpu); err == nil {
		_, err = r.call(initialize, 0)
		used = r.meter.end()
	}
	return used, r.judge(err)
}

// Turn implements Machine.
func (r *runner) Turn(t *Turn) error {
	r.wasi.said.begin()
	r.wasi.setClock(t.Now, t.wall)
	t.Frames, t.Used = nil, Usage{}
	err := r.meter.begin(t.CPU)
	if err == nil {
		t.Frames, err = r.poll(t)
		t.Used = r.meter.end()
	}
	t.Wake = r.wasi.waking()
	t.Said, t.Unsaid = r.wasi.said.give()
	return r.judge(err)
}

// poll hands the batch over and gives the guest's answer, a view into its memory.
func (r *runner) poll(t *Turn) ([]byte, error) {
	if n := len(t.Batch); n == 0 {
		// Time has passed, which is all that this poll says. What the guest
		// waits for next it says anew. (A poll with frames in it may be
		// answered without a look at the clock: there the wake stands.)
		r.wasi.wake = never
	} else {
		if n > r.bufferSize || !t.Keep {
			r.bufferSize = max(n, leastBuffer)
			at, err := r.call(r.bufCall, uint64(r.bufferSize))
			if err != nil {
				return nil, err
			}
			r.buffer = uint32(at)
		}
		if !r.memory.Write(r.buffer, t.Batch) {
			return nil, errors.New("the buffer that it offers lies outside its memory")
		}
	}
	v, err := r.call(r.pollCall, uint64(len(t.Batch)))
	if err != nil || v == 0 {
		return nil, err
	}
	out, ok := r.memory.Read(uint32(v>>32), uint32(v))
	if !ok {
		return nil, errors.New("its frames lie outside its memory")
	}
	return out, nil
}

// call enters the guest with one argument, or none where f takes none.
func (r *runner) call(f api.Function, argument uint64) (uint64, error) {
	r.stack[0] = argument
	err := f.CallWithStack(r.ctx, r.stack[:])
	return r.stack[0], err
}

// judge says what an error of entering the guest stands for, and that a guest
// which has outgrown its limit has failed.
func (r *runner) judge(err error) error {
	switch {
	case errors.Is(err, ErrStopped):
		return ErrStopped
	case r.linear.refused.Load():
		return ErrMemory
	case err == nil:
		return nil
	case errors.Is(err, ErrStack), strings.HasPrefix(err.Error(), "wasm error: stack overflow"):
		return ErrStack
	}
	detail, _, _ := strings.Cut(err.Error(), "\nGo runtime stack trace:")
	return errors.New(detail)
}

// Memory implements Machine.
func (r *runner) Memory() uint64 { return r.linear.size.Load() }

// Kill implements Machine.
func (r *runner) Kill() { r.meter.killed.Store(true) }

// Close frees the instance and its memory.
func (r *runner) Close() {
	_ = r.module.Close(context.Background())
}
