// What a request carries on its way through the server.

package api

import (
	"context"
	"net/http"
	"reflect"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/audit"
)

type contextKey int

const (
	keyNotes contextKey = iota
	keyRequest
)

// Noted is what an operation tells of its request, for the log and the audit.
type Noted struct {
	Subject access.Subject // who signed in by it; of a sign-in that fails, the name alone
	Made    string         // the name of what it has made
	Scope   access.Scope   // where it happened, when the path does not say
	Reason  string         // why it was not done
	Changes []audit.Change // what it made different
}

// notes are what is known of a request.
type notes struct {
	id    string
	noted *Noted // where to write; may be nil
}

// WithRequest gives a context that knows the request's id. What operations have
// to tell is written to noted.
func WithRequest(ctx context.Context, id string, noted *Noted) context.Context {
	return context.WithValue(ctx, keyNotes, &notes{id: id, noted: noted})
}

// note is where an operation writes what it tells of its request.
func note(ctx context.Context) *Noted {
	if n, ok := ctx.Value(keyNotes).(*notes); ok && n.noted != nil {
		return n.noted
	}
	return &Noted{} // nobody listens
}

// noteMade tells the name of what an operation has made, if its answer has one.
func noteMade(ctx context.Context, out any) {
	whole := reflect.Indirect(reflect.ValueOf(out))
	if whole.Kind() != reflect.Struct {
		return
	}
	body := whole.FieldByName("Body")
	if body.Kind() != reflect.Struct {
		return
	}
	for _, field := range []string{"Name", "ID"} {
		if f := body.FieldByName(field); f.Kind() == reflect.String && f.Len() > 0 {
			note(ctx).Made = f.String()
			return
		}
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
