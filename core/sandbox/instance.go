// An instance: one copy of a guest's module with memory of its own, carrying
// many streams at once.
//
// Exactly one goroutine owns it at any moment and may enter the guest: mostly
// the instance's loop, sometimes a caller who found it idle. Everybody else puts
// frames into `in` under mu and kicks the loop. What ends an instance: its own
// fault, the loss of its machine, idleness, or that its guest is closed; and, where
// it is for one request, the end of that. It never comes back.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/core/sandbox/recording"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// resetGrace is how long a guest may take to answer a RESET. Its handler may be
// waiting for something that does not hear of the reset; its slot stays taken
// that long, so that who cancels cannot pile up work.
const resetGrace = 30 * time.Second

// errUnloaded ends an instance that is not needed. Nobody but the sandbox sees
// it: a request that meets it takes another instance.
var errUnloaded = errors.New("unloaded")

// instanceKey tells instances of one guest apart.
type instanceKey struct {
	kind, first, second string
	nth                 int    // of several; the first is 0
	request             uint64 // of those that are for one; 0: it is for more
	place               *place // where it runs alone
}

// tenant is whose work an instance's is, for who shares out the processors.
func (k instanceKey) tenant() string { return k.kind + "/" + k.first }

type instance struct {
	guest *Guest
	key   instanceKey
	alone bool   // for one request
	place *place // that it holds until it ends
	run   machine.Machine
	log   *guestLog

	aboard *aboard // in whose place the instance stands when the process ends
	boards bool    // requests have come or gone since the last turn

	session  *recordingSession   // that records it, until it has a machine; nil: none
	recorder *recording.Recorder // nil: it is not recorded

	turned machine.Turn // the guest's last turn; for the owner
	ledger ledger       // for the owner, with mu held

	signal chan struct{} // the loop looks
	done   chan struct{} // the loop has left, the memory is free

	wanted  atomic.Int32 // requests that have found it and not yet opened their stream
	carries atomic.Int32 // what carried says, for who does not hold mu

	mu      sync.Mutex
	owned   bool   // somebody may enter the guest
	in      []byte // frames for it
	spare   []byte // the buffer that is in next
	streams map[uint32]*stream
	free    []*stream
	nextID  uint32    // of the next stream that the host opens
	lastID  uint32    // of the last stream that the guest opened
	company int       // how many requests it carried when the last turn began
	opened  int       // how many of streams the guest opened
	waiting []*stream // their senders wait for room in the instance
	lately  resets
	starts  []func() // doors to start when the batch has been read

	windowSize int // both windows of the instance, in bytes, as they begin
	window     int // what the guest may still send
	credit     int // read, and not yet given back
	room       int // what we may still send
	buffered   int // received and not read
	share      share

	wake       time.Time     // when the guest wants a poll; zero: when frames come
	asked      time.Time     // what WAKE frames said of that
	armed      time.Time     // what the loop's timer is set to
	active     time.Time     // when a stream was last opened
	unanswered int           // resets that the guest has not answered
	answerBy   time.Time     // when the oldest of them is too old
	leaving    error         // no new streams, for this reason; it ends with the last one
	dead       error         // why it ended: a *Fault, ErrClosed, errUnloaded, what wraps machine.ErrLost
	reruns     chan struct{} // places for what is run again after its fault

	polls, requests uint64
}

// kick makes the loop look, unless an owner will. i.mu is held.
func (i *instance) kick() {
	if !i.owned {
		notify(i.signal)
	}
}

// start makes the instance run: its module's _initialize, then HELLO both ways.
// It is called once, on the goroutine that becomes the loop.
func (i *instance) start(ctx context.Context, code machine.Code) error {
	e := i.guest.engine
	now := time.Now()
	i.log = newGuestLog(i.guest.logger, i.guest.limits.LogLinesPerMinute, now)
	var used machine.Usage
	defer func() { i.billStart(used) }()
	placed := e.deaths.board(i.aboard)
	run, err := i.machine(ctx, code, machine.Start{
		Memory: i.guest.limits.Memory, Seed: e.seed(), Now: now, CPU: i.guest.limits.CPUPerPoll,
		Tenant: i.key.tenant(), Extension: i.guest.spec.Name, Owner: i.aboard, Used: &used,
	})
	e.deaths.leave(placed)
	if err != nil {
		return i.failure(err)
	}
	i.run = run
	if err = i.enter(time.Now(), i.hello()); err != nil {
		run.Close()
		return i.failure(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := i.receiveHello(i.turned.Frames); err != nil {
		run.Close()
		return err
	}
	i.settle()
	i.billMemory(run.Memory())
	return nil
}

// loop is the life of an instance after its start.
func (i *instance) loop() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for fired := false; ; {
		i.mu.Lock()
		if fired {
			i.armed = time.Time{}
		}
		if i.dead != nil && !i.owned {
			i.mu.Unlock()
			break
		}
		if !i.owned {
			now := time.Now()
			switch {
			case i.unanswered > 0 && !now.Before(i.answerBy):
				i.checkAnswers(now)
				i.mu.Unlock()
				continue
			case len(i.streams) == 0 && len(i.in) == 0 && i.wanted.Load() == 0 && i.idleBy() && !now.Before(i.active.Add(i.guest.engine.idleAfter)):
				i.end(errUnloaded)
				i.mu.Unlock()
				continue
			case len(i.in) > 0 || !i.wake.IsZero() && !now.Before(i.wake):
				i.owned = true
				i.mu.Unlock()
				i.turn(time.Now())
				fired = false
				continue
			}
			if i.armed = i.next(); !i.armed.IsZero() {
				timer.Reset(i.armed.Sub(now))
			}
		} // else the timer stands: who calls again and again does not wake us each time
		armed := !i.armed.IsZero()
		i.mu.Unlock()
		fired = false
		if !armed {
			<-i.signal
			continue
		}
		select {
		case <-i.signal:
		case <-timer.C:
			fired = true
		}
	}
	i.run.Close()
	i.log.close(time.Now())
	i.guest.left(i)
	i.place.free()
	close(i.done)
}

// idleBy tells whether the instance may be unloaded for idleness.
func (i *instance) idleBy() bool { return i.guest.engine.idleAfter > 0 }

// next is when the loop must look even if nobody kicks it. i.mu is held.
func (i *instance) next() time.Time {
	next := i.wake
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	if i.unanswered > 0 {
		sooner(i.answerBy)
	}
	if len(i.streams) == 0 && i.wanted.Load() == 0 && i.idleBy() {
		sooner(i.active.Add(i.guest.engine.idleAfter))
	}
	return next
}

// turn lets the guest run once with the frames that wait for it, and hands out
// what it answers. The caller owns the instance, and does not afterwards.
func (i *instance) turn(now time.Time) {
	i.mu.Lock()
	batch := i.takeBatch()
	i.company = i.carried()
	i.handsOver(batch)
	i.embark()
	i.mu.Unlock()
	err := i.enter(now, batch)

	i.mu.Lock()
	i.polls++
	switch {
	case err != nil:
		i.end(i.failure(err))
	case i.dead == nil:
		if err := i.receive(i.turned.Frames); err != nil {
			i.end(err)
		} else {
			i.settle()
		}
	}
	i.settleUp(now)
	i.owned = false
	if cap(batch) > cap(i.spare) && cap(batch) <= 256<<10 {
		i.spare = batch[:0]
	}
	starts := i.starts
	i.starts = nil
	next := i.next()
	if len(i.in) > 0 || i.dead != nil || !next.IsZero() && (i.armed.IsZero() || next.Before(i.armed)) {
		notify(i.signal)
	}
	i.mu.Unlock()
	for _, start := range starts {
		go start()
	}
}

// embark notes for whom the guest may work in the turn that begins: where tenants
// share the instance, for all whose requests it carries. i.mu is held.
func (i *instance) embark() {
	if !i.boards || i.guest.spec.Isolation != IsolateShared {
		return
	}
	i.boards = false
	a := i.aboard
	a.tenants = a.tenants[:0]
	for _, s := range i.streams {
		if !s.guestOpened() && !slices.Contains(a.tenants, s.tenant) {
			if a.tenants = append(a.tenants, s.tenant); len(a.tenants) == 2 {
				return
			}
			if !s.orphan { // or else whoever asked uses the request for something else
				a.caller = s.request.Caller
			}
		}
	}
}

// settle notes when the guest wants to be polled. i.mu is held.
func (i *instance) settle() {
	i.wake = i.turned.Wake
	if !i.asked.IsZero() && (i.wake.IsZero() || i.asked.Before(i.wake)) {
		i.wake = i.asked
	}
}

// askWake notes that the guest has asked for a poll after a while. i.mu is held.
func (i *instance) askWake(after time.Duration) {
	if at := i.turned.Now.Add(after); i.asked.IsZero() || at.Before(i.asked) {
		i.asked = at
	}
}

// takeBatch takes the frames for the next poll, whole ones, at most a batch.
// i.mu is held.
func (i *instance) takeBatch() []byte {
	if len(i.in) <= wire.MaxBatch {
		batch := i.in
		i.in, i.spare = i.spare[:0], nil
		i.wakeSenders()
		return batch
	}
	n := 0
	for rest := i.in; ; {
		_, after, err := wire.NextFrame(rest)
		if err != nil {
			panic(fmt.Sprintf("sandbox: its own frames are broken: %v", err))
		}
		if n+len(rest)-len(after) > wire.MaxBatch {
			break
		}
		n += len(rest) - len(after)
		rest = after
	}
	batch := append([]byte(nil), i.in[:n]...)
	i.in = append(i.in[:0], i.in[n:]...)
	i.wakeSenders()
	return batch
}

// enter gives the guest a batch and gets its answer into i.turned. For the owner.
func (i *instance) enter(now time.Time, batch []byte) error {
	t := &i.turned
	if len(batch) == 0 {
		i.asked = time.Time{} // it says anew what it waits for
	}
	t.Now, t.Batch, t.CPU = now, batch, i.guest.limits.CPUPerPoll
	placed := i.guest.engine.deaths.board(i.aboard)
	err := i.run.Turn(t)
	i.guest.engine.deaths.leave(placed)
	i.ledger.owed.Add(t.Used)
	i.log.wrote(now, t.Said, t.Unsaid)
	return err
}

// end ends the instance: its streams die, its loop frees it. i.mu is held.
func (i *instance) end(why error) {
	if i.dead != nil {
		return
	}
	i.dead = why
	i.in = nil
	f, _ := why.(*Fault)
	for _, s := range i.streams {
		s.gone = true
		i.die(s, wire.Internal, i.told(s, why))
		if s.timer != nil {
			s.timer.Stop()
		}
		if s.unhook != nil {
			s.unhook()
		}
	}
	i.aboard.trials.Store(i.trials())
	if f != nil {
		i.blame(f)
		i.guest.faulted(f)
	}
	clear(i.streams)
	i.carries.Store(0)
	notify(i.signal)
}

// trials is how many requests of an instance that has ended are run again; 0: none,
// or not all of them. i.mu is held.
func (i *instance) trials() (n int32) {
	for _, s := range i.streams {
		switch {
		case s.guestOpened():
		case !s.again:
			return 0
		default:
			n++
		}
	}
	return n
}

// stop ends the instance from outside, and waits until its memory is free.
func (i *instance) stop(why error) {
	i.mu.Lock()
	i.end(why)
	running := i.owned
	i.mu.Unlock()
	if running {
		i.run.Kill()
	}
	<-i.done
}

// checkAnswers looks for resets that the guest has left unanswered too long.
// i.mu is held.
func (i *instance) checkAnswers(now time.Time) {
	oldest := now
	for _, s := range i.streams {
		if s.reset && s.resetAt.Before(oldest) {
			oldest = s.resetAt
		}
	}
	i.answerBy = oldest.Add(resetGrace)
	if !now.Before(i.answerBy) {
		i.end(i.fault(FaultTime, fmt.Sprintf("it did not answer a RESET within %v", resetGrace)))
	}
}

// fault makes the fault that ends this instance.
func (i *instance) fault(class Class, detail string) *Fault {
	return &Fault{Class: class, Extension: i.guest.spec.Name, Version: i.guest.spec.Version, Detail: detail}
}

// failure is what an error of the guest's machine stands for: a *Fault, or that
// the machine was lost.
func (i *instance) failure(err error) error {
	err = i.aboard.crashed(err)
	switch {
	case errors.As(err, new(*Fault)):
		return err
	case errors.Is(err, machine.ErrLost):
		i.guest.logger.Warn("an instance of an extension was lost", slog.Any("error", err))
		return err
	case errors.Is(err, machine.ErrStopped):
		return i.fault(FaultTime, fmt.Sprintf("it ran longer than %v at once", i.guest.limits.CPUPerPoll))
	case errors.Is(err, machine.ErrMemory):
		return i.fault(FaultMemory, err.Error())
	case errors.Is(err, machine.ErrStack):
		return i.fault(FaultStack, err.Error())
	case errors.Is(err, machine.ErrStart):
		return i.fault(FaultStart, err.Error())
	}
	return i.fault(FaultTrap, err.Error())
}
