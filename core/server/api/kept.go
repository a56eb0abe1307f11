// Which records of the store each thing of the API is kept in: one table, by which
// reading says a thing's version, and changing it can depend on that.

package api

import (
	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/store"
	"github.com/atoll-platform/atoll/core/tenancy"
)

// keeper finds the records of the thing that a path names, by its parameters;
// false where there is no such thing, or not of that home: nothing is told of it
// then, and the operation says that it is not there.
type keeper func(s *API, parameter func(string) string) (store.Records, bool)

// keepers are those of all operations that read, replace or delete one thing, by
// their ids. Who is put into a group, or has a token, is no thing that could be
// different from what somebody has read: those have no line.
var keepers = map[string]keeper{
	"get-user": ofUser, "update-user": ofUser, "delete-user": ofUser,
	"get-platform-roles": ofUserRoles, "set-platform-roles": ofUserRoles,

	"get-group": ofGroup, "delete-group": ofGroup,
	"get-workspace-group": ofGroup, "delete-workspace-group": ofGroup,
	"get-group-platform-roles": ofGroupRoles, "set-group-platform-roles": ofGroupRoles,

	"get-robot": ofRobot, "update-robot": ofRobot, "delete-robot": ofRobot,

	"get-workspace": ofWorkspace, "update-workspace": ofWorkspace, "delete-workspace": ofWorkspace,
	"get-project": ofProject, "update-project": ofProject, "delete-project": ofProject,

	"get-workspace-member": ofMember, "set-workspace-member": ofMember, "remove-workspace-member": ofMember,
	"get-project-member": ofMember, "set-project-member": ofMember, "remove-project-member": ofMember,
	"get-workspace-member-group": ofMember, "set-workspace-member-group": ofMember, "remove-workspace-member-group": ofMember,
	"get-project-member-group": ofMember, "set-project-member-group": ofMember, "remove-project-member-group": ofMember,

	"get-role": ofRole, "update-role": ofRole, "delete-role": ofRole,
	"get-workspace-role": ofRole, "update-workspace-role": ofRole, "delete-workspace-role": ofRole,
}

// makes are the operations that make the thing where it is not there.
var makes = map[string]bool{
	"set-workspace-member": true, "set-project-member": true,
	"set-workspace-member-group": true, "set-project-member-group": true,
}

func ofUser(_ *API, parameter func(string) string) (store.Records, bool) {
	return store.Records{Keys: []string{access.UserPrefix + parameter("name")}}, true
}

func ofUserRoles(s *API, parameter func(string) string) (store.Records, bool) {
	account, ok := s.Index.Account(parameter("name"))
	return access.PlatformRecords(access.Binding{SubjectUID: account.UID}), ok
}

// ofGroup is that of groups of the platform, and of a workspace where one is named.
func ofGroup(s *API, parameter func(string) string) (store.Records, bool) {
	g, ok := s.Index.Group(parameter("group"))
	if name := parameter("workspace"); name != "" {
		w, found := s.Index.Workspace(name)
		ok = ok && found && g.WorkspaceUID == w.UID
	} else {
		ok = ok && g.WorkspaceUID == ""
	}
	return store.Records{Keys: []string{access.GroupPrefix + parameter("group")}}, ok
}

func ofGroupRoles(s *API, parameter func(string) string) (store.Records, bool) {
	g, ok := s.Index.Group(parameter("group"))
	return access.PlatformRecords(access.Binding{GroupUID: g.UID}), ok
}

func ofRobot(_ *API, parameter func(string) string) (store.Records, bool) {
	return store.Records{Keys: []string{access.UserPrefix + identity.RobotName(parameter("workspace"), parameter("robot"))}}, true
}

func ofWorkspace(_ *API, parameter func(string) string) (store.Records, bool) {
	return store.Records{Keys: []string{access.WorkspacePrefix + parameter("workspace")}}, true
}

func ofProject(_ *API, parameter func(string) string) (store.Records, bool) {
	return store.Records{Keys: []string{access.ProjectPrefix + parameter("cluster") + "/" + parameter("project")}}, true
}

// ofMember is that of people and groups in workspaces and projects.
func ofMember(s *API, parameter func(string) string) (store.Records, bool) {
	at, ok := s.placeOf(parameter)
	b := access.Binding{Scope: at}
	if name := parameter("user"); name != "" {
		account, found := s.Index.Account(name)
		b.SubjectUID, ok = account.UID, ok && found
	} else {
		g, found := s.Index.Group(parameter("group"))
		b.GroupUID, ok = g.UID, ok && found
	}
	return tenancy.MemberRecords(b), ok
}

// ofRole is that of custom roles of the platform, and of a workspace where one is
// named. A preset has no record.
func ofRole(s *API, parameter func(string) string) (store.Records, bool) {
	r, ok := s.Index.Role(parameter("role"))
	at, found := s.placeOf(parameter)
	return store.Records{Keys: []string{access.RolePrefix + parameter("role")}}, ok && found && (r.Scope == at || r.Scope == platformScope)
}

// placeOf is where a path leads; false when there is no such place.
func (s *API) placeOf(parameter func(string) string) (access.BindingScope, bool) {
	if name := parameter("project"); name != "" {
		p, ok := s.Index.Project(parameter("cluster"), name)
		return access.BindingScope{Kind: access.KindProject, UID: p.UID}, ok
	}
	if name := parameter("workspace"); name != "" {
		w, ok := s.Index.Workspace(name)
		return access.BindingScope{Kind: access.KindWorkspace, UID: w.UID}, ok
	}
	return platformScope, true
}
