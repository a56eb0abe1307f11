// The report on a module: what it is, and everything that is wrong with it, in
// sentences for its author.
package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/atoll-platform/atoll/core/sandbox/rewrite"
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

// err is the error of a module that has faults.
func (r *Report) err() error { return fmt.Errorf("%w: %s", ErrModule, r.Faults[0]) }

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

// inspect holds a module against the wire and the limits, and decodes it; nil:
// it cannot be read. Whether its instructions fit together is for the compiler
// to say.
func inspect(wasm []byte, maxModule int, maxMemory uint64) (Report, *rewrite.Module) {
	report := Report{Digest: Digest(wasm), Size: len(wasm)}
	if len(wasm) > maxModule {
		report.fault("The module has %d bytes; at most %d are taken.", len(wasm), maxModule)
		return report, nil
	}
	m, err := rewrite.Decode(wasm, rewrite.Limits{Module: maxModule})
	if err != nil {
		report.fault("The module cannot be read: %v.", err)
		return report, nil
	}
	report.Functions = m.Functions
	report.inspectImports(m)
	report.inspectMemory(m, maxMemory)
	report.inspectExports(m)
	if m.Start {
		report.fault("The module has a start section, which would run before anybody watches it. Export %s instead (AssemblyScript: --exportStart %s).", initializeExport, initializeExport)
	}
	return report, m
}

var kindNames = [...]string{"function", "table", "memory", "global"}

func (r *Report) inspectImports(m *rewrite.Module) {
	for _, i := range m.Imports {
		full := i.Module + "." + i.Name
		r.Imports = append(r.Imports, full)
		want, known := wasiSignatures[i.Name]
		switch {
		case i.Module != wasiModule:
			r.fault("It imports %s. A guest imports nothing but functions of %s: all it asks for goes through frames.", full, wasiModule)
		case i.Kind != rewrite.KindFunction:
			r.fault("It imports the %s %s. Only functions can be imported.", kindNames[i.Kind], full)
		case !known:
			r.fault("It imports %s, which %s does not have.", full, wasiModule)
		default:
			if got, ok := m.Signature(i.Type); !ok || got != wasiText(i.Name, want) {
				r.fault("It imports %s as (%s); it is (%s).", full, strings.TrimSpace(got), strings.TrimSpace(wasiText(i.Name, want)))
			}
		}
	}
	slices.Sort(r.Imports)
	r.Imports = slices.Compact(r.Imports)
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

func (r *Report) inspectMemory(m *rewrite.Module, maxMemory uint64) {
	if len(m.Memories) != 1 {
		r.fault("It has %d memories of its own; a guest has one.", len(m.Memories))
		return
	}
	r.MinMemory = m.Memories[0].Min * wasmPage
	if m.Memories[0].Min > 1<<16 || r.MinMemory > maxMemory {
		r.fault("It starts with %d bytes of memory; at most %d are given.", r.MinMemory, maxMemory)
	}
	entries := uint64(0)
	for _, t := range m.Tables {
		entries += t.Min
	}
	if entries > maxTable {
		r.fault("It has tables of %d entries; at most %d are given.", entries, maxTable)
	}
}

func (r *Report) inspectExports(m *rewrite.Module) {
	found := map[string]bool{}
	for _, e := range m.Exports {
		want, known := exportSignatures[e.Name]
		switch {
		case e.Name == "_start":
			r.fault("It exports _start: it is a program, which runs once. A guest is a reactor (Go: -buildmode=c-shared; Rust: crate-type cdylib).")
		case e.Name == "memory" && e.Kind == rewrite.KindMemory:
			found[e.Name] = true
		case e.Kind == rewrite.KindGlobal && !known: // what linkers leave behind
		case !known:
			r.fault("It exports the %s %s, which is not part of the wire.", kindNames[e.Kind], e.Name)
		default:
			found[e.Name] = true
			got, ok := m.Function(e.Index)
			if e.Kind != rewrite.KindFunction || !ok || got != want {
				r.fault("It exports %s as (%s); the wire wants the function (%s).", e.Name, strings.TrimSpace(got), strings.TrimSpace(want))
			}
		}
	}
	for _, name := range []string{"memory", "atoll_wire_1", "atoll_buffer", "atoll_poll"} {
		if !found[name] {
			r.fault("It does not export %s.", name)
		}
	}
}

// Digest is sha256:hex of a module.
func Digest(wasm []byte) string {
	sum := sha256.Sum256(wasm)
	return "sha256:" + hex.EncodeToString(sum[:])
}
