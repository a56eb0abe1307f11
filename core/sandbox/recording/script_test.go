// Guests that are Go functions, so that a test can say anything.
package recording

import (
	"context"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// script is what a guest does in a turn.
type script func(t *machine.Turn) error

func (s script) Start(context.Context, machine.Start) (machine.Machine, error) { return s, nil }
func (s script) Turn(t *machine.Turn) error {
	t.Frames, t.Said, t.Unsaid, t.Wake, t.Used = nil, nil, 0, time.Time{}, machine.Usage{}
	return s(t)
}
func (script) Kill()          {}
func (script) Memory() uint64 { return 0 }
func (script) Close()         {}

// load loads a script, for Seal.
func (s script) load(context.Context) (machine.Code, error) { return s, nil }

// record lets a script take turns with these batches, a second apart.
func record(t *testing.T, s script, batches ...[]byte) *Recorder {
	t.Helper()
	began := time.Now()
	r, err := Start(t.Context(), s, machine.Start{Now: began, CPU: time.Second}, 1<<20, func() {})
	if err != nil {
		t.Fatal(err)
	}
	turn := machine.Turn{CPU: time.Second}
	for n, b := range batches {
		turn.Now, turn.Batch = began.Add(time.Duration(n)*time.Second), b
		if r.Turn(&turn) != nil {
			break
		}
	}
	return r
}

// sealed seals what was recorded.
func sealed(t *testing.T, r *Recorder, s script, p Policy) *Recording {
	t.Helper()
	rec, err := r.Take("the test is over").Seal(t.Context(), s.load, p)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// open is an OPEN of the host's.
func open(stream uint32, fields []byte) []byte {
	return wire.AppendFrame(nil, wire.Open, 0, stream, fields)
}

func data(stream uint32, text string) []byte {
	return wire.AppendFrame(nil, wire.Data, 0, stream, []byte(text))
}

func join(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}
