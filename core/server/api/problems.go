// Which error is which problem.

package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/extension"
	"github.com/atoll-platform/atoll/core/fragment"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/server/problem"
	"github.com/atoll-platform/atoll/core/store"
	"github.com/atoll-platform/atoll/core/tenancy"
)

// typeSecondFactor is the type of the problem that asks for a code.
const typeSecondFactor = "urn:atoll:problem:second-factor"

// requestProblem is what the library found wrong with a request. The values
// that were sent are not repeated: one of them may be a password.
func requestProblem(status int, msg string, errs []error) *problem.Problem {
	for _, err := range errs {
		if own := (*problem.Problem)(nil); errors.As(err, &own) {
			return own
		}
	}
	p := problem.New(status, sentence(msg))
	switch status {
	case http.StatusUnprocessableEntity, http.StatusBadRequest:
		if msg == "validation failed" {
			p.Detail = "The request does not fit; see errors."
		}
	case http.StatusUnsupportedMediaType:
		p.Detail = "This takes application/json."
		return p
	case http.StatusRequestEntityTooLarge:
		p.Detail = "The request is larger than this takes."
	}
	for _, err := range errs {
		var d huma.ErrorDetailer
		switch {
		case err == nil:
		case errors.As(err, &d):
			detail := d.ErrorDetail()
			p.Errors = append(p.Errors, faultAt(detail.Location, detail.Message))
		default:
			p.Errors = append(p.Errors, problem.Fault{Message: err.Error()})
		}
	}
	return p
}

// faultAt turns the library's location (body.items[3].name, query.limit) into a
// JSON Pointer or a parameter.
func faultAt(location, message string) problem.Fault {
	rest, inBody := strings.CutPrefix(location, "body")
	if !inBody {
		return problem.Fault{Parameter: location, Message: message}
	}
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(rest, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(part))
	}
	return problem.Fault{Pointer: b.String(), Message: message}
}

func sentence(s string) string {
	if s == "" {
		return ""
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

// known says which sentinel of a room is which status. The first that fits
// counts; the text of these errors is made for whoever asked.
var known = []struct {
	err    error
	status int
}{
	{identity.ErrUnauthenticated, http.StatusUnauthorized},
	{identity.ErrBadCredentials, http.StatusUnauthorized},
	{identity.ErrBadCode, http.StatusUnauthorized},
	{identity.ErrState, http.StatusConflict},
	{identity.ErrCSRF, http.StatusForbidden},
	{identity.ErrDenied, http.StatusForbidden},
	{identity.ErrNotInvited, http.StatusForbidden},
	{identity.ErrNotFound, http.StatusNotFound},
	{identity.ErrExists, http.StatusConflict},
	{identity.ErrInvalid, http.StatusUnprocessableEntity},
	{identity.ErrTooMany, http.StatusTooManyRequests},
	{access.ErrLost, http.StatusServiceUnavailable},
	{access.ErrLastAdministrator, http.StatusConflict},
	{access.ErrUnknownRole, http.StatusUnprocessableEntity},
	{tenancy.ErrNotFound, http.StatusNotFound},
	{tenancy.ErrExists, http.StatusConflict},
	{tenancy.ErrNotEmpty, http.StatusConflict},
	{tenancy.ErrInUse, http.StatusConflict},
	{tenancy.ErrInvalid, http.StatusUnprocessableEntity},
	{tenancy.ErrDenied, http.StatusForbidden},
	{tenancy.ErrBudget, http.StatusConflict},
	{tenancy.ErrUnavailable, http.StatusServiceUnavailable},
	{tenancy.ErrDecided, http.StatusConflict},
	{extension.ErrNotFound, http.StatusNotFound},
	{extension.ErrConsent, http.StatusConflict},
	{extension.ErrRequires, http.StatusUnprocessableEntity},
	{extension.ErrPackage, http.StatusUnprocessableEntity},
	{sandbox.ErrRecording, http.StatusConflict},
	{sandbox.ErrNotAsked, http.StatusConflict},
	{sandbox.ErrModule, http.StatusUnprocessableEntity},
	{store.ErrTooLarge, http.StatusRequestEntityTooLarge},
	{store.ErrConflict, http.StatusConflict},
}

// ProblemOf is the problem that an error of a room is, for what is served outside
// the API.
func ProblemOf(ctx context.Context, log *slog.Logger, err error) *problem.Problem {
	return (&API{Services{Logger: log}}).problemOf(ctx, err).WithInstance(RequestID(ctx))
}

// problemOf says what of an error a client may know, and tells it to the audit.
func (s *API) problemOf(ctx context.Context, err error) *problem.Problem {
	p := s.told(ctx, err)
	note(ctx).Reason = p.Error()
	return p
}

// told is the problem of an error. What is not known here is an internal error:
// its text goes to the log only.
func (s *API) told(ctx context.Context, err error) *problem.Problem {
	if p := (*problem.Problem)(nil); errors.As(err, &p) {
		return p
	}
	if p := packageProblem(err); p != nil {
		return p
	}
	if many := (*identity.TooMany)(nil); errors.As(err, &many) {
		return problem.New(http.StatusTooManyRequests, sentence(err.Error())).WithRetryAfter(many.RetryAfter)
	}
	if errors.Is(err, identity.ErrProvider) {
		// What the provider said is for whoever keeps it.
		s.Logger.Error("an identity provider failed", "request", RequestID(ctx), "error", err)
		return problem.New(http.StatusServiceUnavailable, sentence(identity.ErrProvider.Error()+" at the moment; Atoll's log says more under this request id")).WithRetryAfter(10 * time.Second)
	}
	if errors.Is(err, identity.ErrUnproven) {
		// Why is for whoever keeps Atoll: it helps who tries.
		s.Logger.Warn("an identity provider has not proven somebody", "request", RequestID(ctx), "error", err)
		return problem.New(http.StatusUnauthorized, sentence(identity.ErrUnproven.Error()+"; begin again, or ask whoever keeps this Atoll, whose log says more under this request id"))
	}
	if errors.Is(err, identity.ErrSecondFactor) {
		return problem.New(http.StatusUnauthorized, sentence(err.Error())).WithType(typeSecondFactor)
	}
	if errors.Is(err, store.ErrInvalidKey) { // made of a name that was sent
		return problem.New(http.StatusUnprocessableEntity, "Nothing can have a name like one of those in this request: names are short, and of printable ASCII characters.")
	}
	if errors.Is(err, store.ErrPrecondition) {
		return problem.New(http.StatusPreconditionFailed, "This was changed meanwhile, or is not there, or is there already: it is not as If-Match or If-None-Match says. Nothing was changed. Read it again, and send the change with the ETag that it has now.")
	}
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return problem.Newf(http.StatusRequestEntityTooLarge, "The request is larger than the %d bytes that this takes.", large.Limit)
	}
	for _, k := range known {
		if errors.Is(err, k.err) {
			return problem.New(k.status, sentence(err.Error()))
		}
	}
	if ctx.Err() == nil {
		s.Logger.Error("a request failed", "request", RequestID(ctx), "error", err)
	}
	return problem.New(http.StatusInternalServerError, "Something went wrong in Atoll; its log says more under this request id.")
}

// packageProblem is what is wrong in the files of a package, with file, line and
// JSON Pointer; nil for other errors.
func packageProblem(err error) *problem.Problem {
	file, broken := (*extension.FileError)(nil), (*fragment.Error)(nil)
	switch {
	case errors.As(err, &file):
		p := problem.New(http.StatusUnprocessableEntity, sentence("the package cannot be used: "+file.File+" is not right"))
		for _, one := range file.Problems {
			message := one.Message
			if one.Line > 0 {
				message = fmt.Sprintf("line %d: %s", one.Line, message)
			}
			p.Errors = append(p.Errors, problem.Fault{Parameter: file.File, Pointer: one.Pointer, Message: message})
		}
		return p
	case errors.As(err, &broken):
		return problem.New(http.StatusUnprocessableEntity, sentence("the package cannot be used: "+err.Error()))
	}
	return nil
}
