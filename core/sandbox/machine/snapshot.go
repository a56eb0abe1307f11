// Snapshots: a module is initialized once, and its machines are copies of what
// that left behind. Nothing is in a snapshot but what the module alone can know:
// it is taken before HELLO, so before any secret, setting or tenant.
package machine

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"time"
)

// snapshot is a machine at rest after its _initialize. It never changes.
type snapshot struct {
	memory  *image
	globals []uint64
	world   wasi // clocks, and when it wants to be woken
}

// snap keeps a runner's state.
func (r *runner) snap() (*snapshot, error) {
	size := r.linear.size.Load()
	memory, err := newImage(size, extentsOf(r.linear.bytes[:size]))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	s := &snapshot{memory: memory, globals: make([]uint64, len(r.globals)), world: r.wasi}
	s.world.random, s.world.pay, s.world.said = nil, nil, said{}
	for n, g := range r.globals {
		s.globals[n] = g.Get()
	}
	return s, nil
}

// apply makes a runner whose memory begins with the snapshot's, and which has
// run nothing yet, what the snapshot's was.
func (s *snapshot) apply(r *runner) error {
	if more := s.memory.size - uint64(r.memory.Size()); more > 0 {
		if _, ok := r.memory.Grow(uint32(more / wasmPage)); !ok {
			return fmt.Errorf("%w: its memory does not grow to its snapshot's", ErrStart)
		}
	}
	s.setGlobals(r)
	return nil
}

func (s *snapshot) setGlobals(r *runner) {
	for n, g := range r.globals {
		g.Set(s.globals[n])
	}
}

// reset makes a runner at rest what it was when it started; false: it cannot be
// brought back. Linear memory never shrinks, so one that has grown cannot.
func (s *snapshot) reset(r *runner) bool {
	if r.linear.refused.Load() || r.linear.size.Load() != s.memory.size || r.linear.restore(s.memory) != nil {
		return false
	}
	s.setGlobals(r)
	r.meter.renew()
	r.buffer, r.bufferSize = 0, 0
	return true
}

// wakes gives a runner the snapshot's world with randomness of its own. Its
// clocks go on from the snapshot's and never run back.
func (s *snapshot) wakes(r *runner, begin Start) {
	r.wasi = s.world
	r.wasi.random, r.wasi.pay = rand.NewChaCha8(begin.Seed), r.meter.pay
	r.wasi.setClock(begin.Now, begin.wall)
}

// Start implements Code.
func (c *loaded) Start(ctx context.Context, s Start) (Machine, error) {
	l := &lease{code: c, seat: c.room.schedule.join(s.Tenant, s.Extension)}
	err := l.start(ctx, s)
	if err != nil {
		l.seat.leave()
		return nil, err
	}
	return l, nil
}

// start finds a runner for a lease.
func (l *lease) start(ctx context.Context, s Start) (err error) {
	c := l.code
	if !c.pristine || s.Apart {
		l.runner, err = c.alone(ctx, s, l.seat)
		return err
	}
	snap, spoken, err := c.seeded(ctx, s, l.seat)
	if err != nil {
		return err
	}
	r := c.blanks.take(s.Memory)
	if r == nil {
		if r, err = c.copy(ctx, snap, s.Memory); err != nil {
			return err
		}
	}
	snap.wakes(r, s)
	r.wasi.said, r.meter.seat = spoken, l.seat
	l.runner, l.snapshot = r, snap
	return nil
}

// copy makes a runner that is what the snapshot's was.
func (c *loaded) copy(ctx context.Context, snap *snapshot, limit uint64) (*runner, error) {
	r, err := newRunner(ctx, c, limit, snap.memory)
	if err != nil {
		return nil, err
	}
	if err := snap.apply(r); err != nil {
		r.Close()
		return nil, err
	}
	snap.memory.heat(r.linear.bytes)
	return r, nil
}

// alone makes a runner that is no copy. The module's image is laid out anew: the
// code's own is gone once there is a snapshot.
func (c *loaded) alone(ctx context.Context, s Start, seat *seat) (*runner, error) {
	data, err := newImage(uint64(c.pages)*wasmPage, c.memory)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	defer data.close()
	r, err := c.initialized(ctx, s, seat, data)
	if err != nil {
		return nil, err
	}
	r.wasi.random = rand.NewChaCha8(s.Seed)
	return r, nil
}

// initialSeed is the seed of what a machine draws before its first turn, where
// its own is given: what stays in a snapshot's memory, which all copies have,
// tells nothing of what any of them draws.
func initialSeed(seed [32]byte) [32]byte {
	return sha256.Sum256(append([]byte("before the first turn"), seed[:]...))
}

// initialized makes a runner from the module's own image, and initializes it.
func (c *loaded) initialized(ctx context.Context, s Start, seat *seat, data *image) (*runner, error) {
	r, err := newRunner(ctx, c, s.Memory, data)
	if err != nil {
		return nil, err
	}
	r.wasi = newWASI(s.Now, s.wall, initialSeed(s.Seed), r.meter.pay)
	r.meter.seat = seat
	used, err := r.initialize(s.CPU)
	s.took(used)
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// seeded gives the code's snapshot. Who wants it first initializes a machine
// for it, under limits of their own, and is given what it said. If that fails
// it fails for them alone: others may have other limits.
func (c *loaded) seeded(ctx context.Context, s Start, seat *seat) (*snapshot, said, error) {
	c.seeding.Lock()
	defer c.seeding.Unlock()
	if c.snapshot != nil {
		return c.snapshot, said{}, nil
	}
	r, err := c.initialized(ctx, s, seat, c.data)
	if err != nil {
		return nil, said{}, err
	}
	defer r.Close()
	began := time.Now()
	snap, err := r.snap()
	if s.Used != nil { // the host's work, of a few milliseconds, by the wall's clock
		s.Used.CPU += time.Since(began)
	}
	if err != nil {
		return nil, said{}, err
	}
	c.snapshot = snap
	c.data.close() // no machine begins with it any more
	return snap, r.wasi.said, nil
}
