// What goes into a guest and comes out of it, in both directions.
package sandbox

import (
	"cmp"
	"context"
	"fmt"
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

// uids tell callers apart: UIDs, or names where there are none.
func (c *Caller) uids() (user, workspace string) {
	return cmp.Or(c.UserUID, c.User), cmp.Or(c.WorkspaceUID, c.Workspace)
}

// Request is one stream's head and body.
type Request struct {
	// Authority is what the stream is about: "route", "fragment", ... into a
	// guest; "kubernetes", "kv", ... out of it.
	Authority string
	// Method and Target (path and query) as in HTTP.
	Method, Target string
	Header         []wire.Header
	// Protocol makes the stream an upgrade: "websocket", towards doors also
	// "tcp" and "smtp". An answer of 200 to 299 accepts it: both directions
	// then end by themselves. No default deadline cuts it.
	Protocol string
	// Body is read until its end, as fast as the other side takes it; when it
	// is a FrameReader, frame by frame. It may be nil. When nobody wants more
	// of it first and it is an io.Closer, it is closed. A door's requests have
	// one that is an io.ReadCloser and a FrameReader, or nil.
	Body io.Reader
	// Trailer gives the trailers once Body has ended. It may be nil.
	Trailer func() []wire.Header
	// Caller of a guest's stream is its parent's; the guest cannot set it.
	Caller Caller
	// Deadline ends the stream and all it opened. Zero: the guest's limit.
	Deadline                       time.Time
	RequestID, Traceparent, Locale string
	// Endless says that the answer goes on for as long as somebody reads it:
	// the limit on its size does not hold.
	Endless bool
	// Value is handed to doors, in Parent, and never to the guest.
	Value any
}

// Response is the answer's head and the stream of its body.
type Response struct {
	Status int
	Header []wire.Header
	// Body is never nil from Guest.Do, and a FrameReader; a door may leave it
	// nil, and may give a FrameReader. Errors of reading are those of
	// Guest.Do. After an accepted upgrade a door's Body is closed when the
	// whole stream ends, else when it has been read.
	Body io.ReadCloser
	// Trailer gives the trailers once Body has ended. It may be nil from a
	// door.
	Trailer func() []wire.Header
}

// FrameReader is a body that knows where its messages end, as those of a
// websocket do.
type FrameReader interface {
	// ReadFrame reads up to len(p) bytes of one message. The flags are Message
	// when they end it (an empty message ends with no bytes) and Text when it
	// is text. At the end of the body it returns io.EOF, or a *CloseError when
	// the other side has said how it closes.
	ReadFrame(p []byte) (n int, flags wire.Flags, err error)
}

// CloseError ends a body as a websocket is closed. It is an end, not a failure:
// it unwraps to io.EOF. Plain Read of a body answers io.EOF instead.
type CloseError struct {
	Code uint16 // as in RFC 6455; 0: none was said
	Text string // at most 123 bytes
}

// Error says code and text.
func (e *CloseError) Error() string { return fmt.Sprintf("closed: %d %s", e.Code, e.Text) }

// Unwrap is io.EOF.
func (e *CloseError) Unwrap() error { return io.EOF }

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

// SafeDoor is a Door that knows which of its requests change nothing, so that
// they may be made again. What asked for nothing else can be run again when its
// instance ends under it; without Safe, a door's requests are taken to change
// something.
type SafeDoor interface {
	Door
	// Safe is asked before Open, of what Open will be given but for the body. It
	// must return at once and touch no guest.
	Safe(p Parent, r *Request) bool
}

// DoorFunc is a function as a Door.
type DoorFunc func(ctx context.Context, p Parent, r *Request) (*Response, error)

// Open calls f.
func (f DoorFunc) Open(ctx context.Context, p Parent, r *Request) (*Response, error) {
	return f(ctx, p, r)
}
