// The puppet: a guest of a few hundred bytes that does to its memory and its
// globals what a batch tells it.
package machine

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"
)

// What a puppet can be told: commands of 12 bytes, of which the first is one of
// these, and then come an address and a value.
const (
	doStore  = iota // the value at the address
	doWord          // the i32 global
	doLong          // the i64 global, which becomes the value twice
	doFloat         // the f32 and the f64 global
	doFill          // value bytes of 0xaa
	doGrow          // by value pages
	doRandom        // value bytes of randomness
	doClock         // the clock that value names, monotonic or not
	doTrap
	doAnswer // with value bytes at the address
	doLoop
	doDive // calls itself without end
	doSay  // the word in its data
	commands
)

// Where things are in a puppet's memory.
const (
	puppetRuns   = 16 // how often _initialize has run
	puppetDrawn  = 32 // 32 random bytes of _initialize
	puppetVector = 96 // of the word that it says
	puppetWord   = 128
	puppetBatch  = 4096
	puppetPages  = 3
	puppetBytes  = puppetPages * wasmPage
)

// command is one order to a puppet.
func command(what byte, at, value uint32) []byte {
	b := []byte{what, 0, 0, 0}
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, at), value)
}

// puppet makes the module. What initialize does comes before what every puppet's
// does; extra is an instruction that makes it not pristine.
func puppet(initialize []byte, extra ...byte) []byte {
	const (
		i32, i64, f32, f64, void = 0x7f, 0x7e, 0x7d, 0x7c, 0x40
		get, set                 = 0x20, 0x21
		random, clock, write     = 0, 1, 2
	)
	at := code(get, 1, 0x28, 2, 4)    // the address of the command
	value := code(get, 1, 0x28, 2, 8) // its value
	cases := [commands][]byte{
		doStore:  code(at, value, 0x36, 2, 0),
		doWord:   code(value, 0x24, 0),
		doLong:   code(value, 0xad, 0x42, 32, 0x86, value, 0xad, 0x84, 0x24, 1),
		doFloat:  code(value, 0xbe, 0x24, 2, value, 0xb8, 0x24, 3),
		doFill:   code(at, sleb(0xaa), value, 0xfc, 11, 0),
		doGrow:   code(value, 0x40, 0, 0x1a),
		doRandom: code(at, value, 0x10, random, 0x1a),
		doClock:  code(value, 0x42, 0, at, 0x10, clock, 0x1a),
		doTrap:   code(0x00),
		doAnswer: code(at, 0xad, 0x42, 32, 0x86, value, 0xad, 0x84, set, 2),
		doLoop:   code(0x03, void, 0x0c, 0, 0x0b),
		doDive:   code(get, 0, 0x10, 6, set, 2),
		doSay:    code(sleb(1), sleb(puppetVector), sleb(1), sleb(64), 0x10, write, 0x1a),
	}
	body := code(sleb(puppetBatch), set, 1,
		0x03, void, // loop
		get, 1, sleb(puppetBatch), 0x6b, get, 0, 0x49, 0x04, void) // if there is more
	for range commands + 1 {
		body = append(body, 0x02, void)
	}
	body = append(body, code(get, 1, 0x2d, 0, 0, 0x0e, uleb(int(commands)))...)
	for n := range commands + 1 {
		body = append(body, byte(n))
	}
	for n, c := range cases { // each ends by leaving to the last block's end
		body = append(body, 0x0b)
		body = append(append(body, c...), 0x0c, byte(int(commands)-1-n))
	}
	body = append(body, code(0x0b, get, 1, sleb(12), 0x6a, set, 1, 0x0c, 1, 0x0b, 0x0b, get, 2, 0x0b)...)
	begin := code(initialize,
		sleb(puppetRuns), sleb(puppetRuns), 0x28, 2, 0, sleb(1), 0x6a, 0x36, 2, 0,
		sleb(puppetDrawn), sleb(32), 0x10, random, 0x1a,
		cases[doSay],
		sleb(7), 0x24, 0, 0x0b)
	vector := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, puppetWord), 6)
	b := []byte(preamble)
	b = append(b, section(1, code(6),
		code(0x60, 2, i32, i32, 1, i32),
		code(0x60, 3, i32, i64, i32, 1, i32),
		code(0x60, 4, i32, i32, i32, i32, 1, i32),
		code(0x60, 0, 0),
		code(0x60, 1, i32, 1, i32),
		code(0x60, 1, i32, 1, i64))...)
	b = append(b, section(2, code(3),
		code(wasiModule, "random_get", 0, 0),
		code(wasiModule, "clock_time_get", 0, 1),
		code(wasiModule, "fd_write", 0, 2))...)
	b = append(b, section(3, code(5), code(3, 3, 4, 5, 3))...)
	b = append(b, section(4, code(1), code(0x70, 0, 4))...)
	b = append(b, section(5, code(1), code(0, puppetPages))...)
	b = append(b, section(6, code(4),
		code(i32, 1, 0x41, 1, 0x0b),
		code(i64, 1, 0x42, 2, 0x0b),
		code(f32, 1, 0x43, 0, 0, 0x80, 0x3f, 0x0b),
		code(f64, 1, 0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x0b))...)
	b = append(b, section(7, code(5),
		code("memory", 2, 0),
		code("_initialize", 0, 3),
		code("atoll_wire_1", 0, 4),
		code("atoll_buffer", 0, 5),
		code("atoll_poll", 0, 6))...)
	b = append(b, section(9, code(1), code(0, 0x41, 1, 0x0b, 2, 4, 6))...)
	b = append(b, section(10, code(5),
		function(code(0), begin),
		function(code(0), code(0x0b)),
		function(code(0), code(sleb(puppetBatch), 0x0b)),
		function(code(2, 1, i32, 1, i64), body),
		function(code(0), code(extra, 0x0b)))...)
	b = append(b, section(11, code(2),
		code(0, sleb(puppetVector), 0x0b, uleb(len(vector)), vector),
		code(0, sleb(puppetWord), 0x0b, "ready\n"))...)
	return b
}

// takesATableEntry is what makes a module that is not pristine.
var takesATableEntry = code(0x41, 0, 0xd0, 0x70, 0x26, 0)

// testCode loads a module.
func testCode(t testing.TB, l *Local, wasm []byte) *localCode {
	t.Helper()
	return codeOf(t, l, wasm).(*localCode)
}

// testNow is when the tests' machines start.
var testNow = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// testStart is a machine of 16 pages.
func testStart(seed byte) Start {
	return Start{Memory: 16 * wasmPage, Seed: [32]byte{seed}, Now: testNow, CPU: time.Second}
}

// startMachine starts one.
func startMachine(t testing.TB, c Code, s Start) *lease {
	t.Helper()
	m, err := c.Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*lease)
}

// turn gives commands to a machine and returns what it answers.
func turn(m Machine, orders ...[]byte) ([]byte, error) {
	t := Turn{Now: testNow, Batch: bytes.Join(orders, nil), CPU: time.Second}
	err := m.Turn(&t)
	return bytes.Clone(t.Frames), err
}

// mustTurn is turn where nothing may fail.
func mustTurn(t testing.TB, m Machine, orders ...[]byte) []byte {
	t.Helper()
	out, err := turn(m, orders...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
