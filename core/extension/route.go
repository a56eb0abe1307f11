// Routes: which of the manifest's takes a path, and which scope the path is in.
package extension

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// The scopes that a path can be in.
const (
	scopePlatform  = "platform"
	scopeCluster   = "cluster"
	scopeWorkspace = "workspace"
	scopeProject   = "project"
)

// parameter is {name} in a route's path.
var parameter = regexp.MustCompile(`\{[a-zA-Z0-9]+\}`)

// scope reads the scope that a route's path stands in, or says what is wrong.
func (r *Route) scope() (scope, problem string) {
	scope, rest := scopePlatform, r.Path
	for _, s := range []struct{ prefix, scope string }{
		{"/clusters/{cluster}/projects/{project}", scopeProject},
		{"/clusters/{cluster}", scopeCluster},
		{"/workspaces/{workspace}", scopeWorkspace},
	} {
		if after, ok := strings.CutPrefix(r.Path, s.prefix); ok && (after == "" || after[0] == '/') {
			scope, rest = s.scope, after
			break
		}
	}
	seen := map[string]bool{}
	for _, p := range parameter.FindAllString(rest, -1) {
		name := p[1 : len(p)-1]
		if name == "cluster" || name == "project" || name == "workspace" {
			return scope, fmt.Sprintf("{%s} stands only in the scope at the beginning: /clusters/{cluster}/projects/{project}, /clusters/{cluster} or /workspaces/{workspace}", name)
		}
		if seen[name] {
			return scope, fmt.Sprintf("{%s} stands twice", name)
		}
		seen[name] = true
	}
	first := strings.Split(rest, "/")
	if len(first) > 1 && (first[1] == "clusters" || first[1] == "workspaces" || first[1] == "-" || scope == scopeCluster && first[1] == "projects") {
		return scope, fmt.Sprintf("/%s is the place of a scope, whose name follows as a parameter", first[1])
	}
	for _, s := range first {
		if s == "." || s == ".." {
			return scope, "a segment of dots"
		}
	}
	return scope, ""
}

// router finds routes by path.
type router struct {
	routes []compiledRoute
}

type compiledRoute struct {
	*Route
	scope    string
	segments []string // "{}" stands for a parameter
	literals int
}

func newRouter(routes []Route) *router {
	ro := &router{}
	for i := range routes {
		scope, _ := routes[i].scope()
		c := compiledRoute{Route: &routes[i], scope: scope, segments: strings.Split(parameter.ReplaceAllString(routes[i].Path, "{}")[1:], "/")}
		for _, s := range c.segments {
			if s != "{}" {
				c.literals++
			}
		}
		ro.routes = append(ro.routes, c)
	}
	// What is written out wins over what is open.
	slices.SortStableFunc(ro.routes, func(a, b compiledRoute) int { return b.literals - a.literals })
	return ro
}

// match finds the route that takes a method and an escaped path; segments are
// the path's, decoded. Without a route, methods are those that the path takes.
func (ro *router) match(method, path string) (route *compiledRoute, segments []string, methods []string) {
	segments, ok := split(path)
	if !ok {
		return nil, nil, nil
	}
	if method == "HEAD" {
		method = "GET"
	}
	for i := range ro.routes {
		c := &ro.routes[i]
		if !c.fits(segments, false) {
			continue
		}
		if slices.Contains(c.Methods, method) {
			return c, segments, nil
		}
		methods = append(methods, c.Methods...)
	}
	return nil, segments, methods
}

// takesGET tells whether a GET route takes a template's path, in which
// {cluster} and the like stand for segments.
func (ro *router) takesGET(template string) bool {
	segments := strings.Split(parameter.ReplaceAllString(template, "{}")[1:], "/")
	for i := range ro.routes {
		if slices.Contains(ro.routes[i].Methods, "GET") && ro.routes[i].fits(segments, true) {
			return true
		}
	}
	return false
}

// fits tells whether segments are of the route's shape. In a template an open
// segment only fits where the route is open.
func (c *compiledRoute) fits(segments []string, template bool) bool {
	if len(segments) != len(c.segments) {
		return false
	}
	for i, s := range c.segments {
		if s != "{}" && s != segments[i] {
			return false
		}
		if template && s == "{}" && segments[i] != "{}" && i < scopeSegments(c.scope) {
			return false // a page's sources stay in the page's own scope
		}
	}
	return true
}

// scopeSegments is how many segments the scope takes at a path's beginning.
func scopeSegments(scope string) int {
	switch scope {
	case scopeProject:
		return 4
	case scopeCluster, scopeWorkspace:
		return 2
	default:
		return 0
	}
}

// maxRoutePath bounds a path below /x/{extension}.
const maxRoutePath = 4096

// split takes an escaped path apart; false when it is not written in the one way
// in which a path is written.
func split(path string) ([]string, bool) {
	if len(path) > maxRoutePath || !strings.HasPrefix(path, "/") {
		return nil, false
	}
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		if err != nil || plain == "" || plain == "." || plain == ".." || strings.ContainsAny(plain, "/\\\x00") {
			return nil, false
		}
		segments[i] = plain
	}
	return segments, true
}
