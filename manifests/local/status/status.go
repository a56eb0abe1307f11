// Package status is the file in which a local cluster says how it is doing,
// part by part. Others (Atoll's console among them) read it while the cluster
// is built and started.
package status

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// Phase is how the whole is doing.
type Phase string

// The phases of a cluster.
const (
	Building Phase = "Building"
	Starting Phase = "Starting"
	Ready    Phase = "Ready"
	Failed   Phase = "Failed"
	Stopped  Phase = "Stopped"
)

// State is how one part is doing.
type State string

// The states of a part.
const (
	PartPending  State = "pending"
	PartBuilding State = "building"
	PartStarting State = "starting"
	PartReady    State = "ready"
	PartFailed   State = "failed"
)

// Part is one part of the cluster: a program, a pod of the system, or a step of the build.
type Part struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	State   State  `json:"state"`
	Detail  string `json:"detail,omitempty"`
	Seconds int    `json:"seconds"` // since it left pending; final once it is ready or failed

	began time.Time
}

// Status is the content of the file.
type Status struct {
	Phase     Phase     `json:"phase"`
	Node      string    `json:"node,omitempty"`   // real or simulated
	Reason    string    `json:"reason,omitempty"` // why the nodes are simulated
	Message   string    `json:"message"`          // one sentence
	StartedAt time.Time `json:"startedAt"`
	UpdatedAt time.Time `json:"updatedAt"`
	Parts     []Part    `json:"parts"`
}

// File keeps a status and writes it out at each change. It may be used from
// several goroutines; from several processes only under the cluster's lock.
type File struct {
	name string

	mu      sync.Mutex
	status  Status
	changed func(Part)
}

// New begins a new status; nothing is written before the first change. onPart,
// if not nil, is told of each change of a part.
func New(name string, onPart func(Part)) *File {
	return &File{name: name, changed: onPart, status: Status{StartedAt: time.Now().UTC(), Parts: []Part{}}}
}

// Read returns what the file says. A missing file is a stopped cluster.
func Read(name string) (Status, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Status{Phase: Stopped, Message: "It was never started.", Parts: []Part{}}, nil
	}
	if err != nil {
		return Status{}, fmt.Errorf("reading the status: %w", err)
	}
	var s Status
	if err := json.Unmarshal(text, &s); err != nil {
		return Status{}, fmt.Errorf("reading the status: %s: %w", name, err)
	}
	return s, nil
}

// Write replaces the file in one step, so that no reader sees half of it.
func Write(name string, s Status) error {
	s.UpdatedAt = time.Now().UTC()
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	temporary := fmt.Sprintf("%s.%d.new", name, os.Getpid())
	if err := os.WriteFile(temporary, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	if err := os.Rename(temporary, name); err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	return nil
}

// Plan names the parts there will be, in their order, all pending; parts that
// are known already keep their state.
func (f *File) Plan(parts ...Part) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range parts {
		if f.find(p.Name) == nil {
			p.State = PartPending
			f.status.Parts = append(f.status.Parts, p)
		}
	}
	return Write(f.name, f.status)
}

// Node says which kind of node there is, and why where it is simulated.
func (f *File) Node(kind, reason string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Node, f.status.Reason = kind, reason
	return Write(f.name, f.status)
}

// Phase says how the whole is doing, in one sentence.
func (f *File) Phase(p Phase, message string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Phase, f.status.Message = p, message
	return Write(f.name, f.status)
}

// Part says how one part is doing. An unknown part is a fault of the caller.
func (f *File) Part(name string, s State, detail string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.find(name)
	if p == nil {
		return fmt.Errorf("writing the status: no part is named %q", name)
	}
	if p.State == s && p.Detail == detail {
		return nil
	}
	if p.began.IsZero() || p.State == PartPending {
		p.began = time.Now()
	}
	p.State, p.Detail, p.Seconds = s, detail, int(time.Since(p.began).Seconds())
	if f.changed != nil {
		f.changed(*p)
	}
	return Write(f.name, f.status)
}

// Status returns a copy of what was last said.
func (f *File) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.status
	s.Parts = append([]Part{}, f.status.Parts...)
	return s
}

func (f *File) find(name string) *Part {
	for i := range f.status.Parts {
		if f.status.Parts[i].Name == name {
			return &f.status.Parts[i]
		}
	}
	return nil
}
