// How a cluster does, as people and programs read it.

package kube

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// Phase is where a cluster stands.
type Phase string

// The phases of a cluster. Only Ready and Unreachable clusters were reached
// before; the others have not answered yet.
const (
	PhasePending     Phase = "Pending"     // nothing is known of it yet, or it was stopped
	PhaseBuilding    Phase = "Building"    // its programs are being built
	PhaseStarting    Phase = "Starting"    // its parts are being started
	PhaseReady       Phase = "Ready"       // its API answers
	PhaseUnreachable Phase = "Unreachable" // its API does not answer
	PhaseFailed      Phase = "Failed"      // it could not be built or started
)

// NodeKind says what runs a cluster's pods.
type NodeKind string

// The kinds of nodes; the empty kind is not known yet.
const (
	NodeReal      NodeKind = "real"
	NodeSimulated NodeKind = "simulated"
)

// Part is one part of a cluster that is being built or started.
type Part struct {
	Name    string  `json:"name"`
	Title   string  `json:"title"`
	State   string  `json:"state"` // pending, building, starting, ready, failed
	Detail  string  `json:"detail,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
}

// ClusterStatus is a snapshot of one cluster; it is never changed after it was
// handed out.
type ClusterStatus struct {
	Name    string    `json:"name"`
	Title   string    `json:"title"`
	Phase   Phase     `json:"phase"`
	Message string    `json:"message,omitempty"`
	Version string    `json:"version,omitempty"` // of Kubernetes, such as v1.36.3
	Node    NodeKind  `json:"node,omitempty"`
	Reason  string    `json:"reason,omitempty"` // why the nodes are simulated
	Parts   []Part    `json:"parts"`
	Since   time.Time `json:"since"` // when it came to this phase
}

// statusFile is what manifests/local writes while it builds and runs.
type statusFile struct {
	Phase   string   `json:"phase"`
	Node    NodeKind `json:"node"`
	Reason  string   `json:"reason"`
	Message string   `json:"message"`
	Parts   []Part   `json:"parts"`
}

const maxStatusFile = 1 << 20

// readStatusFile reads a status file. It is written by another process and
// replaced as a whole, so that a half-written one is never seen.
func readStatusFile(name string) (statusFile, error) {
	f, err := os.Open(name)
	if err != nil {
		return statusFile{}, fmt.Errorf("reading the cluster's status: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxStatusFile+1))
	if err != nil {
		return statusFile{}, fmt.Errorf("reading the cluster's status: %w", err)
	}
	if len(text) > maxStatusFile {
		return statusFile{}, fmt.Errorf("reading the cluster's status: %s is larger than %d bytes", name, maxStatusFile)
	}
	var s statusFile
	if err := json.Unmarshal(text, &s); err != nil {
		return statusFile{}, fmt.Errorf("reading the cluster's status: %s: %w", name, err)
	}
	if s.Node != NodeReal && s.Node != NodeSimulated {
		s.Node = ""
	}
	return s, nil
}
