// The kinds of things that commands and documents name: how each is called,
// where it lives, how it is asked for, and how it is shown.

package main

import (
	"context"
	"net/http"
	"net/url"
	"slices"
)

// narrow is a column of every table, wide one of wide tables only.
func narrow(title string, of func(document) string) column { return column{title, false, of} }
func wide(title string, of func(document) string) column   { return column{title, true, of} }

// spec and status show a value of a document.
func spec(key string) func(document) string {
	return func(d document) string { return text(d.Spec[key]) }
}
func status(key string) func(document) string {
	return func(d document) string { return text(d.Status[key]) }
}

// Columns that many kinds have.
var (
	named   = narrow("NAME", document.named)
	titled  = narrow("TITLE", spec("title"))
	shownAs = narrow("DISPLAY NAME", spec("displayName"))
	created = wide("CREATED", status("createdAt"))
	uid     = wide("UID", status("uid"))
)

// kinds are all kinds, as help and tables list them.
var kinds = []*kind{
	{
		name: "Workspace", singular: "workspace", plural: "workspaces", short: "ws", lives: []home{onPlatform}, list: below("workspaces"), get: oneBelow("workspaces"), key: "name",
		spec:    []string{"title", "budget", "clusters", "podSecurity", "isolated", "serviceTypes", "hosts"},
		columns: []column{named, titled, narrow("ROLES", status("roles")), wide("BUDGET", spec("budget")), wide("POD SECURITY", spec("podSecurity")), wide("ISOLATED", spec("isolated")), created, uid},
		form:    workspaceForm, remove: oneBelow("workspaces"), asks: true, confirms: true,
	},
	{
		name: "Project", singular: "project", plural: "projects", lives: []home{inCluster}, key: "name",
		list: func(p place) string {
			return "/api/v1/projects?cluster=" + url.QueryEscape(p.cluster) + "&workspace=" + url.QueryEscape(p.workspace)
		},
		spec: []string{"workspace", "title", "quota", "containers"},
		adjust: func(item map[string]any, d *document) {
			d.Metadata.Cluster = text(item["cluster"])
			delete(d.Status, "cluster")
		},
		columns: []column{named, narrow("WORKSPACE", spec("workspace")), narrow("PHASE", status("phase")), titled, wide("ROLES", status("roles")), wide("QUOTA", spec("quota")), wide("MESSAGE", status("message")), created, uid},
		form:    projectForm, get: projectPath, remove: projectPath, asks: true, confirms: true,
	},
	{
		name: "Member", singular: "member", plural: "members", lives: []home{onPlatform, inWorkspace, inProject}, list: below("members"), key: "user",
		spec: []string{"role", "until"}, adjust: member,
		columns: []column{
			named,
			narrow("KIND", func(d document) string {
				if d.Kind == "MemberGroup" {
					return "group"
				}
				return "person"
			}),
			narrow("ROLE", spec("role")), narrow("UNTIL", spec("until")), narrow("DISPLAY NAME", status("displayName")), wide("ROLE ID", status("roleID")),
		},
		form: memberForm("members"), remove: oneBelow("members"),
	},
	{
		name: "MemberGroup", singular: "membergroup", plural: "membergroups", lives: []home{inWorkspace, inProject}, list: below("members"), key: "group",
		spec: []string{"role", "until"}, adjust: member,
		columns: []column{named, narrow("ROLE", spec("role")), narrow("UNTIL", spec("until")), narrow("DISPLAY NAME", status("displayName")), wide("ROLE ID", status("roleID"))},
		form:    memberForm("member-groups"), remove: oneBelow("member-groups"),
	},
	{
		name: "Role", singular: "role", plural: "roles", lives: []home{onPlatform, inWorkspace, inProject}, list: below("roles"), key: "name",
		spec: []string{"kind", "title", "description", "permissions"},
		adjust: func(item map[string]any, d *document) {
			d.Metadata.Workspace = text(item["workspace"]) // where it is defined, wherever it was asked for
			d.Metadata.Cluster, d.Metadata.Project = "", ""
			delete(d.Status, "workspace")
			if made, ok := item["made"].([]any); ok {
				d.Status["permissions"] = d.Spec["permissions"]
				d.Spec["permissions"] = made
				delete(d.Status, "made")
			}
		},
		columns: []column{named, narrow("KIND", spec("kind")), narrow("DEFINED IN", func(d document) string { return first(d.Metadata.Workspace, "platform") }), narrow("CUSTOM", status("custom")), titled, wide("PERMISSIONS", spec("permissions")), wide("ID", status("id"))},
		form:    roleForm, remove: oneBelow("roles"),
	},
	{
		name: "User", singular: "user", plural: "users", lives: []home{onPlatform}, list: below("users"), get: oneBelow("users"), key: "name",
		spec:    []string{"displayName", "disabled", "platformRoles"},
		columns: []column{named, shownAs, narrow("PLATFORM ROLES", spec("platformRoles")), narrow("DISABLED", spec("disabled")), narrow("PROVIDER", status("provider")), wide("GROUPS", status("groups")), wide("ROBOT", status("robot")), wide("SECOND FACTOR", status("secondFactor")), created, uid},
		form:    userForm, remove: oneBelow("users"), asks: true,
	},
	{
		name: "Group", singular: "group", plural: "groups", lives: []home{onPlatform, inWorkspace}, list: below("groups"), get: oneBelow("groups"), key: "name",
		more:    groupMore,
		spec:    []string{"displayName", "origin", "externalID", "members", "platformRoles"},
		columns: []column{named, shownAs, narrow("ORIGIN", spec("origin")), wide("EXTERNAL ID", spec("externalID")), created, uid},
		form:    groupForm, remove: oneBelow("groups"),
	},
	{
		name: "Robot", singular: "robot", plural: "robots", lives: []home{inWorkspace}, list: below("robots"), get: oneBelow("robots"), key: "name",
		spec:    []string{"displayName", "disabled"},
		columns: []column{named, narrow("USER", status("user")), shownAs, narrow("DISABLED", spec("disabled")), created, uid},
		form:    robotForm, remove: oneBelow("robots"),
	},
	{
		name: "Token", singular: "token", plural: "tokens", lives: []home{onPlatform}, list: tokensOf, key: "id",
		columns: []column{narrow("ID", document.named), narrow("NAME", status("name")), narrow("READ ONLY", status("readOnly")), narrow("EXPIRES", status("expiresAt")), narrow("LAST USED", status("lastUsedAt")), wide("PERMISSIONS", status("permissions")), wide("SCOPES", status("scopes")), created},
		remove:  func(p place, id string) string { return tokensOf(p) + "/" + url.PathEscape(id) },
	},
	{
		name: "Invitation", singular: "invitation", plural: "invitations", lives: []home{onPlatform, inWorkspace, inProject}, list: below("invitations"), key: "id",
		adjust: func(_ map[string]any, d *document) {
			for _, place := range []string{"workspace", "cluster", "project"} { // as the metadata say
				delete(d.Status, place)
			}
		},
		columns: []column{narrow("ID", document.named), narrow("ROLE", status("roleName")), narrow("NOTE", status("note")), narrow("INVITED BY", status("invitedBy")), narrow("EXPIRES", status("expiresAt")), wide("ROLE ID", status("role")), created},
		remove:  oneBelow("invitations"),
	},
	{
		name: "AccessRequest", singular: "accessrequest", plural: "accessrequests", short: "ar", lives: []home{onPlatform}, list: below("access-requests"), get: oneBelow("access-requests"), key: "id",
		columns: []column{narrow("ID", document.named), narrow("USER", status("user")), narrow("ROLE", func(d document) string { return first(text(d.Status["role"]), text(d.Status["permission"])) }), narrow("WHERE", func(d document) string {
			return place{workspace: text(d.Status["workspace"]), cluster: text(d.Status["cluster"]), project: text(d.Status["project"])}.String()
		}), narrow("STATE", status("state")), narrow("REASON", status("reason")), wide("DECIDED BY", status("decidedBy")), wide("UNTIL", status("until")), created},
		remove: oneBelow("access-requests"),
	},
	{
		name: "Leftover", singular: "leftover", plural: "leftovers", lives: []home{inProject}, list: below("leftovers"), key: "user",
		columns: []column{narrow("USER", document.named), narrow("KIND", status("kind")), narrow("NAME", status("name")), narrow("MEMBER", status("member")), narrow("AT", status("at")), wide("UNTIL", status("until"))},
		remove:  oneBelow("leftovers"),
	},
	{
		name: "Extension", singular: "extension", plural: "extensions", short: "ext", lives: []home{onPlatform}, list: below("extensions"), get: oneBelow("extensions"), key: "name",
		columns: []column{named, narrow("VERSION", status("version")), narrow("PHASE", status("phase")), narrow("TITLE", status("title")), wide("PUBLISHER", status("publisher")), wide("INSTALLED BY", status("installedBy")), wide("DIGEST", status("digest")), wide("MESSAGE", status("message"))},
	},
	{
		name: "Cluster", singular: "cluster", plural: "clusters", lives: []home{onPlatform}, list: below("clusters"), get: oneBelow("clusters"), key: "name",
		columns: []column{named, narrow("PHASE", status("phase")), narrow("VERSION", status("version")), narrow("TITLE", status("title")), wide("SINCE", status("since")), wide("MESSAGE", status("message"))},
	},
	{
		name: "Permission", singular: "permission", plural: "permissions", lives: []home{onPlatform}, list: below("permissions"), key: "name",
		columns: []column{named, narrow("SCOPE", status("scope")), narrow("TITLE", status("title")), wide("NEEDS", status("needs")), wide("DESCRIPTION", status("description"))},
	},
}

// member makes a member's document: of a person or of a group, with the role's
// name in place of a custom role's uid.
func member(item map[string]any, d *document) {
	if group := text(item["group"]); group != "" {
		d.Kind, d.Metadata.Name = "MemberGroup", group
	} else {
		d.Kind, d.Metadata.Name = "Member", text(item["user"])
	}
	delete(d.Status, "user")
	delete(d.Status, "group")
	delete(d.Status, "roleName")
	if id, name := text(item["role"]), text(item["roleName"]); id != name && name != "" {
		d.Spec["role"], d.Status["roleID"] = name, id
	}
}

// groupMore asks who is in a group, and which roles it has on the platform, where
// one may know.
func groupMore(ctx context.Context, c *client, d *document) error {
	members, err := c.items(ctx, oneBelow("groups")(d.Metadata.place(), d.Metadata.Name)+"/members")
	if err != nil {
		return err
	}
	d.Spec["members"] = pluck(members, "user")
	if d.Metadata.Workspace != "" {
		return nil
	}
	bindings, err := c.items(ctx, "/api/v1/members")
	if isStatus(err, http.StatusForbidden) {
		return nil
	}
	if err != nil {
		return err
	}
	d.Spec["platformRoles"] = pluck(slices.DeleteFunc(bindings, func(b map[string]any) bool { return text(b["group"]) != d.Metadata.Name }), "role")
	return nil
}

// pluck is one value of each item, as JSON has lists.
func pluck(items []map[string]any, key string) []any {
	all := make([]any, len(items))
	for i, item := range items {
		all[i] = item[key]
	}
	return all
}
