// What a request's context knows: on whose behalf, about what, until when.
package atoll

import (
	"context"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// Identity is on whose behalf a request is made. Names are for people; UIDs
// never change and are never given twice. What a request is not about is empty.
type Identity struct {
	User, UserUID           string
	Groups                  []string
	Workspace, WorkspaceUID string
	Project, ProjectUID     string
	Cluster                 string
	// RequestID appears in the platform's logs too. Locale is the language
	// that the person wants, as BCP 47 writes it.
	RequestID, Traceparent, Locale string
}

// Caller gives on whose behalf ctx's request is made; ctx is that of a request
// being answered, or comes from it. Elsewhere it is the zero Identity.
func Caller(ctx context.Context) Identity {
	if st := streamOf(ctx); st != nil {
		return st.caller
	}
	return Identity{}
}

// Authority tells what ctx's request is about: "route", "fragment", ...
func Authority(ctx context.Context) string {
	if st := streamOf(ctx); st != nil {
		return st.about
	}
	return ""
}

// Setting gives one of the extension's settings.
func Setting(name string) (string, bool) {
	current.mu.Lock()
	defer current.mu.Unlock()
	v, ok := current.settings[name]
	return v, ok
}

// take takes one field of an OPEN, or says that it is none of its own.
func (c *Identity) take(tag wire.Tag, value string) bool {
	switch tag {
	case wire.TagUser:
		c.User = value
	case wire.TagUserUID:
		c.UserUID = value
	case wire.TagGroup:
		c.Groups = append(c.Groups, value)
	case wire.TagWorkspace:
		c.Workspace = value
	case wire.TagWorkspaceUID:
		c.WorkspaceUID = value
	case wire.TagProject:
		c.Project = value
	case wire.TagProjectUID:
		c.ProjectUID = value
	case wire.TagCluster:
		c.Cluster = value
	case wire.TagRequestID:
		c.RequestID = value
	case wire.TagTraceparent:
		c.Traceparent = value
	case wire.TagLocale:
		c.Locale = value
	default:
		return false
	}
	return true
}

// requestContext is the context of one request. The deadline is the host's: it
// resets the stream when the time is up, so no timer runs here.
type requestContext struct {
	context.Context
	stream   *stream
	deadline time.Time
}

type streamKey struct{}

func (c *requestContext) Value(key any) any {
	if key == (streamKey{}) {
		return c.stream
	}
	return c.Context.Value(key)
}

func (c *requestContext) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }

func (c *requestContext) Err() error {
	err := c.Context.Err()
	if err != nil && c.stream.late {
		return context.DeadlineExceeded
	}
	return err
}

func streamOf(ctx context.Context) *stream {
	st, _ := ctx.Value(streamKey{}).(*stream)
	return st
}
