// Where: the scope of a request, and the scope of a binding.

package access

import "fmt"

// Kind is one of the three levels at which roles are given.
type Kind string

// The kinds, from the widest to the narrowest.
const (
	KindPlatform  Kind = "platform"
	KindWorkspace Kind = "workspace"
	KindProject   Kind = "project"
)

// width orders kinds: the wider the larger; 0 for what is none.
func (k Kind) width() int {
	switch k {
	case KindPlatform:
		return 3
	case KindWorkspace:
		return 2
	case KindProject:
		return 1
	}
	return 0
}

// Scope is where a request happens, by names. The zero value is the platform;
// Cluster alone is a whole cluster; Cluster and Project are a project, which is
// always addressed with its cluster; Workspace alone is a workspace. Workspace
// beside a project must be the project's own.
type Scope struct {
	Cluster   string
	Workspace string
	Project   string // the namespace
}

// Kind is the level of the scope; a cluster is the platform's.
func (s Scope) Kind() Kind {
	switch {
	case s.Project != "":
		return KindProject
	case s.Workspace != "":
		return KindWorkspace
	default:
		return KindPlatform
	}
}

// String is the scope as in a path: "platform", "clusters/a", "workspaces/w",
// "clusters/a/projects/p".
func (s Scope) String() string {
	switch {
	case s.Project != "":
		return fmt.Sprintf("clusters/%s/projects/%s", s.Cluster, s.Project)
	case s.Workspace != "":
		return "workspaces/" + s.Workspace
	case s.Cluster != "":
		return "clusters/" + s.Cluster
	default:
		return "platform"
	}
}

// BindingScope is where a binding holds, by the immutable uid of a workspace
// or project; for the platform UID is empty.
type BindingScope struct {
	Kind Kind   `json:"kind"`
	UID  string `json:"uid,omitempty"`
}
