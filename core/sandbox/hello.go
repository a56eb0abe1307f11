// HELLO: what host and guest tell each other first, once.
package sandbox

import (
	"maps"
	"slices"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// minorVersion of the wire that this host speaks.
const minorVersion = 0

// hello is the host's HELLO for this instance.
func (i *instance) hello() []byte {
	seed := i.guest.engine.seed()
	b := wire.BeginFrame(nil, wire.Hello, 0, 0)
	b = wire.AppendU16(b, wire.TagMinor, minorVersion)
	b = wire.AppendU64(b, wire.TagFeatures, wire.FeatureBuffer)
	b = wire.AppendField(b, wire.TagSeed, 0, seed[:])
	b = wire.AppendU64(b, wire.TagMemory, i.guest.limits.Memory)
	b = wire.AppendU32(b, wire.TagStreams, uint32(i.guest.limits.Streams))
	for _, name := range slices.Sorted(maps.Keys(i.guest.spec.Settings)) {
		b = wire.AppendPair(b, wire.TagSetting, name, i.guest.spec.Settings[name])
	}
	return wire.EndFrame(b, 0)
}

// receiveHello takes the guest's first batch: a HELLO, and what it says after.
// i.mu is held.
func (i *instance) receiveHello(out []byte) error {
	if len(out) == 0 {
		return i.fault(FaultStart, "it did not answer HELLO")
	}
	f, rest, err := wire.NextFrame(out)
	switch {
	case err != nil:
		return i.fault(FaultStart, err.Error())
	case len(out) > wire.MaxBatch:
		return i.fault(FaultStart, "its first batch is too large")
	case f.Type != wire.Hello || f.Stream != 0:
		return i.fault(FaultStart, "its first frame is "+f.Type.String()+", not HELLO")
	case len(f.Payload) > wire.MaxFields:
		return i.fault(FaultStart, "its HELLO is too large")
	}
	var said once
	for p := f.Payload; len(p) > 0; {
		field, more, err := wire.NextField(p)
		if err != nil {
			return i.fault(FaultStart, "its HELLO is broken: "+err.Error())
		}
		p = more
		switch field.Tag {
		case wire.TagMinor, wire.TagFeatures:
			v, ok := field.U64()
			if field.Tag == wire.TagMinor {
				_, ok = field.U16()
			}
			if !ok || said.twice(field.Tag) {
				return i.fault(FaultStart, "its HELLO is broken: a number of another size than its own, or said twice")
			}
			if v&^wire.FeatureBuffer != 0 {
				return i.fault(FaultStart, "it uses features that this host does not have")
			}
			i.turned.Keep = i.turned.Keep || v&wire.FeatureBuffer != 0
		case wire.TagSeed, wire.TagSetting, wire.TagMemory, wire.TagStreams: // the host's to say
		default:
			if field.Critical() {
				return i.fault(FaultStart, "its HELLO wants something that this host does not know")
			}
		}
	}
	if !said.twice(wire.TagMinor) {
		return i.fault(FaultStart, "its HELLO says no version")
	}
	return i.receive(rest)
}
