// Conditional requests: an ETag on whatever can be changed, and If-Match and
// If-None-Match where it is changed (RFC 9110, section 13). They hold in the
// transaction that changes it: of two who change what they both have read, one
// is told so.

package api

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/server/problem"
	"github.com/atoll-platform/atoll/core/store"
)

// Headers of conditional requests.
const (
	headerETag        = "ETag"
	headerIfMatch     = "If-Match"
	headerIfNoneMatch = "If-None-Match"
)

// An ETag is `"<version>-<sum>"`. The version is that of the thing's records, and
// what If-Match and If-None-Match of changes are about; the sum is of the whole
// answer, in which there may be more than the records have, such as the caller's
// own roles. Where there are no records it is `"<sum>"`.
const tagSeparator = "-"

// maxTags bounds how many tags a header may list.
const maxTags = 64

// entityTag is one tag of a list; "*" stands for any.
type entityTag struct {
	opaque string
	weak   bool
}

// parseTags reads the tags of a header; false when it is not a list of them.
func parseTags(values []string) ([]entityTag, bool) {
	rest := strings.TrimSpace(strings.Join(values, ","))
	if rest == "*" {
		return []entityTag{{opaque: "*"}}, true
	}
	var tags []entityTag
	for len(tags) < maxTags {
		var t entityTag
		rest, t.weak = strings.CutPrefix(rest, "W/")
		inner, quoted := strings.CutPrefix(rest, `"`)
		opaque, after, closed := strings.Cut(inner, `"`)
		if !quoted || !closed {
			return nil, false
		}
		t.opaque = opaque
		tags = append(tags, t)
		if rest = strings.TrimLeft(after, " \t"); rest == "" {
			return tags, true
		}
		next, more := strings.CutPrefix(rest, ",")
		if !more {
			return nil, false
		}
		rest = strings.TrimLeft(next, " \t")
	}
	return nil, false
}

// names tells whether a tag is one of a version that is there.
func (t entityTag) names(v store.Version) bool {
	version, _, versioned := strings.Cut(t.opaque, tagSeparator)
	return v != "" && (t.opaque == "*" || versioned && version == string(v))
}

// condition is nil when a request has none; otherwise it tells whether a change
// may be made of a version, "" being of what is not there.
func condition(h http.Header) (func(store.Version) bool, error) {
	var only, not []entityTag
	for _, one := range []struct {
		name string
		into *[]entityTag
	}{{headerIfMatch, &only}, {headerIfNoneMatch, &not}} {
		values := h.Values(one.name)
		if len(values) == 0 {
			continue
		}
		tags, ok := parseTags(values)
		if !ok {
			return nil, problem.Newf(http.StatusBadRequest, `%s is * or at most %d ETags as they were answered, in their double quotes, with commas between.`, one.name, maxTags)
		}
		*one.into = tags
	}
	if only == nil && not == nil {
		return nil, nil
	}
	return func(v store.Version) bool {
		matches := only == nil || slices.ContainsFunc(only, func(t entityTag) bool { return !t.weak && t.names(v) })
		return matches && !slices.ContainsFunc(not, func(t entityTag) bool { return t.names(v) })
	}, nil
}

// conditional lets an operation say the version of the thing that it reads, or
// change it only in the versions that the request is for.
func (s *API) conditional(a huma.API, id string, of keeper) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		on, err := s.conditioned(c, id, of)
		if err != nil {
			p := s.problemOf(c.Context(), err)
			_ = huma.WriteErr(a, c, p.Status, p.Title, p) // a client that has gone needs no answer
			return
		}
		next(on)
	}
}

// conditioned is the context with which an operation goes on. store.ErrPrecondition
// when it need not begin.
func (s *API) conditioned(c huma.Context, id string, of keeper) (huma.Context, error) {
	ctx, reads := c.Context(), c.Method() == http.MethodGet
	var holds func(store.Version) bool
	if !reads {
		var err error
		if holds, err = condition(requestOf(ctx).Header); err != nil || holds == nil {
			return c, err
		}
	}
	records, ok := of(s, c.Param)
	if !ok {
		return c, nil // the operation says what is not there
	}
	v, newest, _, err := records.Version(ctx, s.Store)
	switch {
	case errors.Is(err, store.ErrInvalidKey): // nothing has such a name
		return c, nil
	case err != nil:
		return c, err
	case reads && v != "":
		c.SetHeader(headerETag, `"`+string(v)+`"`) // to which tagged adds the sum
		// What is read after its version is not older than it.
		return c, s.Index.WaitFor(ctx, newest)
	case reads || v == "" && !makes[id]:
		return c, nil
	case !holds(v):
		return c, store.ErrPrecondition
	}
	return huma.WithContext(c, store.WithPrecondition(ctx, records, holds)), nil
}

// describe writes into an operation what it has of these headers.
func (a about) describe(op *huma.Operation) {
	text := &huma.Schema{Type: huma.TypeString}
	if a.method == http.MethodGet {
		op.Responses = map[string]*huma.Response{"200": {Description: http.StatusText(http.StatusOK), Headers: map[string]*huma.Header{
			headerETag: {Schema: text, Description: "The version of what was read, for If-Match when it is changed."},
		}}}
		return
	}
	op.Parameters = append(op.Parameters,
		&huma.Param{Name: headerIfMatch, In: "header", Schema: text, Example: `"42-9f86d081884c7d65"`, Description: "ETags, as reading answers them: only what is still like that is changed, otherwise the answer is 412. With * only what is there."})
	if makes[a.id] {
		op.Parameters = append(op.Parameters,
			&huma.Param{Name: headerIfNoneMatch, In: "header", Schema: text, Example: "*", Description: "With * only what is not there yet is made, otherwise the answer is 412."})
	}
	op.Errors = append(op.Errors, http.StatusPreconditionFailed)
}
