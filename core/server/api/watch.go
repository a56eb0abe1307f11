// Lists that can be followed: the same answer once, or as NDJSON, anew at each
// change.

package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

const ndjson = "application/x-ndjson"

// Snapshot is one line of a list that is followed.
type Snapshot[T any] struct {
	Type   string `json:"type" enum:"SNAPSHOT"`
	Object T      `json:"object"`
}

// watchable is a list: to be answered once, or followed when changed is set.
type watchable[T any] struct {
	read    func() (T, error)
	changed <-chan struct{} // nil: once. Closed: the end.
}

// addWatchable registers an operation whose answer may be followed.
func addWatchable[I, T any](s *API, a huma.API, what about, handle func(context.Context, *I) (*watchable[T], error)) {
	op := s.operation(a, what)
	schemas := a.OpenAPI().Components.Schemas
	op.Responses = map[string]*huma.Response{"200": {
		Description: "OK",
		Content: map[string]*huma.MediaType{
			"application/json": {Schema: schemas.Schema(reflect.TypeFor[T](), true, "")},
			ndjson:             {Schema: schemas.Schema(reflect.TypeFor[Snapshot[T]](), true, "")},
		},
	}}
	huma.Register(a, op, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		w, err := handle(ctx, in)
		if err != nil {
			return nil, s.problemOf(ctx, err)
		}
		first, err := w.read()
		if err != nil {
			return nil, s.problemOf(ctx, err)
		}
		return &huma.StreamResponse{Body: func(c huma.Context) { w.write(ctx, c, first, s.Draining) }}, nil
	})
}

func (w *watchable[T]) write(ctx context.Context, c huma.Context, first T, draining <-chan struct{}) {
	out := json.NewEncoder(c.BodyWriter())
	out.SetEscapeHTML(false)
	if w.changed == nil {
		c.SetHeader("Content-Type", "application/json")
		c.SetStatus(http.StatusOK)
		_ = out.Encode(first) // a client that has gone needs no answer
		return
	}
	c.SetHeader("Content-Type", ndjson)
	c.SetHeader("Cache-Control", "no-store")
	c.SetStatus(http.StatusOK)
	for value := first; ; {
		if out.Encode(Snapshot[T]{Type: "SNAPSHOT", Object: value}) != nil || flush(c.BodyWriter()) != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-draining:
			return
		case _, ok := <-w.changed:
			if !ok {
				return
			}
		}
		var err error
		if value, err = w.read(); err != nil {
			return // the client asks again and is told why
		}
	}
}

func flush(w io.Writer) error {
	if rw, ok := w.(http.ResponseWriter); ok {
		return http.NewResponseController(rw).Flush()
	}
	return nil
}

// merge makes one channel of news of two. It is closed when either is, or when
// ctx ends.
func merge(ctx context.Context, a, b <-chan struct{}) <-chan struct{} {
	out := make(chan struct{}, 1)
	go func() {
		defer close(out)
		for {
			ok := true
			select {
			case <-ctx.Done():
				return
			case _, ok = <-a:
			case _, ok = <-b:
			}
			if !ok {
				return
			}
			select {
			case out <- struct{}{}:
			default:
			}
		}
	}()
	return out
}
