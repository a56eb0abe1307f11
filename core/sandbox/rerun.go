// Running again: what becomes of requests whose instance ends under them.
//
// A fault takes every stream of its instance along, and nobody can know whose
// request did it. So whatever can be run again is, each in an instance of its
// own: the poisonous request fails by itself, and its neighbours are answered and
// notice nothing. As many run so at a time as there are cores, each to the end of
// its answer; who does not get a place soon is told to ask again. A request can be run again while nobody has seen anything of
// it: its answer has not begun, its body is kept, and nothing was opened on its
// behalf but what its door calls safe.
//
// A lost machine is nobody's fault: what it carried is run again as if it had
// only now come, but alone where it may have ended the process.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
)

// told is what a stream is told of the end of its instance; it notes whether the
// stream is run again. i.mu is held.
func (i *instance) told(s *stream, why error) error {
	f, _ := why.(*Fault)
	lost := errors.Is(why, machine.ErrLost)
	switch {
	case s.guestOpened() || f == nil && !lost:
		return why
	case f != nil && (f.Class == FaultCrash || max(i.company, i.carried()) == 1):
		return why // a request that was alone did it, or its tenant has again and again
	}
	if s.err == nil && !s.once && s.kept.whole() {
		s.again, s.body = true, nil // which is read on, and not closed
		if i.reruns == nil {
			i.reruns = make(chan struct{}, runtime.GOMAXPROCS(0))
		}
	}
	if lost {
		return fmt.Errorf("%w: %w", ErrInterrupted, why)
	}
	return fmt.Errorf("%w: another request's fault (%s)", ErrInterrupted, f.Class)
}

// carried is how many requests the instance carries, those that were reset and
// are not answered among them: they may still be running. i.mu is held.
func (i *instance) carried() int { return len(i.streams) - i.opened }

// safe tells whether a guest's request may be made again.
func safe(door Door, p Parent, r *Request) bool {
	s, ok := door.(SafeDoor)
	return ok && r.Protocol == "" && s.Safe(p, r)
}

// placeWait is how long a request waits to run alone. Answers that never end may
// hold every place.
const placeWait = 10 * time.Second

// place is where a request runs alone, one of its former instance's. It is free
// again when the instance ends that it runs in.
type place struct {
	of   chan struct{}
	once sync.Once
}

func (p *place) free() {
	if p != nil {
		p.once.Do(func() { <-p.of })
	}
}

// reruns is what one request has behind it. Its zero value is one that has not
// yet been run.
type reruns struct {
	lost, alone bool
	trial       *verdict // on the death that it was on board of
	of          *aboard
}

// answered notes that the request was answered, and did not end the process again.
func (a *reruns) answered(g *Guest) {
	if a.trial != nil && a.of.trials.Add(-1) == 0 {
		g.engine.deaths.acquit(a.trial, a.of)
	}
}

// next tells whether a request is run again whose last run ended with err, and
// under which key. s is its stream, nil when it had not come that far. An
// error is what the request ends with.
func (a *reruns) next(ctx context.Context, g *Guest, c *Caller, s *stream, err error) (instanceKey, error) {
	lost := errors.Is(err, machine.ErrLost)
	switch {
	case lost && !a.lost && (s == nil || s.again):
		a.lost = true
		v := verdictOf(err)
		if s == nil || !v.found(s.inst.aboard) {
			return g.key(c), nil
		}
		a.trial, a.of = v, s.inst.aboard
		if a.alone {
			return instanceKey{}, err
		}
	case s == nil && lost:
		return instanceKey{}, fmt.Errorf("%w: %w", ErrInterrupted, err)
	case s == nil || !s.again || lost || a.alone:
		return instanceKey{}, err
	}
	a.alone = true
	late := time.Now().Add(placeWait)
	if !s.deadline.IsZero() && s.deadline.Before(late) {
		late = s.deadline
	}
	ctx, cancel := context.WithDeadlineCause(ctx, late, err)
	defer cancel()
	p := &place{of: s.inst.reruns}
	select {
	case p.of <- struct{}{}:
		key := g.loneKey(instanceAgain)
		key.place = p
		return key, nil
	case <-ctx.Done():
		return instanceKey{}, context.Cause(ctx)
	}
}

// until is the deadline that a request keeps when it is run again.
func (g *Guest) until(r *Request, s *stream, began time.Time) time.Time {
	if s != nil {
		return s.deadline
	}
	return g.deadline(r, began)
}
