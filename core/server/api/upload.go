// Packages as they are sent: a tar that is read as it comes.

package api

import (
	"context"
	"io"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/server/problem"
)

const (
	tarType    = "application/x-tar"
	maxPackage = 96 << 20
)

// Upload is the body of a request that is a tar.
type Upload struct{ tar io.Reader }

// Resolve takes the body as it is; the library would read it into memory.
func (u *Upload) Resolve(c huma.Context) []error {
	kind, _, err := mime.ParseMediaType(c.Header("Content-Type"))
	if err != nil || kind != tarType && kind != "application/octet-stream" {
		return []error{problem.New(http.StatusUnsupportedMediaType, "Send the package as "+tarType+".")}
	}
	u.tar = c.BodyReader()
	return nil
}

// addUpload registers an operation that takes a tar.
func addUpload[I, O any](s *API, a huma.API, what about, handle func(context.Context, *I) (*O, error)) {
	what.errors = append(what.errors, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity)
	op := s.operation(a, what)
	op.Metadata[metaMaxBody] = int64(maxPackage)
	op.RequestBody = &huma.RequestBody{
		Description: "A package: a tar with extension.yaml at its root.", Required: true,
		Content: map[string]*huma.MediaType{tarType: {Schema: &huma.Schema{Type: "string", Format: "binary"}}},
	}
	huma.Register(a, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.problemOf(ctx, err)
		}
		return out, nil
	})
}

const metaMaxBody = "maxBody" // Metadata: int64, bytes that a request may have
