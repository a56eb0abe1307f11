// What an instance is told: settings and a seed with the host's HELLO, and that
// it is to end with DRAIN.
package atoll

import (
	"math/rand/v2"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// Setting gives one of the extension's settings. From init there are none yet.
func Setting(name string) (string, bool) {
	s := now()
	s.lock()
	defer s.unlock()
	v, ok := s.settings[name]
	return v, ok
}

// Draining gives a channel that is closed when the instance is to be replaced or
// closed: nothing new comes, and the instance ends when the requests that are
// open have been answered. Handlers that answer without end (a watch, a terminal)
// may look at it, and end so that their clients come back elsewhere.
func Draining() <-chan struct{} {
	s := now()
	s.lock()
	defer s.unlock()
	if s.drained == nil {
		s.drained = make(chan struct{})
		if s.draining {
			close(s.drained)
		}
	}
	return s.drained
}

// drain takes the host's DRAIN. s.mu is held.
func (s *session) drain() {
	if s.draining {
		return
	}
	s.draining, s.stirred = true, true
	if s.drained != nil {
		close(s.drained)
	}
}

// Rand gives the instance's generator of random numbers, seeded by the host and
// safe for concurrent use. Instances are copies of one snapshot: what init drew is
// the same in all of them, and a generator that it made draws the same in all, so
// draw while requests are served. Then math/rand's own functions will do as well:
// the SDK has the host's seed go into the generator behind them, and behind the
// order of maps. It has to find that one in memory; should a version of Go hide
// it, a line in the log says so when the guest is loaded, and only this generator
// differs. For secrets there is crypto/rand, which the host seeds for each
// instance too.
func Rand() *rand.Rand {
	s := now()
	s.lock()
	defer s.unlock()
	if s.random == nil {
		s.random = &generator{session: s, source: rand.NewChaCha8(s.seed)}
		s.random.rand = rand.New(s.random)
	}
	return s.random.rand
}

// generator is a source that may be used concurrently.
type generator struct {
	session *session
	source  *rand.ChaCha8
	rand    *rand.Rand
}

// Uint64 implements rand.Source.
func (g *generator) Uint64() uint64 {
	g.session.lock()
	defer g.session.unlock()
	return g.source.Uint64()
}

// receiveHello takes the host's HELLO and answers it, before anything that was
// said already. s.mu is held.
func (s *session) receiveHello(f wire.Frame) {
	if f.Type != wire.Hello || f.Stream != 0 {
		s.fault("the first frame is " + f.Type.String() + ", not HELLO")
	}
	memory, features := uint64(4<<30), uint64(0)
	s.settings = map[string]string{}
	b := s.block(f)
	for b.next() {
		switch b.tag {
		case wire.TagMinor:
			b.u16()
		case wire.TagFeatures:
			features = b.u64()
		case wire.TagSeed:
			if len(b.value) != len(s.seed) {
				s.fault("a seed of another size than its own")
			}
			copy(s.seed[:], b.value)
			reseed(s.seed)
		case wire.TagSetting:
			name, value := b.pair()
			s.settings[string(name)] = string(value)
		case wire.TagMemory:
			memory = b.u64()
		case wire.TagStreams:
			s.limit = int(b.u32())
		default:
			if b.critical {
				s.fault("HELLO wants something that this version does not know")
			}
		}
	}
	s.size = int(min(memory/4, wire.MaxWindow-1))
	s.window, s.room = s.size, s.size
	if s.random != nil {
		s.random.source.Seed(s.seed)
	}
	s.greeted = true
	hello := wire.AppendU64(wire.AppendU16(nil, wire.TagMinor, 0), wire.TagFeatures, features&wire.FeatureBuffer)
	s.out = append(wire.AppendFrame(nil, wire.Hello, 0, 0, hello), s.out...)
	s.data = -1
	tune(memory)
}
