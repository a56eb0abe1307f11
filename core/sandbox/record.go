// Recording: an administrator has one instance recorded, from its start on, so
// that what it did can be done again by any build of its module, elsewhere.
//
// What a recording must not hold is decided strictly: what clients send with
// anything but a plain read, every setting, and what doors give that do not say
// that it is no secret.
package sandbox

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/core/sandbox/recording"
)

// Bounds of a recording.
const (
	usualRecordTime = 30 * time.Second
	mostRecordTime  = 10 * time.Minute
	usualRecordSize = 16 << 20 // bytes
	mostRecordSize  = 64 << 20
)

var (
	// ErrRecording is returned where a guest is being recorded already.
	ErrRecording = errors.New("the guest is being recorded already")
	// ErrNotAsked is returned when there was nothing to record.
	ErrNotAsked = errors.New("nobody asked the guest while it was to be recorded")
)

// RecordOptions says what is recorded.
type RecordOptions struct {
	// Caller says whose instance it is: that which a request of theirs meets.
	Caller Caller
	// For is how long at most, from now on, but for the time that the instance
	// takes to start. Zero: 30 seconds; never more than ten minutes.
	For time.Duration
	// Size is how many bytes of turns are kept at most. Zero: 16 MiB; never more
	// than 64 MiB.
	Size int
	// Users tells that the users' names are kept. Otherwise others stand for them.
	Users bool
}

// SecretDoor is a Door that knows which of its requests carry secrets. Without
// Secret all are taken to, and a recording keeps nothing of their bodies.
type SecretDoor interface {
	Door
	// Secret is asked before Open, of what Open will be given but for the body. It
	// must return at once and touch no guest.
	Secret(p Parent, r *Request) bool
}

// Record records the next instance of a caller, from its start on; the one that
// there is takes no more requests. It returns when the time is over, the
// recording is as large as it may be, or the instance has ended. Errors are
// ErrRecording, ErrNotAsked, ctx's, or what kept the guest from being run again
// without what is secret.
func (g *Guest) Record(ctx context.Context, o RecordOptions) (*recording.Recording, error) {
	if o.For <= 0 {
		o.For = usualRecordTime
	}
	if o.Size <= 0 {
		o.Size = usualRecordSize
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	code, err := g.source(ctx) // now: the module may be gone by the end
	if err != nil {
		return nil, err
	}
	defer code.Close()
	r := &recordingSession{
		key: g.key(&o.Caller), tenant: g.tenantOf(&o.Caller), size: min(o.Size, mostRecordSize),
		began: make(chan *recording.Recorder, 1), ended: make(chan struct{}),
		over: time.NewTimer(min(o.For, mostRecordTime)), until: time.Now().Add(min(o.For, mostRecordTime)),
	}
	defer r.over.Stop()
	if !g.session.CompareAndSwap(nil, r) {
		return nil, ErrRecording
	}
	defer g.session.Store(nil)
	if err := g.renew(ctx, r); err != nil {
		return nil, err
	}

	var recorder *recording.Recorder
	select {
	case recorder = <-r.began:
	case <-r.over.C:
		return nil, ErrNotAsked
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-r.ended:
	case <-r.over.C:
	case <-ctx.Done():
		recorder.Take("nobody waits for it")
		return nil, ctx.Err()
	}
	raw := recorder.Take("its time was over")
	load := func(context.Context) (machine.Code, error) { return borrowed{code}, nil }
	rec, err := raw.Seal(ctx, load, recording.Policy{Setting: func(string) bool { return true }, Users: !o.Users})
	if err != nil {
		return nil, err
	}
	rec.Version = g.spec.Version
	rec.Digest, _ = g.module.Load().(string)
	return rec, nil
}

// borrowed is code that its user does not close.
type borrowed struct{ machine.Code }

// Close implements machine.Code.
func (borrowed) Close() {}

// renew has the next request under a session's key start its first instance, unless
// one has done so already. An error is ctx's.
func (g *Guest) renew(ctx context.Context, r *recordingSession) error {
	select {
	case g.loading <- struct{}{}: // so that none is being started beside those that are left
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-g.loading }()
	var all []*instance
	g.mu.Lock()
	key := r.key
	for key.nth = range g.limits.Instances {
		if i := g.instances[key]; i != nil && (key.nth > 0 || !r.taken.Load()) {
			all = append(all, i)
		}
	}
	g.mu.Unlock()
	for _, i := range all {
		i.mu.Lock()
		i.retire()
		i.mu.Unlock()
	}
	return nil
}

// recordingSession is one Record, which waits for an instance.
type recordingSession struct {
	key    instanceKey
	tenant tenant
	size   int
	began  chan *recording.Recorder
	ended  chan struct{}

	taken atomic.Bool   // an instance that is to be recorded starts, or has; what follows is its starter's
	over  *time.Timer   // of the recording's time; it stands still while the instance starts
	until time.Time     // when it ends, if it runs on from now
	left  time.Duration // of it, while it stands still
	runs  bool          // the instance has a machine
}

// recorded tells whether an instance that starts under a key, for a tenant, is the
// one that is to be recorded: once.
func (g *Guest) recorded(key instanceKey, t tenant) *recordingSession {
	r := g.session.Load()
	if r == nil || key != r.key && (key.kind != instanceRequest || t != r.tenant) || !r.taken.CompareAndSwap(false, true) {
		return nil
	}
	if r.left = time.Until(r.until); !r.over.Stop() {
		return nil // its time is over, and nobody had asked
	}
	return r
}

// started tells a session, if there is one, that the start of its instance is over.
// The next instance is recorded if this one never ran.
func (r *recordingSession) started() {
	if r == nil {
		return
	}
	r.until = time.Now().Add(r.left)
	r.over.Reset(r.left)
	r.taken.Store(r.runs)
}

// machine makes the instance's machine, and records it where it is to be.
func (i *instance) machine(ctx context.Context, code machine.Code, s machine.Start) (machine.Machine, error) {
	r := i.session
	if i.session = nil; r == nil {
		return code.Start(ctx, s)
	}
	recorder, err := recording.Start(ctx, code, s, r.size, func() { close(r.ended) })
	if err != nil {
		return nil, err
	}
	i.recorder, r.runs = recorder, true
	r.began <- recorder
	return recorder, nil
}

// asks notes that a client's request may carry secrets. i.mu is held.
func (i *instance) asks(s *stream, r *Request) {
	if i.recorder != nil && (r.Protocol != "" || r.Method != http.MethodGet && r.Method != http.MethodHead) {
		i.recorder.Secret(s.id)
	}
}

// knocks notes that what a guest asks a door for may be secret. i.mu is held.
func (i *instance) knocks(s *stream, door Door, p Parent, r *Request) {
	if i.recorder == nil {
		return
	}
	if d, ok := door.(SecretDoor); !ok || r.Protocol != "" || d.Secret(p, r) {
		i.recorder.Secret(s.id)
	}
}

// Replay has a build of a module do again what a recording's did: where it does
// otherwise, and what it uses. Errors are Prepare's, and recording.Replay's.
func (e *Engine) Replay(ctx context.Context, wasm []byte, rec *recording.Recording) (*recording.Result, error) {
	code, _, err := e.room.Load(ctx, wasm)
	if err != nil {
		return nil, err
	}
	defer code.Close()
	return recording.Replay(ctx, code, rec)
}
