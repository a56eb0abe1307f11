// The runner: enters a guest without paying wazero's price for being able to
// stop it.
//
// Until modules are metered (the rewriter of a later issue charges fuel at loop
// heads), the only way to stop a guest's loop is to compile it with
// WithCloseOnContextDone: its loops then look at their module's state. But
// wazero 1.12 starts a goroutine and allocates three times at *every* call into
// a module compiled that way, even under a context that can never end. So each
// instance is entered once: a tiny module, the driver, asks the host what to do
// next, does it, and asks again. That one call runs as a coroutine (iter.Pull),
// which whoever owns the instance resumes on their own goroutine: no allocation,
// no scheduler, no goroutine a poll. The watchdog stops a guest by closing the
// driver, whose state is the one that the guest's loops look at.
//
// When modules are metered, this file goes: WithCloseOnContextDone is switched
// off, and buffer and poll become plain CallWithStack of the guest's exports.
package machine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// What the driver is asked to do: the upper half of step's answer.
const (
	doPoll   = 0
	doBuffer = 1
	doStart  = 2 // _initialize
	doLeave  = 3
)

const driverModule = "atoll_driver" // the host module that gives the driver its step

// leastBuffer is the smallest buffer that a guest is asked for, in bytes, so
// that one which keeps its buffer is seldom asked again.
const leastBuffer = 32 << 10

// runner holds one instance of a guest's module.
type runner struct {
	guest, driver api.Module
	linear        linearMemory
	wasi          wasi

	buffer     uint32 // the guest's buffer, bufferSize bytes
	bufferSize int

	resume func() (uint64, bool)
	finish func()
	yield  func(uint64) bool
	order  uint64 // what the driver does next
	err    error  // why the driver returned
	killed atomic.Bool
}

// runnerContext hands a runner to the host functions that its guest calls.
// It can never end: ending is the watchdog's.
type runnerContext struct {
	context.Context
	*runner
}

// startRunner makes an instance and runs its _initialize.
func startRunner(ctx context.Context, rt wazero.Runtime, code, driver wazero.CompiledModule, s Start) (*runner, error) {
	r := &runner{linear: linearMemory{limit: s.Memory}, wasi: newWASI(s.Now, s.Seed)}
	anonymous := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	var err error
	r.guest, err = rt.InstantiateModule(experimental.WithMemoryAllocator(ctx, &r.linear), code, anonymous)
	if err != nil {
		return nil, fmt.Errorf("%w: instantiating the module: %w", ErrStart, err)
	}
	linked := experimental.WithImportResolver(ctx, func(name string) api.Module {
		if name == "guest" {
			return r.guest
		}
		return nil
	})
	r.driver, err = rt.InstantiateModule(linked, driver, anonymous)
	if err != nil {
		_ = r.guest.Close(ctx)
		return nil, fmt.Errorf("%w: instantiating its driver: %w", ErrStart, err)
	}
	run := r.driver.ExportedFunction("run")
	r.resume, r.finish = iter.Pull(func(yield func(uint64) bool) {
		r.yield = yield
		r.err = run.CallWithStack(runnerContext{context.Background(), r}, nil)
	})
	if _, ok := r.resume(); !ok { // up to the driver's first question
		r.Close()
		return nil, fmt.Errorf("%w: starting its driver: %w", ErrStart, r.err)
	}
	late := time.AfterFunc(s.CPU, r.Kill)
	_, err = r.enter(doStart, 0)
	late.Stop()
	if err = r.judge(err); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Turn implements Machine.
func (r *runner) Turn(t *Turn) error {
	r.wasi.said.begin()
	r.wasi.setClock(t.Now)
	out, err := r.poll(t)
	t.Frames, t.Wake = out, r.wasi.waking()
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
			at, err := r.enter(doBuffer, uint32(r.bufferSize))
			if err != nil {
				return nil, err
			}
			r.buffer = uint32(at)
		}
		if !r.guest.Memory().Write(r.buffer, t.Batch) {
			return nil, errors.New("the buffer that it offers lies outside its memory")
		}
	}
	v, err := r.enter(doPoll, uint32(len(t.Batch)))
	if err != nil || v == 0 {
		return nil, err
	}
	out, ok := r.guest.Memory().Read(uint32(v>>32), uint32(v))
	if !ok {
		return nil, errors.New("its frames lie outside its memory")
	}
	return out, nil
}

// judge says what an error of entering the guest stands for, and that a guest
// which has outgrown its limit has failed.
func (r *runner) judge(err error) error {
	switch {
	case errors.Is(err, ErrStopped):
		return err
	case r.linear.refused.Load():
		return ErrMemory
	case err == nil:
		return nil
	}
	detail, _, _ := strings.Cut(err.Error(), "\nGo runtime stack trace:")
	return errors.New(detail)
}

// Memory implements Machine.
func (r *runner) Memory() uint64 { return r.linear.size.Load() }

func (r *runner) enter(what, arg uint32) (uint64, error) {
	r.order = uint64(what)<<32 | uint64(arg)
	v, ok := r.resume()
	if !ok {
		if r.killed.Load() {
			return 0, ErrStopped
		}
		if r.err == nil {
			r.err = errors.New("its driver left")
		}
		return 0, r.err
	}
	return v, nil
}

// step is the driver's question: it hands over the last result, waits until the
// owner wants something, and answers with that.
func step(ctx context.Context, _ api.Module, stack []uint64) {
	r := ctx.(runnerContext).runner
	if !r.yield(stack[0]) {
		stack[0] = doLeave << 32
		return
	}
	stack[0] = r.order
}

// Kill implements Machine. It does nothing that the running guest could trip over: the driver has no memory and
// no table of its own.
func (r *runner) Kill() {
	r.killed.Store(true)
	_ = r.driver.CloseWithExitCode(context.Background(), 1)
}

// Close implements Machine: it ends the coroutine and frees the instance's memory.
func (r *runner) Close() {
	r.finish()
	_ = r.driver.Close(context.Background())
	_ = r.guest.Close(context.Background())
}

// driverWasm is the driver's module. In text:
//
//	(module
//	  (import "atoll_driver" "step" (func $step (param i64) (result i64)))
//	  (import "guest" "atoll_buffer" (func $buffer (param i32) (result i32)))
//	  (import "guest" "atoll_poll" (func $poll (param i32) (result i64)))
//	  (import "guest" "_initialize" (func $initialize))        ;; where the guest has it
//	  (func (export "run") (local $v i64)
//	    (loop $again
//	      (local.set $v (call $step (local.get $v)))
//	      (block $poll_ (block $buffer_ (block $start_ (block $leave_
//	        (br_table $poll_ $buffer_ $start_ $leave_ (i32.wrap_i64 (i64.shr_u (local.get $v) (i64.const 32)))))
//	        ;; doLeave
//	        return)
//	        ;; doStart
//	        (call $initialize) (local.set $v (i64.const 0)) (br $again))
//	        ;; doBuffer
//	        (local.set $v (i64.extend_i32_u (call $buffer (i32.wrap_i64 (local.get $v))))) (br $again))
//	      ;; doPoll
//	      (local.set $v (call $poll (i32.wrap_i64 (local.get $v)))) (br $again))))
func driverWasm(initialize bool) []byte {
	const i32, i64, void = 0x7f, 0x7e, 0x40
	name := func(b []byte, s string) []byte { return append(append(b, byte(len(s))), s...) }
	section := func(b []byte, id byte, content []byte) []byte {
		return append(append(b, id, byte(len(content))), content...)
	}
	imports := []byte{3}
	if initialize {
		imports[0] = 4
	}
	add := func(module, field string, typ byte) {
		imports = append(name(name(imports, module), field), 0, typ)
	}
	add(driverModule, "step", 0)
	add("guest", "atoll_buffer", 1)
	add("guest", "atoll_poll", 2)
	run, start := byte(3), []byte{0x01} // nop where there is nothing to initialize
	if initialize {
		add("guest", "_initialize", 3)
		run, start = 4, []byte{0x10, 3}
	}
	code := []byte{1, 1, i64} // one local: $v
	code = append(code,
		0x03, void, // loop $again
		0x20, 0, 0x10, 0, 0x21, 0, // $v = step($v)
		0x02, void, 0x02, void, 0x02, void, 0x02, void,
		0x20, 0, 0x42, 32, 0x88, 0xa7, // $v >> 32
		0x0e, 3, 3, 2, 1, 0, // br_table, the blocks from outside in; leave is the default
		0x0b, 0x0f, // end $leave_, return
		0x0b) // end $start_
	code = append(code, start...)
	code = append(code,
		0x42, 0, 0x21, 0, 0x0c, 2, // $v = 0, again
		0x0b,                                           // end $buffer_
		0x20, 0, 0xa7, 0x10, 1, 0xad, 0x21, 0, 0x0c, 1, // $v = buffer($v), again
		0x0b,                                     // end $poll_
		0x20, 0, 0xa7, 0x10, 2, 0x21, 0, 0x0c, 0, // $v = poll($v), again
		0x0b, 0x0b) // end loop, end function

	b := []byte{0, 'a', 's', 'm', 1, 0, 0, 0}
	b = section(b, 1, []byte{4, // types
		0x60, 1, i64, 1, i64,
		0x60, 1, i32, 1, i32,
		0x60, 1, i32, 1, i64,
		0x60, 0, 0})
	b = section(b, 2, imports)
	b = section(b, 3, []byte{1, 3})
	b = section(b, 7, append(name([]byte{1}, "run"), 0, run))
	b = section(b, 10, append([]byte{1, byte(len(code))}, code...))
	return b
}
