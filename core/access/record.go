// The records that decisions are made from. Other rooms may keep more in the
// same records; what is named here is all that the index reads.

package access

import (
	"crypto/rand"
	"strings"
	"time"
)

// The prefixes of the records in the store. A user lies under its name, a
// workspace under its name, a project under "cluster/name", a binding under
// its kind and scope.
const (
	UserPrefix      = "users/"
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

// Binding gives a person a role in a scope.
type Binding struct {
	UID        string       `json:"uid"`
	SubjectUID string       `json:"subjectUID"`
	Role       string       `json:"role"`
	Scope      BindingScope `json:"scope"`
}

// Account is what may be known about a user outside of identity.
type Account struct {
	UID         string `json:"uid"`
	Name        string `json:"name"`
	DisplayName string `json:"displayName,omitempty"`
	Disabled    bool   `json:"disabled,omitempty"`
}

// NewUID makes an immutable id: 26 characters of a-z and 2-7, 130 random bits,
// fit for keys, labels and groups.
func NewUID() string { return strings.ToLower(rand.Text()) }
