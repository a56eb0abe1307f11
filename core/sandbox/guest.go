// A guest: one module under one name, with as many instances as its isolation
// asks for, none of them when nobody needs it.
package sandbox

import (
	"context"
	"time"
)

// Isolation says who may share the memory of one instance.
type Isolation string

const (
	// IsolateRequest gives every request a pristine instance.
	IsolateRequest Isolation = "request"
	// IsolateUser keeps users apart, and one user's workspaces.
	IsolateUser Isolation = "user"
	// IsolateWorkspace keeps workspaces apart; what has no workspace is kept
	// apart by user. It is the default.
	IsolateWorkspace Isolation = "workspace"
	// IsolateShared lets everybody share one instance.
	IsolateShared Isolation = "shared"
)

// Spec says what a guest is.
type Spec struct {
	// Name and Version are the extension's; they appear in faults and logs.
	Name, Version string
	// Digest of the module as sha256:hex. When it is not empty, bytes that do
	// not match it are refused.
	Digest string
	// Wasm reads the module, each time its code is loaded.
	Wasm func() ([]byte, error)
	// Isolation is IsolateWorkspace when empty.
	Isolation Isolation
	Limits    Limits
	// Settings go to each instance in HELLO, as name and value.
	Settings map[string]string
}

// Limits of a guest. A zero field is its default.
type Limits struct {
	// Memory of one instance in bytes; 64 MiB. Growing past it is a fault.
	Memory uint64
	// CPUPerRequest bounds the time one poll may take; 2 s.
	CPUPerRequest time.Duration
	// Deadline of a request that brings none, from its start to its last
	// byte; 30 s. Negative: none (a followed log).
	Deadline time.Duration
	// Streams open at once in one instance, both directions each; 2,000.
	Streams int
}

// Guest runs a module's requests. It is safe for concurrent use.
type Guest struct{}

// Do asks the guest. It returns when the guest has answered the head; the body
// streams. Cancelling ctx, or closing the body early, resets the stream in the
// guest and ends everything that was opened on its behalf; whoever gets a
// Response closes its body. r must not change until then.
//
// Errors are a *Fault (the instance ended), a *ResetError (the guest or the
// deadline reset the stream; its code is the wire's), ErrBusy, ErrClosed,
// ErrModule (the module cannot run), or ctx's.
func (g *Guest) Do(ctx context.Context, r *Request) (*Response, error) { return nil, ErrClosed }

// Close lets the open streams end, takes no new ones (ErrClosed), and unloads
// the code. When ctx ends first, what is left ends with ErrClosed.
func (g *Guest) Close(ctx context.Context) error { return nil }

// Stats is a look at a guest at one moment.
type Stats struct {
	// Loaded tells whether its code is compiled and in memory.
	Loaded bool
	// Instances alive, Streams in flight (those that the host opened) and
	// Children (those that the guest opened).
	Instances, Streams, Children int
	// Memory is the linear memory of all instances, in bytes.
	Memory uint64
	// Buffered is how many bytes of answers wait in the host for their
	// readers.
	Buffered int
	// Requests and Faults since Load, Polls of all instances.
	Requests, Faults, Polls uint64
}

// Stats looks at the guest.
func (g *Guest) Stats() Stats { return Stats{} }
