// Invitations: a role for whoever has the link, once.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/server/problem"
	"github.com/atoll-platform/atoll/core/store"
)

// Invitation is one that waits to be accepted, without its secret.
type Invitation struct {
	ID        string    `json:"id"`
	Workspace string    `json:"workspace,omitempty" example:"red"`
	Cluster   string    `json:"cluster,omitempty" doc:"With project." example:"local"`
	Project   string    `json:"project,omitempty" doc:"Neither project nor workspace: the platform." example:"demo"`
	Role      string    `json:"role" doc:"The id of the role that it gives." example:"workspace-member"`
	RoleName  string    `json:"roleName" doc:"How the role is called." example:"workspace-member"`
	InvitedBy string    `json:"invitedBy" example:"petra"`
	Note      string    `json:"note" example:"For Ann Lee"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// NewInvitation is what an invitation shall give.
type NewInvitation struct {
	Role      string `json:"role" minLength:"1" maxLength:"64" doc:"The id of a role that may be given here, and of which who invites has everything." example:"workspace-member"`
	Note      string `json:"note,omitempty" maxLength:"300" doc:"Whom it is for, to tell it from others." example:"For Ann Lee"`
	ExpiresIn string `json:"expiresIn,omitempty" pattern:"^([0-9]{1,6}(h|m|s))+$" doc:"A duration; 168h (a week) when left out, 720h (30 days) at most." example:"168h"`
}

// CreatedInvitation is a new invitation and, once, its secret.
type CreatedInvitation struct {
	Invitation
	Secret string `json:"token" doc:"Whoever has it can accept the invitation, once. It is never shown again."`
}

// InvitationToken is what somebody has who was invited.
type InvitationToken struct {
	Token string `json:"token" minLength:"1" maxLength:"128"`
}

// Registration is an account with a password of Atoll's own for who was invited.
type Registration struct {
	InvitationToken
	Username    string `json:"username" pattern:"^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$" example:"ann"`
	DisplayName string `json:"displayName,omitempty" maxLength:"120" example:"Ann Lee"`
	Password    string `json:"password" minLength:"8" maxLength:"256" format:"password"`
}

// defaultInvitation is how long an invitation is good when nothing is said.
const defaultInvitation = 7 * 24 * time.Hour

type (
	// InvitationPath names an invitation.
	InvitationPath struct {
		ID string `path:"id" maxLength:"64"`
	}
	newInvitationOutput struct{ Body CreatedInvitation }
	invitationOutput    struct{ Body Invitation }

	newPlatformInvitationInput struct{ Body NewInvitation }
	workspaceInvitationsInput  struct {
		WorkspacePath
		ListQuery
	}
	newWorkspaceInvitationInput struct {
		WorkspacePath
		Body NewInvitation
	}
	// WorkspaceInvitationPath names an invitation to a workspace.
	WorkspaceInvitationPath struct {
		WorkspacePath
		InvitationPath
	}
	projectInvitationsInput struct {
		ProjectPath
		ListQuery
	}
	newProjectInvitationInput struct {
		ProjectPath
		Body NewInvitation
	}
	// ProjectInvitationPath names an invitation to a project.
	ProjectInvitationPath struct {
		ProjectPath
		InvitationPath
	}
	invitationTokenInput struct{ Body InvitationToken }
	registrationInput    struct{ Body Registration }
)

func (s *API) registerInvitations(a huma.API) {
	const platform, workspace, project = "/api/v1/invitations", "/api/v1/workspaces/{workspace}/invitations", "/api/v1/clusters/{cluster}/projects/{project}/invitations"
	const made = "The answer says the token this once: whoever has it gets the role, while who has invited may give it."
	missing, conflict := []int{http.StatusNotFound}, []int{http.StatusNotFound, http.StatusConflict}

	add(s, a, about{id: "list-invitations", method: http.MethodGet, path: platform, tag: "invitations", summary: "List open invitations to the platform"}, s.listPlatformInvitations)
	add(s, a, about{id: "create-invitation", method: http.MethodPost, path: platform, tag: "invitations", status: http.StatusCreated, summary: "Invite to the platform", text: made}, s.invitePlatform)
	add(s, a, about{id: "revoke-invitation", method: http.MethodDelete, path: platform + "/{id}", tag: "invitations", status: http.StatusNoContent, summary: "Revoke an invitation to the platform", errors: missing}, s.revokePlatformInvitation)

	add(s, a, about{id: "list-workspace-invitations", method: http.MethodGet, path: workspace, tag: "invitations", summary: "List open invitations to a workspace", errors: missing}, s.listWorkspaceInvitations)
	add(s, a, about{id: "create-workspace-invitation", method: http.MethodPost, path: workspace, tag: "invitations", status: http.StatusCreated, summary: "Invite to a workspace", text: made, errors: missing}, s.inviteWorkspace)
	add(s, a, about{id: "revoke-workspace-invitation", method: http.MethodDelete, path: workspace + "/{id}", tag: "invitations", status: http.StatusNoContent, summary: "Revoke an invitation to a workspace", errors: missing}, s.revokeWorkspaceInvitation)

	add(s, a, about{id: "list-project-invitations", method: http.MethodGet, path: project, tag: "invitations", summary: "List open invitations to a project", errors: missing}, s.listProjectInvitations)
	add(s, a, about{id: "create-project-invitation", method: http.MethodPost, path: project, tag: "invitations", status: http.StatusCreated, summary: "Invite to a project", text: made, errors: missing}, s.inviteProject)
	add(s, a, about{id: "revoke-project-invitation", method: http.MethodDelete, path: project + "/{id}", tag: "invitations", status: http.StatusNoContent, summary: "Revoke an invitation to a project", errors: missing}, s.revokeProjectInvitation)

	add(s, a, about{id: "read-invitation", method: http.MethodPost, path: platform + ":read", tag: "invitations", summary: "What an invitation is to, for who has it", errors: missing}, s.readInvitation)
	add(s, a, about{id: "accept-invitation", method: http.MethodPost, path: platform + ":accept", tag: "invitations", summary: "Accept an invitation, as who is signed in",
		text: "It takes nothing away: a role that has less than the one that the person has there is refused.", errors: conflict}, s.acceptInvitation)
	add(s, a, about{id: "register", method: http.MethodPost, path: platform + ":register", tag: "invitations", status: http.StatusCreated, summary: "Accept an invitation by an account with a password of Atoll's own",
		text: "Then sign in by it. Where an identity provider proves the person, the sign-in there takes the invitation.", errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict}}, s.registerInvited)
}

// invitation is one as it is shown; false when its place is gone.
func (s *API) invitation(i identity.Invitation) (Invitation, bool) {
	sc, ok := s.scopeOf(i.Scope)
	shown := Invitation{
		ID: i.ID, Workspace: sc.Workspace, Cluster: sc.Cluster, Project: sc.Project, Role: i.Role, RoleName: i.Role, Note: i.Note,
		CreatedAt: i.CreatedAt.UTC(), ExpiresAt: i.ExpiresAt.UTC(),
	}
	if r, ok := s.Index.Role(i.Role); ok {
		shown.RoleName = r.Name
	}
	if by, ok := s.Index.AccountByUID(i.InviterUID); ok {
		shown.InvitedBy = by.Name
	}
	return shown, ok
}

// platformPlace is where the platform's members are.
var platformPlace = place{binding: platformScope}

func (s *API) invite(ctx context.Context, at place, in NewInvitation) (*newInvitationOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.mayGiveRole(who, in.Role, at.scope); err != nil {
		return nil, err
	}
	life := defaultInvitation
	if in.ExpiresIn != "" {
		if life, err = lifetime(in.ExpiresIn); err != nil {
			return nil, err
		}
	}
	// What cannot be given is told now, and not to who is invited.
	if _, err := s.Tenancy.GiveOp(access.Binding{SubjectUID: access.NewUID(), Role: in.Role, Scope: at.binding}); err != nil {
		return nil, err
	}
	i, secret, err := s.Identity.Invite(ctx, who, identity.NewInvitation{Scope: at.binding, Role: in.Role, Note: in.Note, Lifetime: life})
	if err != nil {
		return nil, err
	}
	shown, _ := s.invitation(i)
	return &newInvitationOutput{Body: CreatedInvitation{Invitation: shown, Secret: secret}}, nil
}

func (s *API) listInvitations(ctx context.Context, at place, q ListQuery) (*ListOutput[Invitation], error) {
	open, err := s.Identity.Invitations(ctx, at.binding)
	if err != nil {
		return nil, err
	}
	all := []Invitation{}
	for _, i := range open {
		if shown, ok := s.invitation(i); ok {
			all = append(all, shown)
		}
	}
	return page(all, q, s.version(), fields[Invitation]{
		key:  func(i Invitation) string { return sortable(i.ExpiresAt) + "/" + i.ID },
		text: func(i Invitation) []string { return []string{i.Note, i.InvitedBy, i.RoleName} },
		sort: map[string]func(Invitation) string{
			"createdAt": func(i Invitation) string { return sortable(i.CreatedAt) },
			"role":      func(i Invitation) string { return i.RoleName },
		},
	})
}

func (s *API) listPlatformInvitations(ctx context.Context, in *ListQuery) (*ListOutput[Invitation], error) {
	return s.listInvitations(ctx, platformPlace, *in)
}

func (s *API) invitePlatform(ctx context.Context, in *newPlatformInvitationInput) (*newInvitationOutput, error) {
	return s.invite(ctx, platformPlace, in.Body)
}

func (s *API) revokePlatformInvitation(ctx context.Context, in *InvitationPath) (*struct{}, error) {
	return nil, s.Identity.RevokeInvitation(ctx, platformScope, in.ID)
}

func (s *API) listWorkspaceInvitations(ctx context.Context, in *workspaceInvitationsInput) (*ListOutput[Invitation], error) {
	at, err := s.workspacePlace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	return s.listInvitations(ctx, at, in.ListQuery)
}

func (s *API) inviteWorkspace(ctx context.Context, in *newWorkspaceInvitationInput) (*newInvitationOutput, error) {
	at, err := s.workspacePlace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	return s.invite(ctx, at, in.Body)
}

func (s *API) revokeWorkspaceInvitation(ctx context.Context, in *WorkspaceInvitationPath) (*struct{}, error) {
	at, err := s.workspacePlace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	return nil, s.Identity.RevokeInvitation(ctx, at.binding, in.ID)
}

func (s *API) listProjectInvitations(ctx context.Context, in *projectInvitationsInput) (*ListOutput[Invitation], error) {
	at, err := s.projectPlace(ctx, in.ProjectPath)
	if err != nil {
		return nil, err
	}
	return s.listInvitations(ctx, at, in.ListQuery)
}

func (s *API) inviteProject(ctx context.Context, in *newProjectInvitationInput) (*newInvitationOutput, error) {
	at, err := s.projectPlace(ctx, in.ProjectPath)
	if err != nil {
		return nil, err
	}
	return s.invite(ctx, at, in.Body)
}

func (s *API) revokeProjectInvitation(ctx context.Context, in *ProjectInvitationPath) (*struct{}, error) {
	at, err := s.projectPlace(ctx, in.ProjectPath)
	if err != nil {
		return nil, err
	}
	return nil, s.Identity.RevokeInvitation(ctx, at.binding, in.ID)
}

func (s *API) readInvitation(ctx context.Context, in *invitationTokenInput) (*invitationOutput, error) {
	i, err := s.Identity.ReadInvitation(ctx, in.Body.Token)
	if err != nil {
		return nil, err
	}
	shown, ok := s.invitation(i)
	if !ok {
		return nil, problem.New(http.StatusNotFound, "What the invitation is to is not there any more.")
	}
	return &invitationOutput{Body: shown}, nil
}

func (s *API) acceptInvitation(ctx context.Context, in *invitationTokenInput) (*invitationOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	i, err := s.Identity.Accept(ctx, who, in.Body.Token)
	if err != nil {
		return nil, err
	}
	shown, _ := s.invitation(i)
	return &invitationOutput{Body: shown}, nil
}

func (s *API) registerInvited(ctx context.Context, in *registrationInput) (*userOutput, error) {
	u, err := s.Identity.Register(ctx, in.Body.Token, identity.NewUser{Name: in.Body.Username, DisplayName: in.Body.DisplayName, Password: in.Body.Password})
	if err != nil {
		return nil, err
	}
	note(ctx).Subject = access.Subject{Name: u.Name, UID: u.UID}
	return &userOutput{Body: s.user(u)}, nil
}

// Grant is what gives somebody what an invitation promises, if who has sent it is
// here still, may manage members there, and has everything that the role gives:
// an invitation is never worth more than its sender.
func Grant(ctx context.Context, services Services, i identity.Invitation, userUID string) ([]store.Op, error) {
	s := &API{services}
	void := func(why string) error {
		return problem.Newf(http.StatusForbidden, "The invitation is not good any more: %s. Ask for another one.", why)
	}
	sc, ok := s.scopeOf(i.Scope)
	if !ok {
		return nil, void("what it is to is gone")
	}
	name, ok := s.Index.Active(i.InviterUID)
	if !ok {
		return nil, void("who has sent it is gone")
	}
	sender := access.Subject{Name: name, UID: i.InviterUID}
	if d := s.mayDecide(sender, sc); d.Lost {
		return nil, denied(sender, d)
	} else if !d.Allowed {
		return nil, void("who has sent it may not invite there any more")
	}
	if err := s.mayGiveRole(sender, i.Role, sc); err != nil {
		return nil, void("who has sent it may not give the role any more")
	}
	given := access.Binding{SubjectUID: userUID, Role: i.Role, Scope: i.Scope}
	op, err := s.Tenancy.GiveOp(given)
	if err != nil {
		return nil, err
	}
	note(ctx).Scope = sc
	s.noteGift(ctx, given)
	return []store.Op{op}, nil
}
