// What the audit log is told of a request: every write that comes from outside,
// by whatever path, and every connection that is handed over.

package server

import (
	"context"
	"net/http"
	"strings"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/audit"
	"github.com/atoll-platform/atoll/core/capability"
)

// audited tells whether a kind of request is told to the audit. The stream of a
// tab is not a connection to anything: what is asked over it is.
func audited(r *http.Request, kind string) bool {
	return kind != kindHealth && kind != kindConsole && r.URL.Path != "/api/v1/stream"
}

// beforeWrite notes where a write happens while that is there: it may be what is
// deleted.
func (s *Server) beforeWrite(x *exchange, r *http.Request, kind string) {
	if !audited(r, kind) || s.audit == nil {
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead || kind == kindSignIn {
		x.audited = s.event(r, kind)
	}
	x.connects = func() {
		if x.audited = s.event(r, kind); x.audited.Verb != "" {
			x.audited.Verb = "connect"
			s.afterWrite(x, r, kind)
		}
	}
}

// afterWrite tells the audit of a write when it was answered, and of a
// connection when it begins.
func (s *Server) afterWrite(x *exchange, r *http.Request, kind string) {
	if !audited(r, kind) || s.audit == nil || x.atDoor || x.audited.Verb == "" {
		return
	}
	e := &x.audited
	who := x.noted.Subject
	e.RequestID, e.User, e.UserUID, e.Via, e.Credential = x.id, who.Name, who.UID, who.Via, who.Credential
	e.Remote, e.Status, e.Result = r.RemoteAddr, x.status, audit.ResultOf(x.status)
	if e.Result != audit.Done && x.noted.Reason != "" {
		e.Reason = x.noted.Reason
	}
	if x.observed != nil {
		x.observed.Tell(e, x.Header())
	}
	if x.noted.Changes != nil {
		e.Changes = x.noted.Changes
	}
	if x.noted.Made != "" {
		e.Target += "/" + x.noted.Made
	}
	if x.noted.Scope != (access.Scope{}) {
		e.Cluster, e.Workspace, e.Project = x.noted.Scope.Cluster, x.noted.Scope.Workspace, x.noted.Scope.Project
		s.identify(e)
	}
	if e.Extension != "" && e.Version == "" {
		e.Version = s.extensions.Version(e.Extension)
	}
	s.audit.Record(context.WithoutCancel(r.Context()), *e)
}

// observe looks at a write to a cluster before and after it is made.
func (s *Server) observe(w http.ResponseWriter, r *http.Request, who access.Subject, cluster, path string) http.ResponseWriter {
	x := exchangeOf(r.Context())
	if x == nil || x.audited.Verb == "" {
		return w
	}
	q, err := capability.Read(r.Method, path, r.URL.RawQuery)
	if err != nil || q.Discovery {
		return w
	}
	if x.observed = capability.Observe(r.Context(), s.proxy, who, cluster, path, q, capability.Via{}); x.observed == nil {
		return w
	}
	return &observedWriter{w, x.observed}
}

// observedWriter shows an answer to an observation.
type observedWriter struct {
	http.ResponseWriter
	seen *capability.Observation
}

func (w *observedWriter) Write(p []byte) (int, error) {
	_, _ = w.seen.Write(p) // it fails never
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *observedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// atDoor takes an event of a door that extensions knock on.
func (s *Server) atDoor(ctx context.Context, e audit.Event) {
	s.identify(&e)
	s.audit.Record(ctx, e)
	// What the console asks of Kubernetes for an extension is one thing: the door
	// knows more of it than its request does.
	if x := exchangeOf(ctx); x != nil && x.id == e.RequestID && x.door {
		x.atDoor = true
	}
}

// event is what a request says by itself; empty when it only asks something of
// a cluster.
func (s *Server) event(r *http.Request, kind string) audit.Event {
	e := audit.Event{Target: r.URL.EscapedPath(), Verb: audit.Verb(r.Method)}
	if kind == kindSignIn {
		e.Verb = "create" // a session
	}
	if _, action, ok := strings.Cut(e.Target[strings.LastIndexByte(e.Target, '/')+1:], ":"); ok && kind == kindAPI {
		e.Verb = action
	}
	segments := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/") // decoded, as what is asked reads it
	switch {
	case kind == kindExtension && len(segments) > 1:
		e.Extension, segments = segments[1], segments[2:]
		if len(segments) > 2 && segments[0] == "-" && segments[1] == "kubernetes" {
			segments, kind = segments[2:], kindCluster
		}
	case kind == kindAPI && len(segments) > 2:
		segments = segments[2:] // without /api/v1
	}
	if kind == kindCluster && len(segments) > 2 {
		e.DryRun = capability.DryRun(r.URL.RawQuery)
		if q, err := capability.Read(r.Method, "/"+strings.Join(segments[2:], "/"), r.URL.RawQuery); err == nil && !q.Discovery {
			if e.Verb = q.Verb; !capability.Writes(q) {
				return audit.Event{}
			}
		}
	}
	e.Cluster, e.Workspace, e.Project = placeOf(segments, kind)
	s.identify(&e)
	return e
}

// placeOf reads names off a path's segments, where a path has them and nowhere
// else: an object may be called anything.
func placeOf(path []string, kind string) (cluster, workspace, project string) {
	if len(path) < 2 {
		return "", "", ""
	}
	name, _, _ := strings.Cut(path[1], ":") // an action follows
	rest := path[2:]
	switch {
	case path[0] == "workspaces":
		return "", name, ""
	case path[0] != "clusters":
		return "", "", ""
	case kind == kindCluster:
		return name, "", namespaceOf(rest)
	case len(rest) > 1 && rest[0] == "projects":
		project, _, _ = strings.Cut(rest[1], ":")
	}
	return name, "", project
}

// namespaceOf is the namespace of a path of Kubernetes' API: api/v1/namespaces/x,
// apis/group/version/namespaces/x, or either with watch or proxy before it.
func namespaceOf(path []string) string {
	if len(path) == 0 {
		return ""
	}
	prefix := map[string]int{"api": 2, "apis": 3}[path[0]]
	if prefix == 0 || len(path) < prefix {
		return ""
	}
	path = path[prefix:]
	if len(path) > 0 && (path[0] == "watch" || path[0] == "proxy") {
		path = path[1:]
	}
	if len(path) > 1 && path[0] == "namespaces" {
		return path[1]
	}
	return ""
}

// identify adds which workspace and project are meant by the names.
func (s *Server) identify(e *audit.Event) {
	if e.Project != "" {
		if p, ok := s.index.Project(e.Cluster, e.Project); ok {
			e.ProjectUID, e.WorkspaceUID = p.UID, p.WorkspaceUID
			if w, ok := s.index.WorkspaceByUID(p.WorkspaceUID); ok {
				e.Workspace = w.Name
			}
		}
		return
	}
	if w, ok := s.index.Workspace(e.Workspace); ok && e.Workspace != "" {
		e.WorkspaceUID = w.UID
	}
}
