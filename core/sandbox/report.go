// The report on a module: what it is, and everything that is wrong with it.
package sandbox

import "strings"

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
