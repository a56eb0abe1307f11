// Which error is which problem.

package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/server/problem"
)

// requestProblem is what the library found wrong with a request. The values
// that were sent are not repeated: one of them may be a password.
func requestProblem(status int, msg string, errs []error) *problem.Problem {
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

// problemOf says what of an error a client may know. What is not known here is
// an internal error: its text goes to the log only.
func problemOf(ctx context.Context, err error) *problem.Problem {
	var p *problem.Problem
	if errors.As(err, &p) {
		return p
	}
	return problem.New(http.StatusInternalServerError, "Something went wrong in Atoll; its log says more under this request id.")
}
