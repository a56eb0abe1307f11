// What a request's context knows: on whose behalf, about what, until when; and
// how it ends.
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
func Caller(ctx context.Context) (who Identity) {
	if x := servedOf(ctx); x != nil {
		who.read(x.fields)
	}
	return who
}

// Authority tells what ctx's request is about: "route", "fragment", ...
func Authority(ctx context.Context) string {
	if x := servedOf(ctx); x != nil {
		return x.authority
	}
	return ""
}

// Protocol tells what ctx's request asks to be upgraded to: "websocket", or
// nothing. See Upgrade.
func Protocol(ctx context.Context) string {
	if x := servedOf(ctx); x != nil {
		return x.protocol
	}
	return ""
}

// read takes what the fields of an OPEN, which are known to be whole, say.
func (who *Identity) read(fields string) {
	for len(fields) > 0 {
		tag, value, rest := nextText(fields)
		who.take(tag, value)
		fields = rest
	}
}

func (who *Identity) take(tag wire.Tag, value string) {
	switch tag {
	case wire.TagUser:
		who.User = value
	case wire.TagUserUID:
		who.UserUID = value
	case wire.TagGroup:
		who.Groups = append(who.Groups, value)
	case wire.TagWorkspace:
		who.Workspace = value
	case wire.TagWorkspaceUID:
		who.WorkspaceUID = value
	case wire.TagProject:
		who.Project = value
	case wire.TagProjectUID:
		who.ProjectUID = value
	case wire.TagCluster:
		who.Cluster = value
	case wire.TagRequestID:
		who.RequestID = value
	case wire.TagTraceparent:
		who.Traceparent = value
	case wire.TagLocale:
		who.Locale = value
	}
}

// requestContext is the context of one request. It costs nothing until somebody
// waits for its end. Its deadline is the host's, which resets the stream when the
// time is up, so no timer runs here. The session's mu guards it.
type requestContext struct {
	request  *served
	deadline time.Time
	err      error
	done     chan struct{}  // made when somebody waits
	after    map[int]func() // what runs at its end
	nextKey  int
}

type servedKey struct{}

// servedOf gives the request that a context belongs to.
func servedOf(ctx context.Context) *served {
	x, _ := ctx.Value(servedKey{}).(*served)
	return x
}

// Value implements context.Context.
func (c *requestContext) Value(key any) any {
	if key == (servedKey{}) {
		return c.request
	}
	return nil
}

// Deadline implements context.Context.
func (c *requestContext) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }

// Err implements context.Context.
func (c *requestContext) Err() error {
	s := c.request.session
	s.lock()
	defer s.unlock()
	return c.err
}

// Done implements context.Context.
func (c *requestContext) Done() <-chan struct{} {
	s := c.request.session
	s.lock()
	defer s.unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

// AfterFunc lets package context hang derived contexts on this one without a
// goroutine for each.
func (c *requestContext) AfterFunc(f func()) (stop func() bool) {
	s := c.request.session
	s.lock()
	defer s.unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	if c.after == nil {
		c.after = map[int]func(){}
	}
	key := c.nextKey
	c.nextKey++
	c.after[key] = f
	return func() bool {
		s.lock()
		defer s.unlock()
		_, waits := c.after[key]
		delete(c.after, key)
		return waits
	}
}

// end ends the context; why is what ended the stream. s.mu is held.
func (c *requestContext) end(why error) {
	if c.err != nil {
		return
	}
	c.err = context.Canceled
	if reset, ok := why.(*ResetError); ok && reset.Code == wire.Deadline {
		c.err = context.DeadlineExceeded
	}
	if c.done != nil {
		close(c.done)
	}
	if after := c.after; after != nil {
		c.after = nil
		go func() {
			for _, f := range after {
				f()
			}
		}()
	}
	c.request.session.stirred = true
}
