// Machines as copies of one snapshot.
package machine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestCopiesOfASnapshotShareNoMemory(t *testing.T) {
	c := testCode(t, local(t), puppet(nil))
	a, b := startMachine(t, c, testStart(1)), startMachine(t, c, testStart(2))
	defer a.Close()
	defer b.Close()
	read := command(doAnswer, 8192, 8)
	if got := mustTurn(t, a, command(doStore, 8192, 1111), command(doStore, 8196, 2222), read); binary.LittleEndian.Uint32(got) != 1111 {
		t.Fatalf("it wrote, and reads %x", got)
	}
	mustTurn(t, a, command(doStore, puppetBytes-4, 3333))
	if got := mustTurn(t, b, read); !bytes.Equal(got, make([]byte, 8)) {
		t.Errorf("another machine reads %x", got)
	}
	later := startMachine(t, c, testStart(3))
	defer later.Close()
	if got := mustTurn(t, later, read); !bytes.Equal(got, make([]byte, 8)) {
		t.Errorf("a machine started afterwards reads %x", got)
	}
	if got := mustTurn(t, later, command(doAnswer, puppetBytes-4, 4)); !bytes.Equal(got, make([]byte, 4)) {
		t.Errorf("a machine started afterwards reads %x at the end", got)
	}
}

func TestInitializeRunsOnceForAllMachines(t *testing.T) {
	c := testCode(t, local(t), puppet(nil))
	for n := range byte(3) {
		m := startMachine(t, c, testStart(n))
		defer m.Close()
		turned := Turn{Now: testNow, CPU: time.Second, Batch: command(doAnswer, puppetRuns, 4)}
		if err := m.Turn(&turned); err != nil {
			t.Fatal(err)
		}
		if runs := binary.LittleEndian.Uint32(turned.Frames); runs != 1 {
			t.Errorf("machine %d: _initialize has run %d times", n, runs)
		}
		if said := string(turned.Said); n == 0 && said != "ready\n" || n > 0 && said != "" {
			t.Errorf("machine %d said %q", n, said)
		}
		if err := m.Turn(&turned); err != nil || len(turned.Said) > 0 {
			t.Errorf("machine %d said %q again: %v", n, turned.Said, err)
		}
	}
}

func TestModulesThatAreNotPristineInitializeEachMachine(t *testing.T) {
	c := testCode(t, local(t), puppet(nil, takesATableEntry...))
	if c.pristine {
		t.Fatal("a module that changes its table is taken for pristine")
	}
	var drawn [2][]byte
	for n := range drawn {
		m := startMachine(t, c, testStart(byte(n)))
		if runs := mustTurn(t, m, command(doAnswer, puppetRuns, 4)); binary.LittleEndian.Uint32(runs) != 1 {
			t.Errorf("_initialize has run %x times", runs)
		}
		drawn[n] = mustTurn(t, m, command(doAnswer, puppetDrawn, 32))
		m.Close()
	}
	if bytes.Equal(drawn[0], drawn[1]) {
		t.Error("both drew the same numbers")
	}
	if n := len(c.blanks.all); n != 0 {
		t.Errorf("%d machines wait to be used again", n)
	}
}

func TestCopiesDrawNumbersOfTheirOwn(t *testing.T) {
	c := testCode(t, local(t), puppet(nil))
	draw := func(seed byte) string {
		m := startMachine(t, c, testStart(seed))
		defer m.Close()
		return string(mustTurn(t, m, command(doRandom, 8192, 32), command(doAnswer, 8192, 32)))
	}
	m := startMachine(t, c, testStart(9))
	initial := string(mustTurn(t, m, command(doAnswer, puppetDrawn, 32)))
	m.Close()
	seen := map[string]bool{initial: true}
	for seed := range byte(5) {
		// Seed 9 made the snapshot: what was drawn then must not come again.
		if got := draw(5 + seed); seen[got] {
			t.Errorf("seed %d draws what another machine has drawn", seed)
		} else {
			seen[got] = true
		}
	}
	if draw(7) != draw(7) {
		t.Error("the same seed draws different numbers")
	}
}

func TestClocksGoOnFromTheSnapshot(t *testing.T) {
	c := testCode(t, local(t), puppet(nil))
	clocks := func(now time.Time) (wall, mono int64) {
		s := testStart(1)
		s.Now = now
		m := startMachine(t, c, s)
		defer m.Close()
		turned := Turn{Now: now, CPU: time.Second, Batch: bytes.Join([][]byte{
			command(doClock, 8192, 0), command(doClock, 8200, 1), command(doAnswer, 8192, 16)}, nil)}
		if err := m.Turn(&turned); err != nil {
			t.Fatal(err)
		}
		return int64(binary.LittleEndian.Uint64(turned.Frames)), int64(binary.LittleEndian.Uint64(turned.Frames[8:]))
	}
	wall, mono := clocks(testNow)
	if wall != testNow.UnixNano() || mono <= 0 {
		t.Fatalf("the first machine's clocks say %d and %d", wall, mono)
	}
	if w, m := clocks(testNow.Add(time.Hour)); w-wall != int64(time.Hour) || m-mono != int64(time.Hour) {
		t.Errorf("an hour later a machine's clocks have gone %v and %v", time.Duration(w-wall), time.Duration(m-mono))
	}
	if w, m := clocks(testNow.Add(-time.Hour)); w != wall || m != mono {
		t.Errorf("an hour earlier than the snapshot a machine's clocks have gone %v and %v", time.Duration(w-wall), time.Duration(m-mono))
	}
}

func TestInitializeIsHeldToItsLimits(t *testing.T) {
	room := local(t)
	for name, c := range map[string]struct {
		initialize []byte
		want       error
	}{
		"loops":    {code(0x03, 0x40, 0x0c, 0, 0x0b), ErrStopped},
		"dives":    {code(0x10, 3), ErrStack},
		"grows":    {code(0x03, 0x40, sleb(1), 0x40, 0, 0x1a, 0x0c, 0, 0x0b), nil},
		"traps":    {code(0x00), nil},
		"fills up": {code(sleb(20), 0x40, 0, 0x1a), ErrMemory},
	} {
		t.Run(name, func(t *testing.T) {
			code := testCode(t, room, puppet(c.initialize))
			s := testStart(1)
			if s.CPU = time.Minute; name == "loops" || name == "grows" {
				s.CPU = 50 * time.Millisecond
			}
			for range 2 { // a failure is not kept
				m, err := code.Start(t.Context(), s)
				if err == nil {
					m.Close()
					t.Fatal("it started")
				}
				switch {
				case c.want != nil && !errors.Is(err, c.want):
					t.Errorf("it failed with %v", err)
				case name == "grows" && !errors.Is(err, ErrMemory) && !errors.Is(err, ErrStopped):
					t.Errorf("it failed with %v", err)
				case name == "traps" && !strings.Contains(err.Error(), "unreachable"):
					t.Errorf("it failed with %v", err)
				}
			}
			if code.snapshot != nil {
				t.Error("there is a snapshot of it")
			}
		})
	}
}

func TestSnapshotNeedsItsMemory(t *testing.T) {
	c := testCode(t, local(t), puppet(code(sleb(4), 0x40, 0, 0x1a)))
	small := testStart(1)
	small.Memory = 6 * wasmPage
	if _, err := c.Start(t.Context(), small); !errors.Is(err, ErrMemory) {
		t.Errorf("initialized in less than it wants: %v", err)
	}
	m := startMachine(t, c, testStart(1))
	defer m.Close()
	if got := m.Memory(); got != 7*wasmPage {
		t.Errorf("it has %d bytes of memory", got)
	}
	if _, err := c.Start(t.Context(), small); !errors.Is(err, ErrMemory) {
		t.Errorf("copied into less than it has: %v", err)
	}
	if got := mustTurn(t, m, command(doStore, 7*wasmPage-4, 5), command(doAnswer, 7*wasmPage-4, 4)); got[0] != 5 {
		t.Errorf("its last word is %x", got)
	}
	if _, err := turn(m, command(doStore, 7*wasmPage, 5)); err == nil {
		t.Error("it writes behind its memory")
	}
}

func TestMemoryStartsNoLargerThanItMay(t *testing.T) {
	c := testCode(t, local(t), puppet(nil))
	s := testStart(1)
	s.Memory = 2 * wasmPage
	if _, err := c.Start(t.Context(), s); !errors.Is(err, ErrMemory) {
		t.Errorf("three pages in two: %v", err)
	}
}
