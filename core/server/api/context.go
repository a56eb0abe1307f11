// What a request carries on its way through the server.

package api

import (
	"context"
	"net/http"

	"github.com/atoll-platform/atoll/core/access"
)

type contextKey int

const (
	keyNotes contextKey = iota
	keyRequest
)

// notes are what is known of a request.
type notes struct {
	id      string
	subject *access.Subject // where to write who signed in; may be nil
}

// WithRequest gives a context that knows the request's id. Who signs in by the
// request is written to subject.
func WithRequest(ctx context.Context, id string, subject *access.Subject) context.Context {
	return context.WithValue(ctx, keyNotes, &notes{id: id, subject: subject})
}

// noteSubject says who signed in, for the log and the audit.
func noteSubject(ctx context.Context, s access.Subject) {
	if n, ok := ctx.Value(keyNotes).(*notes); ok && n.subject != nil {
		*n.subject = s
	}
}

// RequestID is the id of the request that a context belongs to; "" for none.
func RequestID(ctx context.Context) string {
	if n, ok := ctx.Value(keyNotes).(*notes); ok {
		return n.id
	}
	return ""
}

// withRequest keeps the HTTP request for the few operations that need it.
func withRequest(ctx context.Context, r *http.Request) context.Context {
	return context.WithValue(ctx, keyRequest, r)
}

func requestOf(ctx context.Context) *http.Request {
	r, _ := ctx.Value(keyRequest).(*http.Request)
	return r
}
