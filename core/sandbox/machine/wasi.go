// The guests' WASI: the little of wasi_snapshot_preview1 that a language's
// runtime needs to start, to know the time, to draw random bytes, to say that
// it is idle, and to complain. Everything else answers ENOSYS.
package machine

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

const wasiModule = "wasi_snapshot_preview1"

// idleDescriptor is non-blocking and never ready by itself. A guest that reads
// it is told EAGAIN, its runtime runs everything else, and asks poll_oneoff
// when nothing is left to run: the guest is idle.
const idleDescriptor = 3

// never is the wake of an instance that waits for frames alone.
const never = math.MaxInt64

// wasi is one instance's world. Its owner sets the clock before each entry.
type wasi struct {
	now       time.Time // stands still during a poll
	wall      int64     // of now, in nanoseconds since 1970; it never goes back either
	epoch     time.Time // the monotonic clock's zero
	random    *rand.ChaCha8
	said      said
	pay       func(units int64)
	wake      int64 // nanoseconds since epoch at which the guest wants a poll
	idleAsked bool  // poll_oneoff has answered the idle descriptor as readable
}

// newWASI makes a world with a seed of its own; pay is told of work done for the
// guest, in the meter's units. Wall is as wallAt's.
func newWASI(now time.Time, wall int64, seed [32]byte, pay func(units int64)) wasi {
	return wasi{now: now, wall: wallAt(now, wall), epoch: now.Add(-time.Second), random: rand.NewChaCha8(seed), wake: never, pay: pay}
}

// wallAt is what the clock of the wall says, which now says itself where wall is
// zero.
func wallAt(now time.Time, wall int64) int64 {
	if wall == 0 {
		return now.UnixNano()
	}
	return wall
}

// setClock moves the clocks, never back: that of the wall stands still when the
// machine's is set back. Wall is as wallAt's.
func (w *wasi) setClock(now time.Time, wall int64) {
	if now.Sub(w.now) > 0 {
		w.now = now
		w.wall = max(w.wall, wallAt(now, wall))
	}
}

// waking is when the guest wants a turn; zero: when there is something for it.
func (w *wasi) waking() time.Time {
	if w.wake == never {
		return time.Time{}
	}
	return w.epoch.Add(time.Duration(w.wake))
}

// monotonic is the guest's monotonic clock in nanoseconds.
func (w *wasi) monotonic() int64 { return int64(w.now.Sub(w.epoch)) }

// Answers of WASI calls.
const (
	errnoOK    = 0
	errnoAgain = 6
	errnoBadF  = 8
	errnoFault = 21
	errnoInval = 28
	errnoNoSys = 52
)

// wasiCall is one function: p are its parameters, m the guest's memory.
type wasiCall func(w *wasi, m api.Memory, p []uint64) uint32

// wasiCalls are the functions that do something. What stands in wasiSignatures
// and not here answers ENOSYS.
var wasiCalls = map[string]wasiCall{
	"args_get":            func(*wasi, api.Memory, []uint64) uint32 { return errnoOK },
	"args_sizes_get":      noStrings,
	"environ_get":         func(*wasi, api.Memory, []uint64) uint32 { return errnoOK },
	"environ_sizes_get":   noStrings,
	"clock_res_get":       clockRes,
	"clock_time_get":      clockTime,
	"random_get":          randomGet,
	"sched_yield":         func(*wasi, api.Memory, []uint64) uint32 { return errnoOK },
	"fd_write":            fdWrite,
	"fd_read":             fdRead,
	"fd_close":            knownDescriptor,
	"fd_fdstat_get":       fdStat,
	"fd_fdstat_set_flags": knownDescriptor,
	"fd_filestat_get":     fdFileStat,
	// Go's start-up asks for preopened folders until it is told EBADF, and
	// panics on any other error.
	"fd_prestat_get": func(*wasi, api.Memory, []uint64) uint32 { return errnoBadF },
	"poll_oneoff":    pollOneoff,
}

func noStrings(_ *wasi, m api.Memory, p []uint64) uint32 {
	if !m.WriteUint32Le(uint32(p[0]), 0) || !m.WriteUint32Le(uint32(p[1]), 0) {
		return errnoFault
	}
	return errnoOK
}

func clockRes(_ *wasi, m api.Memory, p []uint64) uint32 {
	if !m.WriteUint64Le(uint32(p[1]), 1) {
		return errnoFault
	}
	return errnoOK
}

// clockTime answers the time at which the poll began. A loop that waits for
// time to pass therefore never ends, and is stopped as any other loop is.
func clockTime(w *wasi, m api.Memory, p []uint64) uint32 {
	var v int64
	switch uint32(p[0]) {
	case 0: // realtime
		v = w.wall
	case 1: // monotonic
		v = w.monotonic()
	default:
		return errnoInval
	}
	if !m.WriteUint64Le(uint32(p[2]), uint64(v)) {
		return errnoFault
	}
	return errnoOK
}

func randomGet(w *wasi, m api.Memory, p []uint64) uint32 {
	b, ok := m.Read(uint32(p[0]), uint32(p[1]))
	if !ok {
		return errnoFault
	}
	for len(b) > 0 { // in pieces between which it may be stopped
		n := min(len(b), 256<<10)
		_, _ = w.random.Read(b[:n])
		w.pay(int64(n) / 2)
		b = b[n:]
	}
	return errnoOK
}

// knownDescriptor answers calls that change nothing here.
func knownDescriptor(_ *wasi, _ api.Memory, p []uint64) uint32 {
	if uint32(p[0]) > idleDescriptor {
		return errnoBadF
	}
	return errnoOK
}

// fdWrite takes what a guest writes to descriptors 1 and 2.
func fdWrite(w *wasi, m api.Memory, p []uint64) uint32 {
	if fd := uint32(p[0]); fd != 1 && fd != 2 {
		return errnoBadF
	}
	vectors, count := uint32(p[1]), uint32(p[2])
	if count > 1024 {
		return errnoInval
	}
	written := uint32(0)
	for i := range count {
		at, ok1 := m.ReadUint32Le(vectors + 8*i)
		size, ok2 := m.ReadUint32Le(vectors + 8*i + 4)
		b, ok3 := m.Read(at, size)
		if !ok1 || !ok2 || !ok3 {
			return errnoFault
		}
		w.said.write(b)
		w.pay(20 + int64(min(size, maxSaid))/8)
		written += size
	}
	if !m.WriteUint32Le(uint32(p[3]), written) {
		return errnoFault
	}
	return errnoOK
}

// fdRead answers the idle descriptor: EAGAIN until poll_oneoff has said that it
// is readable, then one byte.
func fdRead(w *wasi, m api.Memory, p []uint64) uint32 {
	switch uint32(p[0]) {
	case 0: // an empty input
		if !m.WriteUint32Le(uint32(p[3]), 0) {
			return errnoFault
		}
		return errnoOK
	case idleDescriptor:
		if !w.idleAsked {
			return errnoAgain
		}
		w.idleAsked = false
		if !m.WriteUint32Le(uint32(p[3]), 1) {
			return errnoFault
		}
		return errnoOK
	default:
		return errnoBadF
	}
}

const (
	typeCharacterDevice = 2
	typeSocketStream    = 6
	flagNonBlock        = 4
)

func fdStat(_ *wasi, m api.Memory, p []uint64) uint32 {
	fd := uint32(p[0])
	if fd > idleDescriptor {
		return errnoBadF
	}
	b, ok := m.Read(uint32(p[1]), 24)
	if !ok {
		return errnoFault
	}
	clear(b)
	b[0] = typeCharacterDevice
	if fd == idleDescriptor {
		b[0] = typeSocketStream
		binary.LittleEndian.PutUint16(b[2:], flagNonBlock)
	}
	binary.LittleEndian.PutUint64(b[8:], math.MaxUint64) // rights
	binary.LittleEndian.PutUint64(b[16:], math.MaxUint64)
	return errnoOK
}

func fdFileStat(_ *wasi, m api.Memory, p []uint64) uint32 {
	fd := uint32(p[0])
	if fd > idleDescriptor {
		return errnoBadF
	}
	b, ok := m.Read(uint32(p[1]), 64)
	if !ok {
		return errnoFault
	}
	clear(b)
	b[16] = typeCharacterDevice
	if fd == idleDescriptor {
		b[16] = typeSocketStream
	}
	return errnoOK
}

// pollOneoff never blocks. A clock of zero is only a look: nothing is ready. A
// wait notes its shortest clock as the instance's next wake (none: never) and
// finds the idle descriptor readable, which ends the guest's poll.
func pollOneoff(w *wasi, m api.Memory, p []uint64) uint32 {
	const subscriptionSize, eventSize = 48, 32
	in, out, count := uint32(p[0]), uint32(p[1]), uint32(p[2])
	if count == 0 || count > 1024 {
		return errnoInval
	}
	subscriptions, ok1 := m.Read(in, count*subscriptionSize)
	events, ok2 := m.Read(out, count*eventSize)
	if !ok1 || !ok2 {
		return errnoFault
	}
	w.pay(10 * int64(count))
	wake, look, ready := int64(never), false, uint32(0)
	for i := range int(count) {
		s := subscriptions[i*subscriptionSize:][:subscriptionSize]
		switch s[8] {
		case 0: // a clock
			timeout := binary.LittleEndian.Uint64(s[24:])
			absolute := binary.LittleEndian.Uint16(s[40:])&1 != 0
			at := int64(min(timeout, math.MaxInt64))
			if absolute {
				if binary.LittleEndian.Uint32(s[16:]) == 0 { // of the realtime clock
					at -= w.wall - w.monotonic()
				}
			} else if at += w.monotonic(); at < 0 {
				at = never
			}
			look = look || at <= w.monotonic()
			wake = min(wake, at)
		case 1: // a descriptor to read
			if binary.LittleEndian.Uint32(s[16:]) == idleDescriptor {
				e := events[ready*eventSize:][:eventSize]
				clear(e)
				copy(e, s[:8])
				e[10], e[16] = 1, 1 // readable, one byte
				ready++
			}
		}
	}
	if look {
		ready = 0
	} else {
		w.wake = wake
		w.idleAsked = w.idleAsked || ready > 0
	}
	if !m.WriteUint32Le(uint32(p[3]), ready) {
		return errnoFault
	}
	return errnoOK
}

// wasiSignatures are all functions of wasi_snapshot_preview1: i is an i32
// parameter, I an i64 one. All but proc_exit answer an i32.
var wasiSignatures = map[string]string{
	"args_get": "ii", "args_sizes_get": "ii", "environ_get": "ii", "environ_sizes_get": "ii",
	"clock_res_get": "ii", "clock_time_get": "iIi", "fd_advise": "iIIi", "fd_allocate": "iII",
	"fd_close": "i", "fd_datasync": "i", "fd_fdstat_get": "ii", "fd_fdstat_set_flags": "ii",
	"fd_fdstat_set_rights": "iII", "fd_filestat_get": "ii", "fd_filestat_set_size": "iI",
	"fd_filestat_set_times": "iIIi", "fd_pread": "iiiIi", "fd_prestat_get": "ii",
	"fd_prestat_dir_name": "iii", "fd_pwrite": "iiiIi", "fd_read": "iiii", "fd_readdir": "iiiIi",
	"fd_renumber": "ii", "fd_seek": "iIii", "fd_sync": "i", "fd_tell": "ii", "fd_write": "iiii",
	"path_create_directory": "iii", "path_filestat_get": "iiiii", "path_filestat_set_times": "iiiiIIi",
	"path_link": "iiiiiii", "path_open": "iiiiiIIii", "path_readlink": "iiiiii",
	"path_remove_directory": "iii", "path_rename": "iiiiii", "path_symlink": "iiiii",
	"path_unlink_file": "iii", "poll_oneoff": "iiii", "proc_exit": "i", "proc_raise": "i",
	"random_get": "ii", "sched_yield": "", "sock_accept": "iii", "sock_recv": "iiiiii",
	"sock_send": "iiiii", "sock_shutdown": "ii",
}

// meterModule is what rewritten modules import their meter from.
const meterModule = "atoll"

// instantiateHost gives a runtime the modules that guests import.
func instantiateHost(ctx context.Context, rt wazero.Runtime) error {
	i32, i64 := api.ValueTypeI32, api.ValueTypeI64
	b := rt.NewHostModuleBuilder(wasiModule)
	for name, signature := range wasiSignatures {
		params := make([]api.ValueType, len(signature))
		for i, c := range signature {
			params[i] = i32
			if c == 'I' {
				params[i] = i64
			}
		}
		call, results := wasiCalls[name], []api.ValueType{i32}
		f := func(ctx context.Context, m api.Module, stack []uint64) {
			stack[0] = uint64(call(&ctx.(runnerContext).wasi, m.Memory(), stack))
		}
		switch {
		case name == "proc_exit":
			results = nil
			f = func(_ context.Context, _ api.Module, stack []uint64) {
				panic(fmt.Errorf("it called proc_exit(%d)", uint32(stack[0])))
			}
		case call == nil:
			f = func(_ context.Context, _ api.Module, stack []uint64) { stack[0] = errnoNoSys }
		}
		b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(f), params, results).Export(name)
	}
	if _, err := b.Instantiate(ctx); err != nil {
		return fmt.Errorf("making %s: %w", wasiModule, err)
	}
	m := rt.NewHostModuleBuilder(meterModule)
	m.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(ctx context.Context, stack []uint64) {
		stack[0] = uint64(ctx.(runnerContext).meter.tick(int64(stack[0])))
	}), []api.ValueType{i64}, []api.ValueType{i64}).Export("tick")
	m.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(context.Context, []uint64) { panic(ErrStack) }), nil, nil).Export("deep")
	if _, err := m.Instantiate(ctx); err != nil {
		return fmt.Errorf("making %s: %w", meterModule, err)
	}
	return nil
}
