// The format: what is written is read again, and nothing else is.
package recording

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
)

// example is a recording in which nothing is zero.
func example() *Recording {
	began := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	return &Recording{
		Extension: "hello", Version: "1.0.0", Digest: "sha256:00", Ended: "it was stopped",
		Start: machine.Start{Memory: 64 << 20, Seed: [32]byte{1, 31: 2}, Now: began, CPU: time.Second, Apart: true},
		Used:  machine.Usage{CPU: 5, Units: 6},
		Turns: []Turn{
			{Now: 1, Batch: open(1, nil), Keep: true, CPU: 2, Frames: data(1, "x"), More: 3, Wake: 4, Wakes: true, Said: []byte("said"),
				Unsaid: 5, Used: machine.Usage{CPU: 6, Units: 7}, Cut: []int{1, 300}, Other: "frame 1"},
			{Now: -1, Batch: []byte{}, Frames: []byte{}, Said: []byte{}, Failure: Trap, Detail: "unreachable"},
		},
	}
}

func written(t testing.TB, r *Recording) []byte {
	var out bytes.Buffer
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRecordingIsReadAsItWasWritten(t *testing.T) {
	got, err := Read(bytes.NewReader(written(t, example())))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, example()) {
		t.Errorf("%+v", got)
	}
}

func TestDamagedRecordingIsRefused(t *testing.T) {
	whole := written(t, example())
	for n := range whole {
		damaged := bytes.Clone(whole)
		damaged[n] ^= 1
		if _, err := Read(bytes.NewReader(damaged)); !errors.Is(err, ErrFormat) {
			t.Errorf("with byte %d changed: %v", n, err)
		}
		if _, err := Read(bytes.NewReader(whole[:n])); !errors.Is(err, ErrFormat) {
			t.Errorf("with %d bytes of %d: %v", n, len(whole), err)
		}
	}
}

func TestErrorOfWritingIsSaid(t *testing.T) {
	whole := written(t, example())
	for n := range whole {
		if err := example().Write(&narrow{n}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("with room for %d bytes of %d: %v", n, len(whole), err)
		}
	}
}

// narrow is a writer that takes so many bytes.
type narrow struct{ room int }

func (w *narrow) Write(p []byte) (int, error) {
	n := min(len(p), w.room)
	w.room -= n
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

func FuzzRead(f *testing.F) {
	f.Add(written(f, example()))
	f.Add(written(f, &Recording{}))
	f.Add([]byte("atollrec\x01S\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Read(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		if err := r.WriteText(io.Discard); err != nil {
			t.Fatal(err)
		}
		again, err := Read(bytes.NewReader(written(t, r)))
		if err != nil || !reflect.DeepEqual(r, again) {
			t.Fatalf("%+v became %+v, %v", r, again, err)
		}
	})
}
