// What the store holds about an extension: one record, changed in one transaction.
package extension

import (
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
)

// Prefix is where installations lie in the store, each under its name.
const Prefix = "extensions/"

// offeredPrefix marks the packages of the binary that were installed once, so
// that a shipped extension that somebody removed does not come back at a restart.
const offeredPrefix = "meta/shipped/"

// Installation is the record of an installed extension.
type Installation struct {
	Name      string `json:"name"`
	Version   string `json:"version"`
	Publisher string `json:"publisher"`
	// Digest names the package, sha256:hex; its bytes lie in the packages folder.
	Digest string `json:"digest"`
	// Consent is what was agreed to, By whom: the user's name and uid, or Shipped
	// for what the binary brings.
	Consent     string    `json:"consent"`
	By          string    `json:"by,omitempty"`
	ByUID       string    `json:"byUID,omitempty"`
	Shipped     bool      `json:"shipped,omitempty"`
	InstalledAt time.Time `json:"installedAt"`
}

// Phase is how an installed extension is.
type Phase string

// The phases.
const (
	PhaseActive   Phase = "Active"   // it answers, and has not failed lately
	PhaseDegraded Phase = "Degraded" // it answers; its last instance ended by its own fault
	PhaseFailed   Phase = "Failed"   // its package cannot be used
)

// State is an installation and how it is.
type State struct {
	Installation
	Title       string `json:"title"`
	Description string `json:"description"`
	Phase       Phase  `json:"phase"`
	Message     string `json:"message,omitempty"`
	Asks        []Ask  `json:"asks"`
	// Unbound are its upstreams that no administrator has bound to anything.
	Unbound []string `json:"unbound,omitempty"`
	// Loaded tells whether its code is in memory; the rest is of its instances.
	Loaded      bool   `json:"loaded"`
	Instances   int    `json:"instances"`
	Streams     int    `json:"streams"`
	MemoryBytes uint64 `json:"memoryBytes"`
	Requests    uint64 `json:"requests"`
	Faults      uint64 `json:"faults"`
	// Breakers are where it is not asked for a while.
	Breakers []sandbox.Health `json:"breakers"`
}
