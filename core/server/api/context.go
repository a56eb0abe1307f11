// What a request carries on its way through the server.

package api

import (
	"context"
	"net/http"

	"github.com/atoll-platform/atoll/core/access"
)

type contextKey int

const (
	keyRequestID contextKey = iota
	keyRequest
	keySubject
)

// WithRequest gives a context that knows the request's id. Who signs in by the
// request is written to subject.
func WithRequest(ctx context.Context, id string, subject *access.Subject) context.Context {
	return context.WithValue(context.WithValue(ctx, keyRequestID, id), keySubject, subject)
}

// noteSubject says who signed in, for the log and the audit.
func noteSubject(ctx context.Context, s access.Subject) {
	if note, ok := ctx.Value(keySubject).(*access.Subject); ok && note != nil {
		*note = s
	}
}

// RequestID is the id of the request that a context belongs to; "" for none.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(keyRequestID).(string)
	return id
}

// withRequest keeps the HTTP request for the few operations that need it.
func withRequest(ctx context.Context, r *http.Request) context.Context {
	return context.WithValue(ctx, keyRequest, r)
}

func requestOf(ctx context.Context) *http.Request {
	r, _ := ctx.Value(keyRequest).(*http.Request)
	return r
}
