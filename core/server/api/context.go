// What a request carries on its way through the server.

package api

import (
	"context"
	"net/http"
)

type contextKey int

const (
	keyRequestID contextKey = iota
	keyRequest
)

// WithRequestID gives a context that knows the request's id.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, keyRequestID, id)
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
