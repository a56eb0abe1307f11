// What an extension may ask of an upstream: a method and a path in which the
// host fills the tenant's uids in, so that the host keeps tenants apart in the
// back end and not the guest. One pure function decides.
package capability

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/atoll-platform/atoll/core/sandbox"
)

// Template is one kind of request that an extension may make of an upstream:
//
//	POST /atoll-logs-{workspace}-*/_search{?size,timeout}
//
// {workspace}, {project} and {user} stand for uids without hyphens, {cluster} for
// a cluster's name, all of the request on whose behalf the guest asks. "*" stands
// for any letters, digits and -._~* within one segment, or for nothing. Query
// parameters are those that {?...} names, each at most once, and no others.
type Template struct {
	// Safe tells that a request by it changes nothing in the back end and may be
	// made again. GET and HEAD are, as HTTP has it; of others the manifest says so.
	Safe bool

	text     string
	method   string
	segments [][]piece
	query    []string
}

// piece is a part of a segment: words, what the host fills in, or anything.
type piece struct {
	literal string
	fill    string // name of what is filled in
	any     bool
}

var (
	templateText  = regexp.MustCompile(`^(GET|HEAD|POST|PUT|PATCH|DELETE) ((?:/[A-Za-z0-9._~:*{}-]+)+?)(?:\{\?([A-Za-z0-9_.-]+(?:,[A-Za-z0-9_.-]+)*)\})?$`)
	templatePiece = regexp.MustCompile(`\{[^{}]*\}|\*|[^{}*]+|[{}]`)
)

const (
	maxTemplate = 512 // bytes
	maxSegments = 16
)

// ParseTemplate reads a template. It refuses one in which a request could be
// read as two tenants'.
func ParseTemplate(text string) (Template, error) {
	parts := templateText.FindStringSubmatch(text)
	if parts == nil {
		return Template{}, errors.New("it is no METHOD /path, such as \"POST /items-{workspace}-*/search{?size}\"; a path has letters, digits, -._~:, * and {names}, and neither empty segments nor a slash at its end")
	}
	if len(text) > maxTemplate || strings.Count(parts[2], "/") > maxSegments {
		return Template{}, fmt.Errorf("it is longer than %d bytes, or its path has more than %d segments", maxTemplate, maxSegments)
	}
	t := Template{text: text, method: parts[1], Safe: parts[1] == "GET" || parts[1] == "HEAD"}
	for s := range strings.SplitSeq(parts[2][1:], "/") {
		segment, err := parseSegment(s)
		if err != nil {
			return Template{}, err
		}
		t.segments = append(t.segments, segment)
	}
	if parts[3] != "" {
		t.query = strings.Split(parts[3], ",")
	}
	return t, nil
}

func parseSegment(s string) (all []piece, err error) {
	if s == "." || s == ".." {
		return nil, errors.New("its path has a segment of dots")
	}
	wild, filled := false, ""
	for _, text := range templatePiece.FindAllString(s, -1) {
		p := piece{literal: text}
		switch {
		case text == "*":
			p = piece{any: true}
			if wild {
				return nil, fmt.Errorf("%q has more than one *", s)
			}
			wild = true
		case text[0] == '{' || text[0] == '}':
			p = piece{fill: strings.Trim(text, "{}")}
			if !slices.Contains([]string{"workspace", "project", "cluster", "user"}, p.fill) || text != "{"+p.fill+"}" {
				return nil, fmt.Errorf("%q: {workspace}, {project}, {cluster} and {user} are filled in, nothing else", s)
			}
			if wild {
				return nil, fmt.Errorf("%q: a * before {%s} in the same segment could stand for another's name", s, p.fill)
			}
		}
		// Where a value ends must be plain, or "ab" and "a" beside "b" are one.
		ends := "-._~:"
		if filled == "cluster" {
			ends = "._~:"
		}
		if filled != "" && (p.literal == "" || !strings.ContainsRune(ends, rune(p.literal[0]))) {
			return nil, fmt.Errorf("%q: one of %s must follow {%s}, or the segment's end", s, ends, filled)
		}
		filled = p.fill
		all = append(all, p)
	}
	return all, nil
}

// String is the template as it was written.
func (t Template) String() string { return t.text }

// Names tells whether the host fills one of these in.
func (t Template) Names(fills ...string) bool {
	for _, segment := range t.segments {
		for _, p := range segment {
			if p.fill != "" && slices.Contains(fills, p.fill) {
				return true
			}
		}
	}
	return false
}

// errNoTemplate is wrapped by every refusal.
var errNoTemplate = errors.New("no request of the manifest's allows it")

// AllowedUpstream tells whether templates allow a request on somebody's behalf.
// target is path and query as the guest wrote them. What it gives is what is to
// be sent: decided on and spelled here, and nothing that the guest spelled.
func AllowedUpstream(templates []Template, c sandbox.Caller, method, target string) (path, query string, err error) {
	segments, values, err := readTarget(target)
	if err != nil {
		return "", "", err
	}
	if _, err = allowing(templates, c, method, target, segments, values); err != nil {
		return "", "", err
	}
	return "/" + strings.Join(segments, "/"), values.Encode(), nil
}

// SafeUpstream tells whether templates allow a request that changes nothing.
func SafeUpstream(templates []Template, c sandbox.Caller, method, target string) bool {
	segments, values, err := readTarget(target)
	if err != nil {
		return false
	}
	t, err := allowing(templates, c, method, target, segments, values)
	return err == nil && t.Safe
}

// allowing is the template that allows a request. One that is not safe wins: what
// two templates allow may change something.
func allowing(templates []Template, c sandbox.Caller, method, target string, segments []string, query url.Values) (found *Template, err error) {
	err = fmt.Errorf("%w: %s %.256q", errNoTemplate, method, target)
	for i := range templates {
		t := &templates[i]
		if t.method != method || !t.matches(c, segments) {
			continue
		}
		if why := t.allows(query); why == nil && (found == nil || !t.Safe) {
			found = t
		} else if why != nil {
			err = why
		}
	}
	if found != nil {
		return found, nil
	}
	return nil, err
}

// allows tells whether query parameters are among the template's.
func (t *Template) allows(query url.Values) error {
	for name, v := range query {
		if !slices.Contains(t.query, name) {
			return fmt.Errorf("%w: the query parameter %.64q is not among those of %s", errNoTemplate, name, t)
		}
		if len(v) > 1 {
			return fmt.Errorf("%w: the query parameter %.64q is given twice", errNoTemplate, name)
		}
	}
	return nil
}

// readTarget reads path and query. What a server might read in another way is
// refused here or matches no template, whose letters are few.
func readTarget(target string) (segments []string, query url.Values, err error) {
	path, raw, _ := strings.Cut(target, "?")
	if len(path) > maxPath || len(raw) > maxQuery {
		return nil, nil, fmt.Errorf("%w: its path is longer than %d bytes, or its query than %d", errNoTemplate, maxPath, maxQuery)
	}
	if !strings.HasPrefix(path, "/") {
		return nil, nil, fmt.Errorf("%w: %.256q does not begin with a slash", errNoTemplate, path)
	}
	for s := range strings.SplitSeq(path[1:], "/") {
		decoded, err := url.PathUnescape(s)
		if err != nil || decoded == "" || decoded == "." || decoded == ".." {
			return nil, nil, fmt.Errorf("%w: the segment %.256q", errNoTemplate, s)
		}
		segments = append(segments, decoded)
	}
	if query, err = url.ParseQuery(raw); err != nil {
		return nil, nil, fmt.Errorf("%w: its query is not well-formed", errNoTemplate)
	}
	return segments, query, nil
}

func (t *Template) matches(c sandbox.Caller, segments []string) bool {
	if len(segments) != len(t.segments) {
		return false
	}
	for i, pieces := range t.segments {
		if !matchesSegment(pieces, c, segments[i]) {
			return false
		}
	}
	return true
}

// matchesSegment compares from the left up to a *, and what follows from the right.
func matchesSegment(pieces []piece, c sandbox.Caller, s string) bool {
	for i, p := range pieces {
		if p.any {
			for _, after := range pieces[i+1:] { // literals alone, by parseSegment
				var ok bool
				if s, ok = strings.CutSuffix(s, after.literal); !ok {
					return false
				}
			}
			return !strings.ContainsFunc(s, func(r rune) bool { return !wild(r) })
		}
		want := p.literal
		if p.fill != "" {
			if want = fillOf(p.fill, c); want == "" {
				return false
			}
		}
		var ok bool
		if s, ok = strings.CutPrefix(s, want); !ok {
			return false
		}
	}
	return s == ""
}

// wild tells whether a * stands for a letter. Neither a comma, a colon nor an
// angle bracket is among them: back ends read lists and other clusters in those.
func wild(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~*", r)
}

var (
	plainUID    = regexp.MustCompile(`^[a-z0-9]{1,64}$`)
	hyphenedUID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	clusterName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
)

// fillOf is what stands in a path for a part of the caller's scope; nothing when
// the request has no such part, or one that could be taken for another's.
func fillOf(name string, c sandbox.Caller) string {
	uid := ""
	switch name {
	case "workspace":
		uid = c.WorkspaceUID
	case "project":
		uid = c.ProjectUID
	case "user":
		uid = c.UserUID
	case "cluster":
		if clusterName.MatchString(c.Cluster) {
			return c.Cluster
		}
	}
	switch {
	case plainUID.MatchString(uid):
		return uid
	case hyphenedUID.MatchString(uid): // only there two uids without hyphens never meet
		return strings.ReplaceAll(uid, "-", "")
	default:
		return ""
	}
}
