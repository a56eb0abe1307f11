// What each operation needs: one table, which the server asks before an
// operation runs, the OpenAPI document shows, and tests are made from.

package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/server/problem"
)

// where says in which scope a permission is needed.
type where string

const (
	atPlatform  where = "platform"
	atCluster   where = "cluster"   // {cluster} of the path
	atWorkspace where = "workspace" // {workspace} of the path
	atProject   where = "project"   // {cluster} and {project} of the path
	inRequest   where = "request"   // the query or body names the scope: the operation asks itself
	ofEach      where = "each"      // everybody may ask, and sees what they have the permission for
	ofCaller    where = "caller"    // everybody may ask, about what is their own
	ofAccount   where = "account"   // the caller's account: not for limited credentials, nor to change for read-only ones
	ofAll       where = "public"    // without signing in
)

// need is what an operation needs. The permission is "" where the scope is the
// caller's own or everybody's, or each thing says itself who may see it.
type need struct {
	permission access.Permission
	at         where
}

// needs are those of all operations, by their ids. An operation that is not here
// cannot be registered.
var needs = map[string]need{
	"get-info": {at: ofAll},

	"sign-in":        {at: ofAll},
	"list-providers": {at: ofAll},
	"get-session":    {at: ofCaller},
	"sign-out":       {at: ofCaller},

	"list-sessions":       {at: ofAccount},
	"end-session":         {at: ofAccount},
	"sign-out-everywhere": {at: ofAccount},
	"sign-out-user":       {access.UsersManage, atPlatform},

	"list-tokens":  {at: ofAccount},
	"create-token": {at: ofAccount},
	"revoke-token": {at: ofCaller}, // a narrow token may end itself, and no other

	"authorize-token": {at: ofAccount},
	"decline-token":   {at: ofAccount},
	"exchange-token":  {at: ofAll},

	"get-me":                {at: ofCaller},
	"change-password":       {at: ofAccount},
	"get-second-factor":     {at: ofAccount},
	"enrol-second-factor":   {at: ofAccount},
	"confirm-second-factor": {at: ofAccount},
	"renew-recovery-codes":  {at: ofAccount},
	"disable-second-factor": {at: ofAccount},
	"reset-second-factor":   {access.UsersManage, atPlatform},
	"list-my-logins":        {at: ofAccount},
	"list-logins":           {access.UsersView, atPlatform},
	"list-users":            {access.UsersView, atPlatform},
	"create-user":           {access.UsersManage, atPlatform},
	"get-user":              {access.UsersView, atPlatform},
	"update-user":           {access.UsersManage, atPlatform},
	"reset-password":        {access.UsersManage, atPlatform},
	"delete-user":           {access.UsersManage, atPlatform},
	"get-platform-roles":    {access.UsersView, atPlatform},
	"set-platform-roles":    {access.UsersManage, atPlatform},

	"list-groups":         {access.UsersView, atPlatform},
	"create-group":        {access.UsersManage, atPlatform},
	"get-group":           {access.UsersView, atPlatform},
	"delete-group":        {access.UsersManage, atPlatform},
	"list-group-members":  {access.UsersView, atPlatform},
	"add-group-member":    {access.UsersManage, atPlatform},
	"remove-group-member": {access.UsersManage, atPlatform},

	"list-workspace-groups":         {access.MembersView, atWorkspace},
	"create-workspace-group":        {access.MembersManage, atWorkspace},
	"get-workspace-group":           {access.MembersView, atWorkspace},
	"delete-workspace-group":        {access.MembersManage, atWorkspace},
	"list-workspace-group-members":  {access.MembersView, atWorkspace},
	"add-workspace-group-member":    {access.MembersManage, atWorkspace},
	"remove-workspace-group-member": {access.MembersManage, atWorkspace},

	"list-invitations":            {access.UsersManage, atPlatform},
	"create-invitation":           {access.UsersManage, atPlatform},
	"revoke-invitation":           {access.UsersManage, atPlatform},
	"list-workspace-invitations":  {access.MembersManage, atWorkspace},
	"create-workspace-invitation": {access.MembersManage, atWorkspace},
	"revoke-workspace-invitation": {access.MembersManage, atWorkspace},
	"list-project-invitations":    {access.MembersManage, atProject},
	"create-project-invitation":   {access.MembersManage, atProject},
	"revoke-project-invitation":   {access.MembersManage, atProject},
	"read-invitation":             {at: ofAll},
	"accept-invitation":           {at: ofCaller},
	"register":                    {at: ofAll},

	"list-robots":        {access.MembersView, atWorkspace},
	"create-robot":       {access.MembersManage, atWorkspace},
	"get-robot":          {access.MembersView, atWorkspace},
	"update-robot":       {access.MembersManage, atWorkspace},
	"delete-robot":       {access.MembersManage, atWorkspace},
	"list-robot-tokens":  {access.MembersView, atWorkspace},
	"create-robot-token": {access.MembersManage, atWorkspace},
	"revoke-robot-token": {access.MembersManage, atWorkspace},

	"list-clusters":     {access.ClustersView, ofEach},
	"get-cluster":       {access.ClustersView, ofEach},
	"create-kubeconfig": {access.ClustersView, ofAccount},

	"get-cluster-address":  {access.ClustersView, ofEach},
	"create-cluster-token": {access.ClustersView, ofAccount},

	"list-workspaces":         {access.WorkspacesView, ofEach},
	"create-workspace":        {access.WorkspacesManage, atPlatform},
	"get-workspace":           {access.WorkspacesView, atWorkspace},
	"update-workspace":        {access.WorkspacesManage, atPlatform},
	"get-workspace-budget":    {access.WorkspacesView, atWorkspace},
	"get-workspace-usage":     {access.WorkspacesView, atWorkspace},
	"delete-workspace":        {access.WorkspacesManage, atPlatform},
	"list-workspace-members":  {access.MembersView, atWorkspace},
	"get-workspace-member":    {access.MembersView, atWorkspace},
	"set-workspace-member":    {access.MembersManage, atWorkspace},
	"remove-workspace-member": {access.MembersManage, atWorkspace},

	"list-projects":         {access.ProjectsView, ofEach},
	"create-project":        {access.ProjectsManage, inRequest},
	"get-project":           {access.ProjectsView, atProject},
	"update-project":        {access.ProjectsManage, atProject},
	"delete-project":        {access.ProjectsManage, atProject},
	"list-project-members":  {access.MembersView, atProject},
	"get-project-member":    {access.MembersView, atProject},
	"set-project-member":    {access.MembersManage, atProject},
	"remove-project-member": {access.MembersManage, atProject},

	"list-project-leftovers":   {access.MembersView, atProject},
	"revoke-project-leftovers": {access.MembersManage, atProject},

	"list-contributions":   {at: ofEach},
	"list-extensions":      {access.ExtensionsView, atPlatform},
	"get-extension":        {access.ExtensionsView, atPlatform},
	"get-extension-health": {at: ofEach},
	"get-extension-usage":  {access.ExtensionsView, atPlatform},
	"review-extension":     {access.ExtensionsManage, atPlatform},
	"install-extension":    {access.ExtensionsManage, atPlatform},
	"record-extension":     {access.ExtensionsManage, atPlatform},
	"remove-extension":     {access.ExtensionsManage, atPlatform},

	"get-access":                    {at: ofCaller},
	"explain-access":                {access.MembersView, inRequest},
	"list-access-requests":          {access.MembersManage, ofEach},
	"create-access-request":         {at: ofAccount},
	"get-access-request":            {access.MembersManage, ofEach},
	"withdraw-access-request":       {at: ofAccount},
	"decide-access-request":         {access.MembersManage, inRequest},
	"list-permissions":              {at: ofEach},
	"list-platform-members":         {access.MembersView, atPlatform},
	"get-group-platform-roles":      {access.UsersView, atPlatform},
	"set-group-platform-roles":      {access.UsersManage, atPlatform},
	"get-workspace-member-group":    {access.MembersView, atWorkspace},
	"set-workspace-member-group":    {access.MembersManage, atWorkspace},
	"remove-workspace-member-group": {access.MembersManage, atWorkspace},
	"get-project-member-group":      {access.MembersView, atProject},
	"set-project-member-group":      {access.MembersManage, atProject},
	"remove-project-member-group":   {access.MembersManage, atProject},

	"list-audit-events":   {access.ActivityView, inRequest},
	"stream-audit-events": {access.ActivityView, inRequest},

	"list-roles":            {access.MembersView, atPlatform},
	"get-role":              {access.MembersView, atPlatform},
	"create-role":           {access.RolesManage, atPlatform},
	"update-role":           {access.RolesManage, atPlatform},
	"delete-role":           {access.RolesManage, atPlatform},
	"list-workspace-roles":  {access.MembersView, atWorkspace},
	"get-workspace-role":    {access.MembersView, atWorkspace},
	"create-workspace-role": {access.RolesManage, atWorkspace},
	"update-workspace-role": {access.RolesManage, atWorkspace},
	"delete-workspace-role": {access.RolesManage, atWorkspace},
	"list-project-roles":    {access.MembersView, atProject},
}

// extensionNeeds is the field of an operation in the document.
const extensionNeeds = "x-atoll-permission"

// shown is the need as the document has it.
func (n need) shown() map[string]string {
	m := map[string]string{"scope": string(n.at)}
	if n.permission != "" {
		m["permission"] = string(n.permission)
	}
	return m
}

// scope is where the need is to be had, by the parameters of a path; false
// where the operation asks itself or nobody has to.
func (n need) scope(parameter func(string) string) (access.Scope, bool) {
	switch n.at {
	case atPlatform:
		return access.Scope{}, true
	case atCluster:
		return access.Scope{Cluster: parameter("cluster")}, true
	case atWorkspace:
		return access.Scope{Workspace: parameter("workspace")}, true
	case atProject:
		return access.Scope{Cluster: parameter("cluster"), Project: parameter("project")}, true
	}
	return access.Scope{}, false
}

// needOf is what an operation needs. It panics when nobody has said so.
func needOf(id string) need {
	n, ok := needs[id]
	if !ok {
		panic(fmt.Sprintf("the operation %q has no line in the table of needs.go", id))
	}
	return n
}

// guard lets an operation run for those who may.
func (s *API) guard(a huma.API, n need) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		if n.at != ofAll {
			if err := s.check(c.Context(), n, c.Method(), c.Param); err != nil {
				p := s.problemOf(c.Context(), err)
				_ = huma.WriteErr(a, c, p.Status, p.Title, p) // a client that has gone needs no answer
				return
			}
		}
		next(c)
	}
}

// check is nil when who asks has what an operation needs.
func (s *API) check(ctx context.Context, n need, method string, parameter func(string) string) error {
	if sc, ok := n.scope(parameter); ok {
		_, err := s.may(ctx, n.permission, sc)
		return err
	}
	who, err := caller(ctx)
	// A credential that was given to a program for one thing must not tell all
	// about its person, nor become the whole account.
	if err == nil && n.at == ofAccount && (who.Limit != nil || who.ReadOnly && method != http.MethodGet) {
		err = problem.New(http.StatusForbidden, "A token that is for reading only or limited does not do this.")
	}
	return err
}
