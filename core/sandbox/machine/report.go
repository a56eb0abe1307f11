// The report on a module: what it is, and everything that is wrong with it, in
// sentences for its author.
package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Report is what Prepare found.
type Report struct {
	// Digest is sha256:hex of the module.
	Digest string
	// Size in bytes, Functions defined in the module.
	Size, Functions int
	// MinMemory is what an instance starts with, in bytes.
	MinMemory uint64
	// Imports are "module.name", sorted.
	Imports []string
	// Faults are sentences for the module's author; none: it can run.
	Faults []string
}

// String is the faults, one a line.
func (r Report) String() string { return strings.Join(r.Faults, "\n") }

func (r *Report) fault(format string, args ...any) {
	r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
}

const wasmPage = 64 << 10

// exportSignatures are the functions that a guest exports; initializeExport may
// be missing.
var exportSignatures = map[string]string{
	"atoll_wire_1":   "-> ",
	"atoll_buffer":   "i32 -> i32 ",
	"atoll_poll":     "i32 -> i64 ",
	initializeExport: "-> ",
}

const initializeExport = "_initialize"

// inspect holds a module's outside against the wire and the limits; initialize
// tells whether it wants to be initialized. Whether its instructions are valid
// is for the compiler to say.
func inspect(wasm []byte, maxModule int, maxMemory uint64) (report Report, initialize bool) {
	report = Report{Digest: Digest(wasm), Size: len(wasm)}
	if len(wasm) > maxModule {
		report.fault("The module has %d bytes; at most %d are taken.", len(wasm), maxModule)
		return report, false
	}
	m, err := decodeModule(wasm)
	if err != nil {
		report.fault("The module cannot be read: %v.", err)
		return report, false
	}
	report.Functions = len(m.defined)
	m.inspectImports(&report)
	m.inspectMemory(&report, maxMemory)
	initialize = m.inspectExports(&report)
	if m.start {
		report.fault("The module has a start section, which would run before anybody watches it. Export %s instead (AssemblyScript: --exportStart %s).", initializeExport, initializeExport)
	}
	return report, initialize
}

func (m *module) inspectImports(report *Report) {
	for _, i := range m.imports {
		full := i.module + "." + i.name
		report.Imports = append(report.Imports, full)
		want, known := wasiSignatures[i.name]
		switch {
		case i.module != wasiModule:
			report.fault("It imports %s. A guest imports nothing but functions of %s: all it asks for goes through frames.", full, wasiModule)
		case i.kind != kindFunction:
			report.fault("It imports the %s %s. Only functions can be imported.", kindNames[i.kind], full)
		case !known:
			report.fault("It imports %s, which %s does not have.", full, wasiModule)
		default:
			if got, ok := m.signature(i.typ); !ok || got != wasiText(i.name, want) {
				report.fault("It imports %s as (%s); it is (%s).", full, strings.TrimSpace(got), strings.TrimSpace(wasiText(i.name, want)))
			}
		}
	}
	slices.Sort(report.Imports)
	report.Imports = slices.Compact(report.Imports)
}

// wasiText writes a function of wasiSignatures as a module's types are written.
func wasiText(name, signature string) (s string) {
	for _, c := range signature {
		if c == 'I' {
			s += "i64 "
		} else {
			s += "i32 "
		}
	}
	if name == "proc_exit" {
		return s + "-> "
	}
	return s + "-> i32 "
}

func (m *module) inspectMemory(report *Report, maxMemory uint64) {
	switch {
	case len(m.memories) != 1:
		report.fault("It has %d memories of its own; a guest has one.", len(m.memories))
	case m.memories[0].flags&^1 != 0:
		report.fault("Its memory is shared or 64-bit; threads and large memories are not supported.")
	default:
		report.MinMemory = m.memories[0].min * wasmPage
		if m.memories[0].min > 1<<16 || report.MinMemory > maxMemory {
			report.fault("It starts with %d bytes of memory; at most %d are given.", report.MinMemory, maxMemory)
		}
	}
	for _, t := range m.tables {
		if t.min > 1<<20 {
			report.fault("It has a table of %d entries; at most %d are given.", t.min, 1<<20)
		}
	}
}

func (m *module) inspectExports(report *Report) (initialize bool) {
	found := map[string]bool{}
	for _, e := range m.exports {
		want, known := exportSignatures[e.name]
		switch {
		case e.name == "_start":
			report.fault("It exports _start: it is a program, which runs once. A guest is a reactor (Go: -buildmode=c-shared; Rust: crate-type cdylib).")
		case e.name == "memory" && e.kind == kindMemory:
			found[e.name] = true
		case e.kind == kindGlobal && !known: // what linkers leave behind
		case !known:
			if e.kind > kindGlobal {
				report.fault("It exports something of an unknown kind as %s.", e.name)
			} else {
				report.fault("It exports the %s %s, which is not part of the wire.", kindNames[e.kind], e.name)
			}
		default:
			found[e.name] = true
			got, ok := m.function(e.index)
			if e.kind != kindFunction || !ok || got != want {
				report.fault("It exports %s as (%s); the wire wants the function (%s).", e.name, strings.TrimSpace(got), strings.TrimSpace(want))
			}
		}
	}
	for _, name := range []string{"memory", "atoll_wire_1", "atoll_buffer", "atoll_poll"} {
		if !found[name] {
			report.fault("It does not export %s.", name)
		}
	}
	return found[initializeExport]
}

// Digest is sha256:hex of a module.
func Digest(wasm []byte) string {
	sum := sha256.Sum256(wasm)
	return "sha256:" + hex.EncodeToString(sum[:])
}
