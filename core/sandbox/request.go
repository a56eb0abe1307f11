// What goes into a guest and comes out of it, in both directions.
package sandbox

import (
	"context"
	"io"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// Caller is on whose behalf a stream is open. Names are for people, UIDs decide.
type Caller struct {
	User, UserUID           string
	Groups                  []string
	Workspace, WorkspaceUID string
	Project, ProjectUID     string
	Cluster                 string
}

// Request is one stream's head and body.
type Request struct {
	// Authority is what the stream is about: "route", "fragment", ... into a
	// guest; "kubernetes", "kv", ... out of it.
	Authority string
	// Method and Target (path and query) as in HTTP.
	Method, Target string
	Header         []wire.Header
	// Body is read until its end, as fast as the other side takes it. It may
	// be nil. When the stream dies first and Body is an io.Closer, it is
	// closed.
	Body io.Reader
	// Caller of a guest's stream is its parent's; the guest cannot set it.
	Caller Caller
	// Deadline ends the stream and all it opened. Zero: the guest's limit.
	Deadline                       time.Time
	RequestID, Traceparent, Locale string
	// Value is handed to doors, in Parent, and never to the guest.
	Value any
}

// Response is the answer's head and the stream of its body.
type Response struct {
	Status int
	Header []wire.Header
	// Body is never nil from Guest.Do; a door may leave it nil. Errors of Read
	// are those of Guest.Do.
	Body io.ReadCloser
	// Trailer gives the trailers once Body has ended. It may be nil from a
	// door.
	Trailer func() []wire.Header
}

// Parent is the stream on whose behalf a guest knocks on a door.
type Parent struct {
	// Request is the one that the host opened. It must not be changed.
	Request            *Request
	Extension, Version string
}

// Door answers what a guest asks the host. Open is called on a goroutine of its
// own; ctx ends when the stream, its parent or its deadline ends, and with it
// everything that Open started must end. An error that is a *ResetError reaches
// the guest with its code and text; any other as `internal` (or `cancelled`,
// `deadline`) without its text.
type Door interface {
	Open(ctx context.Context, p Parent, r *Request) (*Response, error)
}

// DoorFunc is a function as a Door.
type DoorFunc func(ctx context.Context, p Parent, r *Request) (*Response, error)

// Open calls f.
func (f DoorFunc) Open(ctx context.Context, p Parent, r *Request) (*Response, error) {
	return f(ctx, p, r)
}
