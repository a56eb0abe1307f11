// The records that decisions are made from. Other rooms may keep more in the
// same records; what is named here is all that the index reads.

package access

import (
	"crypto/rand"
	"strings"
	"time"
)

// The prefixes of the records in the store. A user and a group lie under their
// names, a workspace under its name, a project under "cluster/name", a binding
// under its kind and scope, a custom role under its uid.
const (
	UserPrefix      = "users/"
	GroupPrefix     = "groups/"
	RolePrefix      = "roles/"
	WorkspacePrefix = "workspaces/"
	ProjectPrefix   = "projects/"
	BindingPrefix   = "bindings/"
)

// Workspace is a tenant.
type Workspace struct {
	UID       string    `json:"uid"`
	Name      string    `json:"name"`
	Title     string    `json:"title,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
}

// Project is a namespace of a workspace in one cluster.
type Project struct {
	UID          string    `json:"uid"`
	Name         string    `json:"name"` // the namespace
	Cluster      string    `json:"cluster"`
	WorkspaceUID string    `json:"workspaceUID"`
	Title        string    `json:"title,omitempty"`
	CreatedAt    time.Time `json:"createdAt"`
	Phase        string    `json:"phase,omitempty"`
}

// Binding gives a person, or everybody in a group, a role in a scope. Exactly
// one of SubjectUID and GroupUID is set.
type Binding struct {
	UID        string       `json:"uid"`
	SubjectUID string       `json:"subjectUID,omitempty"`
	GroupUID   string       `json:"groupUID,omitempty"`
	Role       string       `json:"role"` // a preset's name, or the uid of a custom role
	Scope      BindingScope `json:"scope"`
	Until      time.Time    `json:"until,omitzero"` // it ends by itself then; zero: never
}

// MaxGroups is how many groups a user may be in.
const MaxGroups = 256

// Account is what may be known about a user outside of identity.
type Account struct {
	UID         string   `json:"uid"`
	Name        string   `json:"name"`
	DisplayName string   `json:"displayName,omitempty"`
	Disabled    bool     `json:"disabled,omitempty"`
	Groups      []string `json:"groups,omitempty"` // uids, at most MaxGroups
	// Robot is an account for programs, owned by a workspace: it has roles there
	// and in its projects only.
	Robot        bool   `json:"robot,omitempty"`
	WorkspaceUID string `json:"workspaceUID,omitempty"`
}

// Group is a set of users to which roles are given together. Who is in it is
// said by their accounts.
type Group struct {
	UID          string    `json:"uid"`
	Name         string    `json:"name"`
	DisplayName  string    `json:"displayName,omitempty"`
	Origin       string    `json:"origin,omitempty"`       // the identity provider's name; "" for a local one
	ExternalID   string    `json:"externalID,omitempty"`   // how the provider calls it
	WorkspaceUID string    `json:"workspaceUID,omitempty"` // whose it is; "" for one of the platform
	CreatedAt    time.Time `json:"createdAt"`
}

// CustomRole is a role that an administrator made of permissions.
type CustomRole struct {
	UID  string `json:"uid"`
	Name string `json:"name"`
	Kind Kind   `json:"kind"` // of the scopes where it is given
	// Scope is where the role is defined and may be given: everywhere, or in one
	// workspace and its projects.
	Scope       BindingScope `json:"scope"`
	Title       string       `json:"title,omitempty"`
	Description string       `json:"description,omitempty"`
	Permissions []Permission `json:"permissions"`
}

// NewUID makes an immutable id: 26 characters of a-z and 2-7, 130 random bits,
// fit for keys, labels and groups.
func NewUID() string { return strings.ToLower(rand.Text()) }
