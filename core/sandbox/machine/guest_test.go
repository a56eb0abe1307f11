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
	section := func(id byte, content []byte) []byte {
		return append([]byte{id, byte(len(content)&0x7f | 0x80), byte(len(content) >> 7)}, content...)
	}
	name := func(s string) []byte { return append([]byte{byte(len(s))}, s...) }
	export := func(n string, kind, index byte) []byte { return append(name(n), kind, index) }
	when := func(c byte, do ...byte) []byte { // if the first byte is c
		return append(append([]byte{0x20, 1, 0x41, c&0x7f | 0x80, 0, 0x46, 0x04, 0x40}, do...), 0x0b)
	}
	body := func(code ...[]byte) []byte {
		b := append(bytes.Join(code, nil), 0x0b)
		return append([]byte{byte(len(b)&0x7f | 0x80), byte(len(b) >> 7)}, b...)
	}
	at := []byte{0x41, 0x80, 0x08}   // i32.const 1024
	poll := body([]byte{1, 1, 0x7f}, // a local i32
		[]byte{0x20, 0, 0x45, 0x04, 0x40, 0x42, 0, 0x0f, 0x0b}, // nothing for nothing
		at, []byte{0x2d, 0, 0, 0x21, 1}, // the first byte
		when('t', 0x00),
		when('l', 0x03, 0x40, 0x0c, 0, 0x0b),
		when('g', 0x41, 20, 0x40, 0, 0x1a),
		when('s', append(append([]byte{0x41, 0}, at...), 0x36, 2, 0, 0x41, 4, 0x20, 0, 0x36, 2, 0, // the vector
			0x41, 1, 0x41, 0, 0x41, 1, 0x41, 16, 0x10, 0, 0x1a)...),
		[]byte{0x42, 0x80, 0x08, 0x42, 32, 0x86, 0x20, 0, 0xad, 0x84}) // 1024<<32 | size
	return bytes.Join([][]byte{
		[]byte("\x00asm\x01\x00\x00\x00"),
		section(1, []byte{4, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 1, 0x7f, 1, 0x7e, 0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f}),
		section(2, bytes.Join([][]byte{{1}, name(wasiModule), name("fd_write"), {0, 3}}, nil)),
		section(3, []byte{3, 0, 1, 2}),
		section(5, []byte{1, 0, 32}),
		section(7, bytes.Join([][]byte{{4}, export("memory", 2, 0), export("atoll_wire_1", 0, 1), export("atoll_buffer", 0, 2), export("atoll_poll", 0, 3)}, nil)),
		section(10, bytes.Join([][]byte{{3}, body([]byte{0}), body([]byte{0}, at), poll}, nil)),
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
