// Who asks.

package access

import (
	"context"
	"errors"
)

// ErrRevoked is the cause of a request's context that ended because the
// credential that it came with is not good any more.
var ErrRevoked = errors.New("the credential is not good any more")

// How a subject proved who they are.
const (
	ViaSession = "session" // a browser's cookie
	ViaToken   = "token"   // a bearer token
)

// Subject is a person with the credential that they came with. The zero value
// is nobody and may nothing.
type Subject struct {
	Name       string // the user's name
	UID        string // the user's immutable id: every decision is by it
	Via        string // ViaSession or ViaToken
	Credential string // id of the session or token, not the secret
	ReadOnly   bool   // the credential is for reading only, whatever the person may
	Limit      *Limit // the credential carries no more than this; nil: all that the person may
	Cluster    string // the credential is good for Kubernetes of this cluster and nothing else; "": for everything
}

type subjectKey struct{}

// WithSubject puts who asks into a context.
func WithSubject(ctx context.Context, s Subject) context.Context {
	return context.WithValue(ctx, subjectKey{}, s)
}

// SubjectFrom is who asks in a context; false when nobody was put there.
func SubjectFrom(ctx context.Context) (Subject, bool) {
	s, ok := ctx.Value(subjectKey{}).(Subject)
	return s, ok
}
