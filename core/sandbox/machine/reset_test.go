// Machines that are used again.
package machine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// state is all that a guest could have changed of a runner.
func state(r *runner) (memory []byte, globals []uint64) {
	for _, g := range r.globals {
		globals = append(globals, g.Get())
	}
	return bytes.Clone(r.linear.bytes[:r.linear.size.Load()]), globals
}

// original is the state of the machines of a code as they start.
func original(t testing.TB, c *localCode) (memory []byte, globals []uint64) {
	t.Helper()
	m := startMachine(t, c, testStart(1))
	memory, globals = state(m.runner)
	m.spoiled = true
	m.Close()
	return memory, globals
}

// asNew holds a runner against a state.
func asNew(r *runner, memory []byte, globals []uint64) error {
	m, g := state(r)
	if !bytes.Equal(m, memory) {
		for n := range m {
			if n >= len(memory) || m[n] != memory[n] {
				return fmt.Errorf("%d bytes of memory, byte %d is %#x", len(m), n, m[n])
			}
		}
		return fmt.Errorf("%d bytes of memory", len(m))
	}
	for n := range g {
		if g[n] != globals[n] {
			return fmt.Errorf("global %d is %#x and not %#x", n, g[n], globals[n])
		}
	}
	return nil
}

// FuzzReset lets a machine do whatever to its memory and globals. Whoever is
// given it next finds nothing of that.
func FuzzReset(f *testing.F) {
	f.Add(bytes.Join([][]byte{command(doStore, 8192, 1), command(doWord, 0, 2), command(doLong, 0, 3), command(doFloat, 0, 4)}, nil))
	f.Add(command(doFill, 0, puppetBytes))
	f.Add(command(doFill, puppetBytes-100, 100))
	f.Add(bytes.Join([][]byte{command(doRandom, 50000, 60000), command(doLong, 0, 1<<31), command(doStore, 0, 1)}, nil))
	f.Add(bytes.Join([][]byte{command(doGrow, 0, 2), command(doFill, 0, 5*wasmPage)}, nil))
	f.Add(bytes.Join([][]byte{command(doWord, 0, 9), command(doTrap, 0, 0)}, nil))
	f.Add(bytes.Join([][]byte{command(doStore, puppetWord, 9), command(doGrow, 0, 100)}, nil))
	c := testCode(f, local(f), puppet(nil))
	memory, globals := original(f, c)
	f.Fuzz(func(t *testing.T, orders []byte) {
		orders = orders[:min(len(orders), 12*1000)/12*12]
		m := startMachine(t, c, testStart(1))
		c.blanks.made.Wait() // what is made in advance comes before this one is given back
		r := m.runner
		if err := asNew(r, memory, globals); err != nil {
			t.Fatalf("at its start: %v", err)
		}
		var err error
		turned := Turn{Now: testNow, CPU: 20 * time.Millisecond}
		for len(orders) > 0 && err == nil { // over several turns
			n := min(len(orders), 12*7)
			turned.Batch, orders = orders[:n], orders[n:]
			err = m.Turn(&turned)
		}
		grown := r.linear.size.Load() != uint64(len(memory))
		m.Close()
		next := startMachine(t, c, testStart(2))
		defer next.Close()
		if again := next.runner == r; again != (err == nil && !grown) {
			t.Errorf("used again: %v, after %v, grown: %v", again, err, grown)
		}
		if err := asNew(next.runner, memory, globals); err != nil {
			t.Fatal(err)
		}
		if runs := mustTurn(t, next, command(doAnswer, puppetRuns, 4)); binary.LittleEndian.Uint32(runs) != 1 {
			t.Errorf("_initialize has run %x times", runs)
		}
	})
}

func TestFailedMachinesAreNeverUsedAgain(t *testing.T) {
	c := testCode(t, local(t), puppet(nil))
	memory, globals := original(t, c)
	for name, fail := range map[string]func(*testing.T, *lease){
		"trapped": func(t *testing.T, m *lease) {
			if _, err := turn(m, command(doTrap, 0, 0)); err == nil {
				t.Error("it did not trap")
			}
		},
		"stopped": func(t *testing.T, m *lease) {
			turned := Turn{Now: testNow, CPU: 10 * time.Millisecond, Batch: command(doLoop, 0, 0)}
			if err := m.Turn(&turned); !errors.Is(err, ErrStopped) {
				t.Error(err)
			}
		},
		"too deep": func(t *testing.T, m *lease) {
			if _, err := turn(m, command(doDive, 0, 0)); !errors.Is(err, ErrStack) {
				t.Error(err)
			}
		},
		"too large": func(t *testing.T, m *lease) {
			if _, err := turn(m, command(doGrow, 0, 14)); !errors.Is(err, ErrMemory) {
				t.Error(err)
			}
		},
		"grown":  func(t *testing.T, m *lease) { mustTurn(t, m, command(doGrow, 0, 1)) },
		"killed": func(t *testing.T, m *lease) { m.Kill() },
		"killed in its loop": func(t *testing.T, m *lease) {
			began := make(chan struct{})
			go func() {
				<-began
				m.Kill()
			}()
			turned := Turn{Now: testNow, CPU: time.Minute, Batch: command(doLoop, 0, 0)}
			close(began)
			if err := m.Turn(&turned); !errors.Is(err, ErrStopped) {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := startMachine(t, c, testStart(1))
			mustTurn(t, m, command(doStore, 8192, 1))
			fail(t, m)
			r := m.runner
			m.Close()
			next := startMachine(t, c, testStart(1))
			defer next.Close()
			if next.runner == r {
				t.Error("it is used again")
			}
			if err := asNew(next.runner, memory, globals); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestKillAfterCloseReachesNobody(t *testing.T) {
	c := testCode(t, local(t), puppet(nil))
	m := startMachine(t, c, testStart(1))
	r := m.runner
	m.Close()
	next := startMachine(t, c, testStart(2))
	defer next.Close()
	if next.runner != r {
		t.Fatal("the machine is not used again")
	}
	m.Kill()
	if n := m.Memory(); n != 0 {
		t.Errorf("a closed machine has %d bytes of memory", n)
	}
	mustTurn(t, next, command(doStore, 8192, 1))
}

func TestBlanksAreFew(t *testing.T) {
	c := testCode(t, local(t), puppet(nil))
	var all []*lease
	for n := range byte(2 * mostBlanks) {
		all = append(all, startMachine(t, c, testStart(n)))
	}
	for _, m := range all {
		m.Close()
	}
	if n := len(c.blanks.all); n != mostBlanks {
		t.Errorf("%d wait, at most %d should", n, mostBlanks)
	}
	other := testStart(1)
	other.Memory *= 2
	m := startMachine(t, c, other)
	defer m.Close()
	if n := len(c.blanks.all); n != mostBlanks {
		t.Errorf("one with less memory than is wanted was taken; %d wait", n)
	}
	if _, err := turn(m, command(doGrow, 0, 20), command(doStore, 20*wasmPage, 1)); err != nil {
		t.Error(err)
	}
}

func TestBlanksDoNotWaitLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testCode(t, local(t), puppet(nil))
		waiting := func() int {
			c.blanks.mu.Lock()
			defer c.blanks.mu.Unlock()
			return len(c.blanks.all)
		}
		a := startMachine(t, c, testStart(1))
		time.Sleep(blankLife) // so that nobody thinks that many start
		b := startMachine(t, c, testStart(2))
		a.Close()
		time.Sleep(blankLife / 2)
		b.Close()
		if n := waiting(); n != 2 {
			t.Fatalf("%d wait", n)
		}
		time.Sleep(blankLife/2 + time.Millisecond)
		synctest.Wait()
		if n := waiting(); n != 1 {
			t.Errorf("after its time, %d wait", n)
		}
		time.Sleep(blankLife / 2)
		synctest.Wait()
		if n := waiting(); n != 0 {
			t.Errorf("at last, %d wait", n)
		}
		if c.blanks.timer != nil {
			t.Error("a timer runs for nobody")
		}
	})
}

func TestOneIsMadeInAdvanceWhereSeveralStart(t *testing.T) {
	c := testCode(t, local(t), puppet(nil))
	memory, globals := original(t, c)
	waiting := func() int {
		c.blanks.made.Wait()
		c.blanks.mu.Lock()
		defer c.blanks.mu.Unlock()
		return len(c.blanks.all)
	}
	begin := func(n byte) *lease {
		m := startMachine(t, c, testStart(n))
		t.Cleanup(m.Close)
		for range hotTurns {
			mustTurn(t, m, command(doStore, 8192, 1))
		}
		return m
	}
	begin(1)
	if n := waiting(); n != 0 {
		t.Errorf("after one start %d wait", n)
	}
	begin(2)
	if n := waiting(); n != 1 {
		t.Fatalf("after two starts %d wait", n)
	}
	advanced := c.blanks.all[0].runner
	next := startMachine(t, c, testStart(3))
	defer next.Close()
	if next.runner != advanced {
		t.Error("the one that was made in advance is not taken")
	}
	if err := asNew(next.runner, memory, globals); err != nil {
		t.Error(err)
	}
	mustTurn(t, next, command(doStore, 8192, 1))
}

func TestNothingIsMadeInAdvanceOfWhatIsClosed(t *testing.T) {
	c := testCode(t, local(t), puppet(nil))
	for n := range byte(2) {
		startMachine(t, c, testStart(n)).Close()
	}
	c.Close()
	made := false
	for range 2 {
		c.blanks.advance(func() (*runner, error) { made = true; return nil, ErrStart })
	}
	c.blanks.made.Wait()
	if made || len(c.blanks.all) != 0 {
		t.Errorf("made: %v, %d wait", made, len(c.blanks.all))
	}
}
