// The OpenAPI document and how operations become part of it.

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"github.com/atoll-platform/atoll/core/server/problem"
)

// Names of the security schemes in the document.
const (
	schemeSession = "session"
	schemeToken   = "token"
)

const (
	maxBody      = 64 << 10 // of a JSON request
	metaPublic   = "public" // Metadata: the operation needs no credential
	description  = "Atoll: a multi-tenant Kubernetes platform with a small core. Everything that the console does goes through this API, below `/api/v1`. Kubernetes itself is at `/clusters/{cluster}/...`, extensions are at `/x/{extension}/...`.\n\nA browser signs in with `POST /api/v1/sessions` and sends the cookie, and on whatever changes something the header `X-Atoll-CSRF`. Programs send `Authorization: Bearer <token>`. Errors are RFC 9457 problems; a denial says which permission was missing.\n\nWhat was read can be changed safely: send the ETag of the answer as `If-Match`, and the answer is 412 when somebody has changed it meanwhile."
	documentName = "Atoll"
)

// setUp changes two package-wide settings of the library, once.
var setUp = sync.OnceFunc(func() {
	huma.DefaultArrayNullable = false // lists are never null here
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return requestProblem(status, msg, errs)
	}
	huma.NewErrorWithContext = func(c huma.Context, status int, msg string, errs ...error) huma.StatusError {
		return requestProblem(status, msg, errs).WithInstance(RequestID(c.Context()))
	}
})

// newDocument makes an empty API; without routes it is for reading only.
func newDocument(e *echo.Echo, version string, routes *router) huma.API {
	setUp()
	config := huma.DefaultConfig(documentName, version)
	config.Info.Description = description
	config.Info.License = &huma.License{Name: "Apache-2.0", URL: "https://www.apache.org/licenses/LICENSE-2.0"}
	config.OpenAPIPath, config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", "", nil
	config.Servers = []*huma.Server{{URL: "/"}}
	config.Transformers = []huma.Transformer{withInstance}
	config.Formats = map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		schemeSession: {Type: "apiKey", In: "cookie", Name: "atoll_session", Description: "What a browser has after POST /api/v1/sessions. What changes something needs the header X-Atoll-CSRF too."},
		schemeToken:   {Type: "http", Scheme: "bearer", Description: "An API token, made with POST /api/v1/tokens."},
	}
	for _, tag := range tags {
		config.Tags = append(config.Tags, &huma.Tag{Name: tag[0], Description: tag[1]})
	}
	// The library's own constructor for Echo wraps its adapter too early.
	inner := humaecho.NewWithGroup(e, e.Group(""), config).Adapter()
	return huma.NewAPI(config, adapter{Adapter: inner, routes: routes})
}

// tags are the chapters of the document, in order.
var tags = [][2]string{
	{"sessions", "Signing in and out."},
	{"users", "People."},
	{"groups", "People to whom roles are given together."},
	{"invitations", "Roles for whoever has a link, once."},
	{"robots", "Accounts for programs, owned by workspaces."},
	{"tokens", "Credentials for programs."},
	{"clusters", "The Kubernetes clusters that this Atoll knows."},
	{"workspaces", "Tenants and their members."},
	{"projects", "Namespaces of workspaces and their members."},
	{"extensions", "What is installed, and what it brings."},
	{"access", "What the caller may do."},
	{"audit", "Who did what."},
	{"platform", "About this Atoll."},
}

// withInstance puts the request id into problems on their way out.
func withInstance(c huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*problem.Problem); ok {
		return p.WithInstance(RequestID(c.Context())), nil
	}
	return v, nil
}

// about is what makes an operation, besides its shapes.
type about struct {
	id, method, path, tag, summary, text string
	status                               int   // 0: 200
	errors                               []int // besides 400, 401, 403, 422, 429, 500
}

// operation is the library's form of an operation, guarded by what it needs.
func (s *API) operation(in huma.API, a about) huma.Operation {
	needed := needOf(a.id)
	op := huma.Operation{
		OperationID: a.id, Method: a.method, Path: a.path, Summary: a.summary, Description: a.text, Tags: []string{a.tag},
		DefaultStatus: a.status, MaxBodyBytes: maxBody, RejectUnknownQueryParameters: true,
		// The server bounds how long a body may take; the library's own bound
		// would end requests that work for longer than that.
		BodyReadTimeout: -1,
		Metadata:        map[string]any{},
		Extensions:      map[string]any{extensionNeeds: needed.shown()},
		Middlewares:     huma.Middlewares{s.guard(in, needed)},
	}
	if needed.at == ofAll {
		op.Metadata[metaPublic] = true
		op.Security = []map[string][]string{}
		op.Errors = []int{http.StatusBadRequest, http.StatusTooManyRequests}
	} else {
		op.Security = []map[string][]string{{schemeSession: {}}, {schemeToken: {}}}
		op.Errors = []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests}
	}
	op.Errors = append(op.Errors, a.errors...)
	if of, ok := keepers[a.id]; ok {
		op.Middlewares = append(op.Middlewares, s.conditional(in, a.id, of))
		a.describe(&op)
	}
	return op
}

// add registers an operation. Errors of the rooms become problems here and
// nowhere else.
func add[I, O any](s *API, a huma.API, what about, handle func(context.Context, *I) (*O, error)) {
	huma.Register(a, s.operation(a, what), func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.problemOf(ctx, err)
		}
		if what.status == http.StatusCreated {
			noteMade(ctx, out)
		}
		return out, nil
	})
}

// Document is the OpenAPI document of this version, indented, ending with a
// newline: the same bytes each time.
func Document(version string) ([]byte, error) {
	a := newDocument(echo.New(), version, nil)
	(&API{}).register(a)
	text, err := json.Marshal(a.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("writing the OpenAPI document: %w", err)
	}
	// Through a map, so that everything is sorted.
	var sorted any
	if err := json.Unmarshal(text, &sorted); err != nil {
		return nil, fmt.Errorf("writing the OpenAPI document: %w", err)
	}
	if text, err = json.MarshalIndent(sorted, "", "  "); err != nil {
		return nil, fmt.Errorf("writing the OpenAPI document: %w", err)
	}
	return append(text, '\n'), nil
}
