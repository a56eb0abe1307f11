// The scope of a request: names from its path, uids from the index, and whether
// the person may be there.
package extension

import (
	"net/http"
	"regexp"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/sandbox"
)

// scopeName is what the name of a cluster, workspace or project may be.
var scopeName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$`)

// seeing is what somebody needs to be in a scope at all.
func seeing(sc access.Scope) access.Permission {
	switch {
	case sc.Project != "":
		return access.ProjectsView
	case sc.Workspace != "":
		return access.WorkspacesView
	case sc.Cluster != "":
		return access.ClustersView
	default:
		return ""
	}
}

// place is a scope with what the guest is told about it.
type place struct {
	access.Scope
	caller sandbox.Caller
}

// place reads a scope's names and finds the uids. The problem is for a person
// who may know that the scope is not there.
func (h *Host) place(s access.Subject, sc access.Scope) (place, *problem) {
	p := place{sc, sandbox.Caller{User: s.Name, UserUID: s.UID, Groups: h.index.Groups(s, sc), Cluster: sc.Cluster}}
	for _, name := range []string{sc.Cluster, sc.Workspace, sc.Project} {
		if name != "" && !scopeName.MatchString(name) {
			return p, &problem{Status: http.StatusNotFound, Title: "No such place", Detail: "The path names no cluster, workspace or project."}
		}
	}
	switch {
	case sc.Project != "":
		project, ok := h.index.Project(sc.Cluster, sc.Project)
		if !ok {
			return p, &problem{Status: http.StatusNotFound, Title: "No such project", Detail: "There is no project " + sc.Project + " in cluster " + sc.Cluster + "."}
		}
		p.caller.Project, p.caller.ProjectUID, p.caller.WorkspaceUID = project.Name, project.UID, project.WorkspaceUID
		if w, ok := h.index.WorkspaceByUID(project.WorkspaceUID); ok {
			p.caller.Workspace = w.Name
		}
	case sc.Workspace != "":
		w, ok := h.index.Workspace(sc.Workspace)
		if !ok {
			return p, &problem{Status: http.StatusNotFound, Title: "No such workspace", Detail: "There is no workspace " + sc.Workspace + "."}
		}
		p.caller.Workspace, p.caller.WorkspaceUID = w.Name, w.UID
	}
	return p, nil
}

// unlimitedToken is what a limited token lacks where nothing else is asked for.
const unlimitedToken access.Permission = "unlimited-token"

// may tells whether somebody may use what needs a permission item (empty: seeing
// the scope is enough) in a scope; otherwise what is missing. Outside of
// workspaces everybody sees, so that what needs no item there is for whole
// credentials: a limited one was made for something else.
func (h *Host) may(s access.Subject, a *active, item string, sc access.Scope) *missing {
	if item == "" && s.Limit != nil && sc.Workspace == "" && sc.Project == "" {
		return &missing{Permission: unlimitedToken, Scope: sc.String()}
	}
	permission := seeing(sc)
	if item != "" {
		permission = a.permission(item)
	}
	if permission == "" {
		if s.UID == "" {
			return &missing{Permission: "signed-in", Scope: sc.String()}
		}
		return nil
	}
	if d := h.index.Can(s, permission, sc); !d.Allowed {
		return &missing{Permission: permission, Scope: sc.String(), lost: d.Lost}
	}
	return nil
}

// forbidden is the problem of a missing permission.
func forbidden(m *missing) problem {
	if m.lost {
		return problem{Status: http.StatusServiceUnavailable, Title: "Permissions cannot be read at the moment", RetryAfter: 2}
	}
	if m.Permission == unlimitedToken {
		return problem{Status: http.StatusForbidden, Title: "Not allowed", Detail: "This is not for limited tokens: it needs no permission, and belongs to no workspace, that one could be made for.", Missing: m}
	}
	return problem{Status: http.StatusForbidden, Title: "Not allowed", Detail: "This needs the permission " + string(m.Permission) + " in " + m.Scope + ".", Missing: m}
}
