// Small modules, written byte by byte, and a room to run them in.
package machine

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// cacheDir keeps what the tests of one run compile.
var cacheDir string

func TestMain(m *testing.M) {
	RunChild()
	dir, err := os.MkdirTemp("", "machine-cache-")
	if err != nil {
		panic(err)
	}
	cacheDir = filepath.Join(dir, "cache")
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// polling is a module whose atoll_poll has this body (with two i64 locals, $1 and
// $2, after its parameter $0), and which imports one function of WASI.
func polling(body ...int) []byte {
	const i32, i64 = 0x7f, 0x7e
	poll := code(1, 2, i64)
	for _, b := range body {
		poll = append(poll, byte(b))
	}
	return bytes.Join([][]byte{
		[]byte(preamble),
		section(1, code(4, 0x60, 0, 0, 0x60, 1, i32, 1, i32, 0x60, 1, i32, 1, i64, 0x60, 2, i32, i32, 1, i32)),
		section(2, code(1, wasiModule, "random_get", 0, 3)),
		section(3, code(3, 0, 1, 2)),
		section(5, code(1, 0, 1)),
		section(7, code(4, "memory", 2, 0, "atoll_wire_1", 0, 1, "atoll_buffer", 0, 2, "atoll_poll", 0, 3)),
		section(10, code(3), function(code(0, 0x0b)), function(code(0, sleb(1024), 0x0b)), function(poll, code(0x0b))),
	}, nil)
}

var (
	// forever loops.
	forever = polling(0x03, 0x40, 0x0c, 0, 0x0b, 0x00)
	// deep calls itself without end.
	deep = polling(0x20, 0, 0x10, 3)
	// quick answers nothing after 4,000 turns of a loop.
	quick = polling(0x42, 0xa0, 0x1f, 0x21, 1, 0x03, 0x40, 0x20, 1, 0x42, 1, 0x7d, 0x22, 1, 0x42, 0, 0x52, 0x0d, 0, 0x0b, 0x42, 0)
	// floods asks for 32 KiB of randomness for ever.
	floods = polling(0x03, 0x40, 0x41, 0, 0x41, 0x80, 0x80, 0x02, 0x10, 0, 0x1a, 0x0c, 0, 0x0b, 0x00)
)

// local makes a room for a test.
func local(t testing.TB) *Local {
	t.Helper()
	l, err := NewLocal(t.Context(), Options{CacheDir: cacheDir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	return l
}

// codeOf loads a module for a test.
func codeOf(t testing.TB, room Room, wasm []byte) Code {
	t.Helper()
	c, report, err := room.Load(t.Context(), wasm)
	if err != nil {
		t.Fatal(err, report)
	}
	t.Cleanup(c.Close)
	return c
}

// begin makes a machine of a module, for a tenant.
func begin(t testing.TB, room Room, wasm []byte, tenant string) Machine {
	t.Helper()
	m, err := codeOf(t, room, wasm).Start(t.Context(), Start{Memory: 1 << 20, Now: time.Now(), CPU: time.Minute, Tenant: tenant, Extension: "x"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}
