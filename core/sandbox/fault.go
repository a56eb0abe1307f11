// How a request fails: by its guest's fault, by a reset, because its instance
// ended under it, or because there is no room.
package sandbox

import (
	"errors"
	"fmt"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

var (
	// ErrModule is wrapped when a module breaks the wire's rules or limits.
	ErrModule = machine.ErrModule
	// ErrBusy is what a *BudgetError is whose budget comes back.
	ErrBusy = errors.New("a budget of the guest's is used up for now")
	// ErrInterrupted is wrapped when the instance that carried a request ended,
	// by another's fault or by nobody's, and the request could not be run again.
	// Whoever asked may ask again.
	ErrInterrupted = errors.New("the instance ended under the request")
	// ErrClosed is returned for a guest or an engine that is closed.
	ErrClosed = errors.New("the guest is closed")
)

// Class says what an instance did to end.
type Class string

const (
	// FaultStart: it could not be started, or its HELLO was not one.
	FaultStart Class = "start"
	// FaultTrap: it trapped (a panic of its language's runtime too).
	FaultTrap Class = "trap"
	// FaultTime: a poll took longer than it may, or a reset was not answered.
	FaultTime Class = "time"
	// FaultMemory: it wanted more memory than it may have.
	FaultMemory Class = "memory"
	// FaultStack: its calls went deeper than they may.
	FaultStack Class = "stack"
	// FaultWire: it broke the wire: a broken frame, a length that lies, a
	// frame that its stream's state forbids.
	FaultWire Class = "wire"
	// FaultWindow: it sent more than its window.
	FaultWindow Class = "window"
	// FaultCrash: the sandbox's process ended under it again and again.
	FaultCrash Class = "crash"
)

// Fault is why an instance ended. Every stream in flight on it ends with it.
type Fault struct {
	Class              Class
	Extension, Version string
	// Detail is for logs and the extension's author; it may hold what the
	// guest said and is not for clients.
	Detail string

	rest time.Duration // of a crash: for how long the breaker opens at once
}

// Error says class and extension, and not the detail.
func (f *Fault) Error() string {
	return fmt.Sprintf("extension %s %s ended by its own fault: %s", f.Extension, f.Version, f.Class)
}

// ResetError is a stream that one side reset.
type ResetError struct {
	Code wire.Code
	Text string
}

// Error names the code and, when there is one, the text.
func (e *ResetError) Error() string {
	if e.Text == "" {
		return "the stream was reset: " + e.Code.String()
	}
	return "the stream was reset: " + e.Code.String() + ": " + e.Text
}
