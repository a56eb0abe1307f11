// Small modules, written byte by byte, and a room to run them in.
package machine

import (
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

// section is a section of a module.
func section(id byte, content ...byte) []byte {
	return append([]byte{id, byte(len(content))}, content...)
}

// export is an entry of the export section.
func export(name string, kind, index byte) []byte {
	return append(append([]byte{byte(len(name))}, name...), kind, index)
}

// polling is a module whose atoll_poll has this body (with two i64 locals, $1 and
// $2, after its parameter $0), and which imports one function of WASI.
func polling(body ...byte) []byte {
	const i32, i64 = 0x7f, 0x7e
	b := []byte("\x00asm\x01\x00\x00\x00")
	b = append(b, section(1, 4, 0x60, 0, 0, 0x60, 1, i32, 1, i32, 0x60, 1, i32, 1, i64, 0x60, 2, i32, i32, 1, i32)...)
	imported := append(append([]byte{1, byte(len(wasiModule))}, wasiModule...), append([]byte("\x0arandom_get"), 0, 3)...)
	b = append(b, section(2, imported...)...)
	b = append(b, section(3, 3, 0, 1, 2)...)
	b = append(b, section(5, 1, 0, 1)...)
	exports := []byte{4}
	for _, e := range [][]byte{export("memory", 2, 0), export("atoll_wire_1", 0, 1), export("atoll_buffer", 0, 2), export("atoll_poll", 0, 3)} {
		exports = append(exports, e...)
	}
	b = append(b, section(7, exports...)...)
	body = append(append([]byte{1, 2, i64}, body...), 0x0b)
	code := append([]byte{3, 2, 0, 0x0b, 5, 0, 0x41, 0x80, 0x08, 0x0b, byte(len(body))}, body...)
	return append(b, section(10, code...)...)
}

var (
	// forever loops.
	forever = polling(0x03, 0x40, 0x0c, 0, 0x0b, 0x00)
	// deep calls itself without end.
	deep = polling(0x20, 0, 0x10, 3)
	// quick answers nothing after 1,000 turns of a loop.
	quick = polling(0x42, 0xe8, 0x07, 0x21, 1, 0x03, 0x40, 0x20, 1, 0x42, 1, 0x7d, 0x22, 1, 0x42, 0, 0x52, 0x0d, 0, 0x0b, 0x42, 0)
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

// begin makes a machine of a module, for a tenant.
func begin(t testing.TB, room Room, wasm []byte, tenant string) Machine {
	t.Helper()
	code, report, err := room.Load(t.Context(), wasm)
	if err != nil {
		t.Fatalf("%v\n%v", err, report)
	}
	t.Cleanup(code.Close)
	m, err := code.Start(t.Context(), Start{Memory: 1 << 20, Now: time.Now(), CPU: time.Minute, Tenant: tenant, Extension: "x"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}
