// A guest by hand: it answers what it hears, and does what its first byte says.
package machine

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"
)

// echoGuest is a module that answers each batch with itself. A batch that begins
// with t traps, l loops for ever, g grows the memory by 20 pages, s is said to
// descriptor 1 too.
func echoGuest() []byte {
	when := func(c int, do ...any) []byte { // if the first byte is c
		return code(0x20, 1, sleb(int32(c)), 0x46, 0x04, 0x40, code(do...), 0x0b)
	}
	at := sleb(1024)
	poll := function(code(1, 1, 0x7f, // a local i32
		0x20, 0, 0x45, 0x04, 0x40, 0x42, 0, 0x0f, 0x0b, // nothing for nothing
		at, 0x2d, 0, 0, 0x21, 1, // the first byte
		when('t', 0x00),
		when('l', 0x03, 0x40, 0x0c, 0, 0x0b),
		when('g', sleb(20), 0x40, 0, 0x1a),
		when('s', sleb(0), at, 0x36, 2, 0, sleb(4), 0x20, 0, 0x36, 2, 0, // the vector
			sleb(1), sleb(0), sleb(1), sleb(16), 0x10, 0, 0x1a),
		0x42, 0x80, 0x08, 0x42, 32, 0x86, 0x20, 0, 0xad, 0x84, 0x0b)) // 1024<<32 | size
	return bytes.Join([][]byte{
		[]byte(preamble),
		section(1, code(4, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 1, 0x7f, 1, 0x7e, 0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f)),
		section(2, code(1, wasiModule, "fd_write", 0, 3)),
		section(3, code(3, 0, 1, 2)),
		section(5, code(1, 0, 32)),
		section(7, code(4, "memory", 2, 0, "atoll_wire_1", 0, 1, "atoll_buffer", 0, 2, "atoll_poll", 0, 3)),
		section(10, code(3), function(code(0, 0x0b)), function(code(0, at, 0x0b)), poll),
	}, nil)
}

// beginning is what a machine of the guest by hand begins with.
func beginning() Start {
	return Start{Memory: 4 << 20, Now: time.Now(), CPU: 10 * time.Second, Tenant: "workspace/w", Extension: "echo"}
}

// running gives a machine of the guest by hand in a room.
func running(t testing.TB, r Room) Machine {
	t.Helper()
	code, _, err := r.Load(t.Context(), echoGuest())
	if err != nil {
		t.Fatal(err)
	}
	m, err := code.Start(t.Context(), beginning())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(); code.Close() })
	return m
}

// closing closes a room when the test is over.
func closing(t testing.TB, r Room) {
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// quiet is the log of rooms that nobody listens to.
var quiet = slog.New(slog.DiscardHandler)

// say lets a guest hear something, and gives its answer.
func say(m Machine, batch string) (*Turn, error) {
	t := &Turn{Now: time.Now(), Batch: []byte(batch), CPU: 10 * time.Second}
	return t, m.Turn(t)
}
