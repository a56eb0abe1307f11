// Where another build differs, in words.
package recording

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

func TestDifferencesAreSaidInWords(t *testing.T) {
	head := func(status uint16, header string) []byte {
		return wire.AppendFrame(nil, wire.Head, 0, 1, wire.AppendPair(wire.AppendU16(nil, wire.TagStatus, status), wire.TagHeader, "Server", header))
	}
	says := func(frames ...[]byte) script {
		return func(t *machine.Turn) error { t.Frames = join(frames...); return nil }
	}
	for _, c := range []struct {
		name          string
		recorded, now script
		want          string
	}{
		{"a field", says(data(1, ""), head(200, "a")), says(data(1, ""), head(404, "a")), "turn 0, frame 2 (HEAD on stream 1): status: 200, now 404"},
		{"a header", says(head(200, "a")), says(head(200, "b")), `turn 0, frame 1 (HEAD on stream 1): header: Server="a", now Server="b"`},
		{"a body", says(data(1, "hello")), says(data(1, "help")), `turn 0, frame 1 (DATA on stream 1): payload, from byte 3 of 5 on: "lo", now "p"`},
		{"a frame less", says(head(200, "a"), data(1, "x")), says(head(200, "a")), "turn 0, frame 2: DATA on stream 1, now no frame"},
		{"another stream", says(data(1, "x")), says(data(3, "x")), "turn 0, frame 1: DATA on stream 1, now DATA on stream 3"},
		{"flags", says(wire.AppendFrame(nil, wire.Data, wire.Message, 1, nil)), says(data(1, "")), "turn 0, frame 1 (DATA on stream 1): flags: 0x1, now 0x0"},
		{"a code", says(wire.AppendReset(nil, 1, wire.Denied, "")), says(wire.AppendReset(nil, 1, wire.Invalid, "")), "turn 0, frame 1 (RESET on stream 1): code: denied, now invalid"},
		{"a number", says(wire.AppendWindow(nil, 0, 5)), says(wire.AppendWindow(nil, 0, 7)), "turn 0, frame 1 (WINDOW): number: 5, now 7"},
		{"rubbish", says([]byte("rubbish")), says(data(1, "x")), `turn 0, frame 1, which is broken: "rubbish", now "\x01\x00\x00\x00\x04\x00\x00\x00\x01\x00\x00\x00x"`},
		{"a wake", func(t *machine.Turn) error { t.Wake = t.Now.Add(time.Second); return nil }, says(), "turn 0, when it wants its next turn: in 1s, now never"},
		{"a line", func(t *machine.Turn) error { t.Said = []byte("a line"); return nil }, says(), `turn 0, what it wrote: "a line", now ""`},
		{"a failure", says(), func(*machine.Turn) error { return errors.New("unreachable") }, `turn 0, its failure: none, now trap "unreachable"`},
		{"nothing", says(head(200, "a")), says(head(200, "a")), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec := sealed(t, record(t, c.recorded, nil), c.recorded, Policy{})
			r, err := Replay(t.Context(), c.now, rec)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if len(r.Differences) > 0 {
				got = r.Differences[0].String()
			}
			if got != c.want || r.Differing != len(r.Differences) {
				t.Errorf("it says %s\nand not  %s", got, c.want)
			}
		})
	}
}

func TestReplayGoesOnAfterADifference(t *testing.T) {
	n := 0
	counts := func(from int) script {
		n = from
		return func(t *machine.Turn) error {
			n++
			t.Frames, t.Used.Units = data(1, string(rune('a'+n))), uint64(n)
			return nil
		}
	}
	rec := sealed(t, record(t, counts(0), nil, nil, nil), nil, Policy{})
	r, err := Replay(t.Context(), counts(1), rec)
	if err != nil {
		t.Fatal(err)
	}
	if r.Differing != 3 || r.Before.Units != 6 || r.Now.Units != 9 || r.Turns[2].Before.Units != 3 || r.Turns[2].Now.Units != 4 {
		t.Errorf("%+v", r)
	}
	ends := script(func(t *machine.Turn) error { return errors.New("unreachable") })
	if r, err = Replay(t.Context(), ends, rec); err != nil || len(r.Turns) != 1 || r.Ended != "the guest ended in turn 0 of 3" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestReplayKeepsTheBufferAsThatBuildSays gives a build that keeps its buffer
// turns of one that does not, and the other way round.
func TestReplayKeepsTheBufferAsThatBuildSays(t *testing.T) {
	build := func(features uint64, kept *[]bool) script {
		return func(t *machine.Turn) error {
			*kept = append(*kept, t.Keep)
			t.Frames = wire.AppendFrame(nil, wire.Hello, 0, 0, wire.AppendU64(nil, wire.TagFeatures, features))
			return nil
		}
	}
	var kept []bool
	rec := sealed(t, record(t, build(0, &kept), nil, nil, nil), nil, Policy{})
	for features, want := range map[uint64][]bool{0: {false, false, false}, wire.FeatureBuffer: {false, true, true}} {
		kept = nil
		if _, err := Replay(t.Context(), build(features, &kept), rec); err != nil || !slices.Equal(kept, want) {
			t.Errorf("features %d: %v, %v", features, kept, err)
		}
	}
}
