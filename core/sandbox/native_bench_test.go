// What a warm call costs on the host's side alone: the guest is a Go function
// that does next to nothing.
package sandbox

import (
	"testing"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

func BenchmarkExchangeWithoutAGuest(b *testing.B) {
	e := engineFor(b, nil)
	var out []byte
	credit := uint32(0)
	hello := wire.AppendFrame(nil, wire.Hello, 0, 0, wire.AppendU64(wire.AppendU16(nil, wire.TagMinor, 0), wire.TagFeatures, wire.FeatureBuffer))
	status := wire.AppendU16(nil, wire.TagStatus, 200)
	g := loadNative(e, Spec{Name: "echo"}, func() script {
		return func(in []byte) []byte {
			out = out[:0]
			for len(in) > 0 {
				f, rest, _ := wire.NextFrame(in)
				switch in = rest; f.Type {
				case wire.Hello:
					out = append(out, hello...)
				case wire.Open:
					out = wire.AppendFrame(out, wire.Head, 0, f.Stream, status)
				case wire.Data:
					if credit += uint32(len(f.Payload)); credit >= 1<<20 {
						out, credit = wire.AppendWindow(out, 0, credit), 0
					}
					out = wire.AppendFrame(out, wire.Data, 0, f.Stream, f.Payload)
				case wire.End:
					out = wire.AppendFrame(out, wire.End, 0, f.Stream, nil)
				}
			}
			return out
		}
	})
	x := &Exchange{Request: Request{Authority: "route", Method: "POST", Target: "/frame", Caller: Caller{User: "alice", UserUID: "u-1", Workspace: "w", WorkspaceUID: "w-1"}}, Send: make([]byte, 64)}
	b.ReportAllocs()
	for b.Loop() {
		if err := g.Exchange(b.Context(), x); err != nil || x.Status != 200 {
			b.Fatal(x.Status, err)
		}
	}
}
