// People.

package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/server/problem"
)

// User is a person, without anything secret.
type User struct {
	UID                string    `json:"uid" doc:"Never changes and is never given again."`
	Name               string    `json:"name" example:"jane"`
	DisplayName        string    `json:"displayName" example:"Jane Doe"`
	MustChangePassword bool      `json:"mustChangePassword" doc:"The person has to choose a password before anything else."`
	SecondFactor       bool      `json:"secondFactor" doc:"Signing in takes a code too."`
	Disabled           bool      `json:"disabled"`
	CreatedAt          time.Time `json:"createdAt"`
	Groups             []string  `json:"groups" doc:"The groups that the person is in." example:"[\"developers\"]"`
	Provider           string    `json:"provider" doc:"The identity provider that proves the person; empty for a password of Atoll's own."`
	Robot              bool      `json:"robot" doc:"An account for programs, owned by a workspace."`
	PlatformRoles      []string  `json:"platformRoles" example:"[\"platform-admin\"]"`
}

// NewUser is a person to be.
type NewUser struct {
	Name        string `json:"name" pattern:"^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$" example:"jane"`
	DisplayName string `json:"displayName,omitempty" maxLength:"120" example:"Jane Doe"`
	Password    string `json:"password,omitempty" minLength:"8" maxLength:"256" format:"password" doc:"Left out: a random one, which the answer says once. The person changes it at the first sign-in either way."`

	PlatformRoles []string `json:"platformRoles,omitempty" maxItems:"3" enum:"platform-admin,platform-operator,platform-member"`
}

// CreatedUser is a new person and, once, the password that was made up.
type CreatedUser struct {
	User
	GeneratedPassword string `json:"generatedPassword,omitempty" doc:"Only where no password was sent, and only this once."`
}

// PasswordChange is an old and a new password.
type PasswordChange struct {
	Current string `json:"current" minLength:"1" maxLength:"256" format:"password"`
	Next    string `json:"next" minLength:"8" maxLength:"256" format:"password"`
}

// PlatformRoles are the roles of a person on the platform.
type PlatformRoles struct {
	Platform []string `json:"platform" maxItems:"16" doc:"All of them, presets by name and custom roles by uid; those that are not here are taken away." example:"[\"platform-operator\"]"`
}

// UserChange is what shall be different about a person; what is left out stays.
type UserChange struct {
	DisplayName *string `json:"displayName,omitempty" maxLength:"120" example:"Jane Doe"`
	Disabled    *bool   `json:"disabled,omitempty"`
}

// GeneratedPassword is a password that was made up, shown once.
type GeneratedPassword struct {
	GeneratedPassword string `json:"generatedPassword" doc:"Only this once."`
}

// UserPath names a person in a path. (Exported because the library looks into
// embedded structs only when they are.)
type UserPath struct {
	Name string `path:"name" maxLength:"63" example:"jane"`
}

type (
	userOutput      struct{ Body User }
	newUserInput    struct{ Body NewUser }
	newUserOutput   struct{ Body CreatedUser }
	userChangeInput struct {
		UserPath
		Body UserChange
	}
	generatedOutput   struct{ Body GeneratedPassword }
	passwordInput     struct{ Body PasswordChange }
	platformRoleInput struct {
		UserPath
		Body PlatformRoles
	}
	platformRolesOutput struct{ Body PlatformRoles }
)

func (s *API) registerUsers(a huma.API) {
	add(s, a, about{id: "get-me", method: http.MethodGet, path: "/api/v1/users/me", tag: "users", summary: "Who the caller is"}, s.me)
	add(s, a, about{id: "change-password", method: http.MethodPost, path: "/api/v1/users/me:changePassword", tag: "users", status: http.StatusNoContent,
		summary: "Change one's own password", text: "The other sessions of this person end."}, s.changePassword)
	add(s, a, about{id: "list-users", method: http.MethodGet, path: "/api/v1/users", tag: "users", summary: "List people"}, s.listUsers)
	add(s, a, about{id: "create-user", method: http.MethodPost, path: "/api/v1/users", tag: "users", status: http.StatusCreated,
		summary: "Add a person", text: "A name is never given again, even after the person was deleted.", errors: []int{http.StatusConflict}}, s.createUser)
	add(s, a, about{id: "get-user", method: http.MethodGet, path: "/api/v1/users/{name}", tag: "users", summary: "Read a person",
		errors: []int{http.StatusNotFound}}, s.getUser)
	add(s, a, about{id: "update-user", method: http.MethodPatch, path: "/api/v1/users/{name}", tag: "users", summary: "Change a person, or lock them out",
		text: "Who is disabled is signed out everywhere at once, and their tokens are good for nothing until they are let in again.", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.updateUser)
	add(s, a, about{id: "reset-password", method: http.MethodPost, path: "/api/v1/users/{name}/password:reset", tag: "users",
		summary: "Give somebody a new random password", text: "It has to be changed at the first sign-in. Their sessions end.", errors: []int{http.StatusNotFound}}, s.resetPassword)
	add(s, a, about{id: "delete-user", method: http.MethodDelete, path: "/api/v1/users/{name}", tag: "users", status: http.StatusNoContent,
		summary: "Delete a person", text: "Sessions, tokens and roles of the person end at once.", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.deleteUser)
	add(s, a, about{id: "get-platform-roles", method: http.MethodGet, path: "/api/v1/users/{name}/roles", tag: "users",
		summary: "Read which roles a person has on the platform", errors: []int{http.StatusNotFound}}, s.getPlatformRoles)
	add(s, a, about{id: "set-platform-roles", method: http.MethodPut, path: "/api/v1/users/{name}/roles", tag: "users",
		summary: "Say which role a person has on the platform", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.setPlatformRoles)
}

// user is a person as the API shows them.
func (s *API) user(u identity.User) User {
	groups := []string{}
	for _, uid := range u.Groups {
		if g, ok := s.Index.GroupByUID(uid); ok {
			groups = append(groups, g.Name)
		}
	}
	slices.Sort(groups)
	return User{
		UID: u.UID, Name: u.Name, DisplayName: u.DisplayName, MustChangePassword: u.MustChangePassword, SecondFactor: u.SecondFactor, Disabled: u.Disabled,
		CreatedAt: u.CreatedAt, Groups: groups, Provider: u.Provider, Robot: u.Robot, PlatformRoles: s.platformRoles(u.UID),
	}
}

// platformRoles are the ids of the roles that a user or a group, by uid, has on the
// platform.
func (s *API) platformRoles(holderUID string) []string {
	roles := []string{}
	for _, b := range s.Index.BindingsOf(holderUID) {
		if b.Scope.Kind == access.KindPlatform {
			roles = append(roles, b.Role)
		}
	}
	slices.Sort(roles)
	return roles
}

func (s *API) me(ctx context.Context, _ *struct{}) (*userOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	u, err := s.Identity.GetUser(ctx, who.Name)
	if err != nil {
		return nil, err
	}
	return &userOutput{Body: s.user(u)}, nil
}

func (s *API) changePassword(ctx context.Context, in *passwordInput) (*struct{}, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	err = s.Identity.ChangePassword(ctx, who, in.Body.Current, in.Body.Next, client(requestOf(ctx)))
	return nil, wrongPassword(err, "/current")
}

// wrongPassword is the problem of somebody who is signed in and did not send
// their own password. Not 401: the session is good.
func wrongPassword(err error, pointer string) error {
	if errors.Is(err, identity.ErrBadCredentials) {
		return problem.New(http.StatusUnprocessableEntity, "The current password is not right.").
			WithErrors(problem.Fault{Pointer: pointer, Message: "this is not the current password"})
	}
	return err
}

func (s *API) listUsers(ctx context.Context, in *ListQuery) (*ListOutput[User], error) {
	users, err := s.Identity.ListUsers(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]User, 0, len(users))
	for _, u := range users {
		all = append(all, s.user(u))
	}
	return page(all, *in, s.version(), fields[User]{
		key:  func(u User) string { return u.Name },
		text: func(u User) []string { return []string{u.Name, u.DisplayName} },
		sort: map[string]func(User) string{
			"displayName": func(u User) string { return u.DisplayName },
			"createdAt":   func(u User) string { return sortable(u.CreatedAt) },
		},
	})
}

func (s *API) createUser(ctx context.Context, in *newUserInput) (*newUserOutput, error) {
	if err := s.mayGiveAll(ctx, in.Body.PlatformRoles); err != nil {
		return nil, err
	}
	u, generated, err := s.Identity.CreateUser(ctx, identity.NewUser{
		Name: in.Body.Name, DisplayName: in.Body.DisplayName, Password: in.Body.Password, MustChangePassword: true, PlatformRoles: in.Body.PlatformRoles,
	})
	if err != nil {
		return nil, err
	}
	return &newUserOutput{Body: CreatedUser{User: s.user(u), GeneratedPassword: generated}}, nil
}

func (s *API) getUser(ctx context.Context, in *UserPath) (*userOutput, error) {
	u, err := s.Identity.GetUser(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return &userOutput{Body: s.user(u)}, nil
}

func (s *API) updateUser(ctx context.Context, in *userChangeInput) (*userOutput, error) {
	if err := s.mayManage(ctx, in.Name); err != nil {
		return nil, err
	}
	u, err := s.changeUser(ctx, in.Name, in.Body)
	if err != nil {
		return nil, err
	}
	return &userOutput{Body: s.user(u)}, nil
}

// changeUser makes a change of an account that the caller may manage.
func (s *API) changeUser(ctx context.Context, name string, c UserChange) (identity.User, error) {
	if err := s.Identity.ChangeUser(ctx, name, identity.UserChange(c)); err != nil {
		return identity.User{}, err
	}
	return s.Identity.GetUser(ctx, name)
}

func (s *API) resetPassword(ctx context.Context, in *UserPath) (*generatedOutput, error) {
	if err := s.mayManage(ctx, in.Name); err != nil {
		return nil, err
	}
	password, err := s.Identity.ResetPassword(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return &generatedOutput{Body: GeneratedPassword{GeneratedPassword: password}}, nil
}

func (s *API) deleteUser(ctx context.Context, in *UserPath) (*struct{}, error) {
	if err := s.mayManage(ctx, in.Name); err != nil {
		return nil, err
	}
	return nil, s.Identity.DeleteUser(ctx, in.Name)
}

func (s *API) getPlatformRoles(ctx context.Context, in *UserPath) (*platformRolesOutput, error) {
	u, err := s.Identity.GetUser(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return &platformRolesOutput{Body: PlatformRoles{Platform: s.platformRoles(u.UID)}}, nil
}

func (s *API) setPlatformRoles(ctx context.Context, in *platformRoleInput) (*userOutput, error) {
	u, err := s.Identity.GetUser(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	if u.Robot {
		return nil, problem.New(http.StatusForbidden, "A robot has roles in its workspace only.")
	}
	if err := s.mayGiveAll(ctx, in.Body.Platform); err != nil {
		return nil, err
	}
	if err := s.noteRoles(ctx, access.Binding{SubjectUID: u.UID, Scope: platformScope}, func() error {
		revision, err := access.SetPlatformRoles(ctx, s.Store, u.UID, in.Body.Platform)
		if err != nil {
			return err
		}
		return s.Index.WaitFor(ctx, revision)
	}); err != nil {
		return nil, err
	}
	return &userOutput{Body: s.user(u)}, nil
}

// mayManage tells whether the caller may take over somebody's account, by a new
// password or without the second factor. It would give them what that person
// may: an administrator's account is for administrators.
func (s *API) mayManage(ctx context.Context, name string) error {
	who, err := caller(ctx)
	if err != nil {
		return err
	}
	account, ok := s.Index.Account(name)
	if !ok {
		return problem.Newf(http.StatusNotFound, "There is no user %q.", name)
	}
	return s.mayTakeOver(who, account.Name)
}

// mayTakeOver tells whether somebody has all that an account was given, itself
// or by its groups. By the bindings: who is disabled has no rights now, and
// would later.
func (s *API) mayTakeOver(who access.Subject, name string) error {
	account, _ := s.Index.Account(name)
	for _, uid := range append([]string{account.UID}, account.Groups...) {
		if err := s.mayGive(who, uid); err != nil {
			return err
		}
	}
	return nil
}
