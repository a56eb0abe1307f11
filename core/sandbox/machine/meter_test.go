// Guests are stopped when their budget is spent, hold up nobody, and pay for what
// they do.
package machine

import (
	"errors"
	"runtime"
	"testing"
	"time"
)

func TestLoopIsStoppedWhenItsBudgetIsSpent(t *testing.T) {
	room := local(t)
	for name, wasm := range map[string][]byte{"loop": forever, "calls of the host": floods} {
		t.Run(name, func(t *testing.T) {
			m := begin(t, room, wasm, "a")
			turn := Turn{Now: time.Now(), CPU: 5 * time.Millisecond}
			if err := m.Turn(&turn); !errors.Is(err, ErrStopped) {
				t.Fatalf("it ended with %v", err)
			}
			if turn.Used.CPU < turn.CPU || turn.Used.Units < firstSlice {
				t.Errorf("it used %+v", turn.Used)
			}
		})
	}
}

// A loop in one guest delays neither the others' turns, which it would have to
// outlive here, nor the collection of garbage.
func TestLoopHoldsUpNeitherOthersNorTheCollector(t *testing.T) {
	room := local(t)
	loop, other := begin(t, room, forever, "a"), begin(t, room, quick, "b")
	ended := make(chan error)
	go func() {
		turn := Turn{Now: time.Now(), CPU: time.Hour}
		ended <- loop.Turn(&turn)
	}()
	for range 100 {
		turn := Turn{Now: time.Now(), CPU: time.Minute}
		if err := other.Turn(&turn); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
	}
	loop.Kill()
	if err := <-ended; !errors.Is(err, ErrStopped) {
		t.Errorf("killed, it ended with %v", err)
	}
}

func TestKilledMachineRunsNoMore(t *testing.T) {
	m := begin(t, local(t), quick, "a")
	m.Kill()
	turn := Turn{Now: time.Now(), CPU: time.Minute}
	if err := m.Turn(&turn); !errors.Is(err, ErrStopped) || turn.Used.Units != 0 {
		t.Errorf("it ended with %v and used %+v", err, turn.Used)
	}
}

func TestCallsThatGoTooDeepAreAFault(t *testing.T) {
	m := begin(t, local(t), deep, "a")
	turn := Turn{Now: time.Now(), CPU: time.Minute}
	if err := m.Turn(&turn); !errors.Is(err, ErrStack) {
		t.Errorf("it ended with %v", err)
	}
}

func TestSameWorkCostsTheSameUnits(t *testing.T) {
	m := begin(t, local(t), quick, "a")
	var first uint64
	for n := range 500 {
		turn := Turn{Now: time.Now(), CPU: time.Minute}
		if err := m.Turn(&turn); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			first = turn.Used.Units
		}
		if turn.Used.Units != first || first < 3000 {
			t.Fatalf("turn %d used %d units, the first %d", n, turn.Used.Units, first)
		}
	}
}

func BenchmarkTurn(b *testing.B) {
	m := begin(b, local(b), polling(0x42, 0), "a")
	turn := Turn{Now: time.Now(), CPU: time.Minute, Keep: true, Batch: make([]byte, 64)}
	for b.Loop() {
		if err := m.Turn(&turn); err != nil {
			b.Fatal(err)
		}
	}
}
