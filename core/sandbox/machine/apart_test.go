//go:build unix

// Machines apart: one Start decides all that they do, whatever others began with.
package machine

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"
)

// apart starts a machine apart and gives what it drew before its first turn and
// in it, how often it was initialized, its clocks and what it said.
func apart(t *testing.T, c Code, s Start) (state []byte) {
	t.Helper()
	s.Apart = true
	m, err := c.Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	turn := Turn{Now: s.Now.Add(time.Second), CPU: time.Second, Batch: bytes.Join([][]byte{
		command(doRandom, 8192, 32), command(doClock, 8224, 0), command(doClock, 8232, 1), command(doAnswer, 8192, 48)}, nil)}
	if err := m.Turn(&turn); err != nil {
		t.Fatal(err)
	}
	state = append(bytes.Clone(turn.Frames), turn.Said...)
	state = append(state, mustTurn(t, m, command(doAnswer, puppetDrawn, 32))...)
	return append(state, mustTurn(t, m, command(doAnswer, puppetRuns, 4))...)
}

func TestStartDecidesWhatAMachineApartDoes(t *testing.T) {
	for name, room := range rooms(t) {
		t.Run(name, func(t *testing.T) {
			c := codeOf(t, room, puppet(nil))
			want := apart(t, codeOf(t, local(t), puppet(nil)), testStart(1)) // where no other was
			first := apart(t, c, testStart(1))
			m, err := c.Start(t.Context(), testStart(9)) // from here on there is a snapshot
			if err != nil {
				t.Fatal(err)
			}
			snapshot := mustTurn(t, m, command(doAnswer, puppetDrawn, 32))
			m.Close()
			for n, got := range [][]byte{first, apart(t, c, testStart(1))} {
				if !bytes.Equal(got, want) {
					t.Errorf("start %d: %q, not %q", n, got, want)
				}
			}
			if runs := binary.LittleEndian.Uint32(want[len(want)-4:]); runs != 1 || !bytes.Contains(want, []byte("ready\n")) {
				t.Errorf("it was initialized %d times, %q", runs, want)
			}
			other := apart(t, c, testStart(2))
			drawn := func(state []byte) []byte { return state[len(state)-36 : len(state)-4] }
			if bytes.Equal(drawn(other), drawn(want)) || bytes.Equal(drawn(want), snapshot) || bytes.Equal(other[:32], want[:32]) {
				t.Error("machines with other seeds draw the same numbers")
			}
			if bytes.Equal(want[:32], drawn(want)) {
				t.Error("it draws again what it drew before its first turn")
			}
			later := testStart(1)
			later.Now = testNow.Add(time.Hour)
			if got := apart(t, c, later); bytes.Equal(got, want) || !bytes.Equal(drawn(got), drawn(want)) {
				t.Error("its clocks are not its own")
			}
		})
	}
}
