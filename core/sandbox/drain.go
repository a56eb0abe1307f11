// Draining: an instance that is closed, or whose ids come near their end, takes
// no new streams and ends with its last one. Where only it leaves, and not its
// guest, new requests find a successor.
package sandbox

import (
	"errors"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// lastIDs is the id from which on an instance drains. What is left is for the
// streams that a guest still opens on behalf of those that are open.
const lastIDs = wire.MaxStream - 1<<20

// errElsewhere: this instance takes no more; another one does.
var errElsewhere = errors.New("this instance takes no more")

// elsewhere tells whether a request that met err finds another instance under
// its key, and waits until it does.
func (i *instance) elsewhere(err error) bool {
	if err == errUnloaded {
		<-i.done
		return true
	}
	return err == errElsewhere || err == errFull
}

// notWanted takes back that somebody wants the instance who opens no stream in it.
func (i *instance) notWanted() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.wanted.Add(-1)
	i.unused()
}

// unused lets an instance go whose request did not come to be. i.mu is held.
func (i *instance) unused() {
	notify(i.signal)
	if i.alone && i.leaving == nil && len(i.streams) == 0 {
		i.end(errUnloaded)
	}
}

// drain closes the instance: it takes no new streams, and requests that come
// are told ErrClosed.
func (i *instance) drain() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.leave(ErrClosed)
}

// retire takes the instance away from its key because ids of either side are
// nearly used up: new requests start another. i.mu is held.
func (i *instance) retire() {
	if i.leaving != nil || i.dead != nil {
		return
	}
	i.guest.retire(i)
	i.leave(errElsewhere)
}

// leave lets the instance end with its last stream, and tells the guest. i.mu
// is held.
func (i *instance) leave(why error) {
	said := i.leaving != nil
	i.leaving = why
	i.endIfDrained()
	if i.dead == nil && !said {
		i.in = wire.AppendFrame(i.in, wire.Drain, 0, 0, nil)
		i.kick()
	}
}

// endIfDrained ends an instance that carries nothing and takes nothing more.
// i.mu is held.
func (i *instance) endIfDrained() {
	switch {
	case len(i.streams) > 0:
	case i.leaving == ErrClosed:
		i.end(ErrClosed)
	case i.leaving != nil, i.alone: // request isolation: it has had its request
		i.end(errUnloaded)
	}
}
