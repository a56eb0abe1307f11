//go:build unix

// The sandbox's process: it does what this one does, and its end is nobody's.
package machine

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// remote starts a process.
func remote(t testing.TB) *Remote {
	t.Helper()
	return starts(t, processWork, patient)
}

// rooms are both kinds of rooms.
func rooms(t *testing.T) map[string]Room {
	return map[string]Room{"local": local(t), "remote": remote(t)}
}

func TestProcessDoesWhatTheRoomInsideDoes(t *testing.T) {
	for name, r := range rooms(t) {
		t.Run(name, func(t *testing.T) {
			m := running(t, r)
			if n := m.Memory(); n != 2<<20 {
				t.Errorf("it begins with %d bytes", n)
			}
			big := strings.Repeat("x", 1<<20)
			for _, batch := range []string{"a", "", "again", big, "a little after that"} {
				turn, err := say(m, batch)
				if err != nil || string(turn.Frames) != batch || len(turn.Said) > 0 || !turn.Wake.IsZero() {
					t.Fatalf("%d bytes: %d came back, %q was said, %v", len(batch), len(turn.Frames), turn.Said, err)
				}
			}
			turn, err := say(m, "said")
			if err != nil || string(turn.Said) != "said" || string(turn.Frames) != "said" || turn.Unsaid != 0 {
				t.Errorf("%+v, %v", turn, err)
			}
			if turn, err = say(m, "s"+big[1:]); err != nil || len(turn.Said) != maxSaid || turn.Unsaid != len(big)-maxSaid {
				t.Errorf("%d said and %d unsaid, %v", len(turn.Said), turn.Unsaid, err)
			}
			if _, err := say(m, "grow"); err != nil || m.Memory() != 52*wasmPage {
				t.Errorf("it has grown to %d bytes, %v", m.Memory(), err)
			}
			if _, err := say(m, "grow"); !errors.Is(err, ErrMemory) || err.Error() != ErrMemory.Error() {
				t.Errorf("past its limit: %v", err)
			}
			if _, err := say(running(t, r), "trap"); err == nil || !strings.Contains(err.Error(), "unreachable") || errors.Is(err, ErrLost) {
				t.Errorf("a trap: %v", err)
			}
			loops := running(t, r)
			ended := make(chan error)
			go func() {
				_, err := say(loops, "loop")
				ended <- err
			}()
			loops.Kill()
			if err := <-ended; !errors.Is(err, ErrStopped) {
				t.Errorf("a loop that was killed: %v", err)
			}
			report, err := r.Prepare(t.Context(), echoGuest())
			if err != nil || report.Digest != Digest(echoGuest()) || report.Functions != 3 || !slices.Equal(report.Imports, []string{wasiModule + ".fd_write"}) {
				t.Errorf("%+v, %v", report, err)
			}
			_, report, err = r.Load(t.Context(), []byte("no module"))
			if !errors.Is(err, ErrModule) || len(report.Faults) != 1 || !strings.Contains(err.Error(), report.Faults[0]) {
				t.Errorf("no module: %+v, %v", report, err)
			}
			report, err = r.Prepare(t.Context(), make([]byte, 65<<20))
			if !errors.Is(err, ErrModule) || !strings.Contains(report.String(), "at most 67108864 are taken") {
				t.Errorf("too large: %+v, %v", report, err)
			}
		})
	}
}

// TestStartTellsWhatItTook starts machines of modules that initialize themselves for
// a while, or for ever.
func TestStartTellsWhatItTook(t *testing.T) {
	work := code(sleb(100_000), 0x24, 0, // an i32 global counts down
		0x03, 0x40, 0x23, 0, sleb(1), 0x6b, 0x24, 0, 0x23, 0, 0x0d, 0, 0x0b)
	for name, r := range rooms(t) {
		t.Run(name, func(t *testing.T) {
			used := func(c Code, apart bool) (u Usage, err error) {
				s := testStart(1)
				s.CPU, s.Apart, s.Used = 50*time.Millisecond, apart, &u
				m, err := c.Start(t.Context(), s)
				if err == nil {
					m.Close()
				}
				return u, err
			}
			works := codeOf(t, r, puppet(work))
			first, err := used(works, false)
			if err != nil || first.Units < 100_000 || first.CPU <= 0 {
				t.Errorf("the first start took %+v, %v", first, err)
			}
			if copied, err := used(works, false); err != nil || copied != (Usage{}) {
				t.Errorf("a copy's start took %+v, %v", copied, err)
			}
			if apart, err := used(works, true); err != nil || apart.Units != first.Units || apart.CPU <= 0 {
				t.Errorf("a start apart took %+v, %v; the first one %+v", apart, err, first)
			}
			if endless, err := used(codeOf(t, r, puppet(code(0x03, 0x40, 0x0c, 0, 0x0b))), false); !errors.Is(err, ErrStopped) || endless.CPU < 50*time.Millisecond || endless.Units == 0 {
				t.Errorf("an endless start took %+v, %v", endless, err)
			}
		})
	}
}

func TestManyMachinesTakeTurnsAtOnce(t *testing.T) {
	r := remote(t)
	var all sync.WaitGroup
	for n := range 40 { // more than there are direct lines
		m := running(t, r)
		all.Go(func() {
			for k := range 200 {
				batch := strings.Repeat(string(rune('A'+n%26)), 1+k*17)
				if turn, err := say(m, batch); err != nil || string(turn.Frames) != batch {
					t.Errorf("%q became %q, %v", batch, turn.Frames, err)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestTooManyFramesAreSeenToBeTooMany(t *testing.T) {
	r := remote(t)
	turn, err := say(running(t, r), strings.Repeat("x", 1<<20+5))
	if err != nil || len(turn.Frames) != 1<<20+1 {
		t.Errorf("%d bytes came, %v", len(turn.Frames), err)
	}
}

func TestWarmTurnsAllocateNothing(t *testing.T) {
	m := running(t, remote(t))
	turn := &Turn{Now: time.Now(), Batch: bytes.Repeat([]byte("x"), 100), Keep: true, CPU: time.Second}
	if n := testing.AllocsPerRun(1000, func() {
		if err := m.Turn(turn); err != nil {
			t.Error(err)
		}
	}); n >= 1 {
		t.Errorf("a turn allocates %v times", n)
	}
}

func BenchmarkTurnOfRooms(b *testing.B) {
	for _, of := range []struct {
		name string
		room Room
	}{{"local", local(b)}, {"remote", remote(b)}} {
		for _, size := range []int{100, 32 << 10} {
			b.Run(of.name+"/"+map[int]string{100: "100B", 32 << 10: "32KiB"}[size], func(b *testing.B) {
				m := running(b, of.room)
				turn := &Turn{Now: time.Now(), Batch: bytes.Repeat([]byte("x"), size), Keep: true, CPU: time.Second}
				b.ReportAllocs()
				for b.Loop() {
					if err := m.Turn(turn); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
