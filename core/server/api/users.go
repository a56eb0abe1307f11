// People.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// User is a person, without anything secret.
type User struct {
	UID                string    `json:"uid" doc:"Never changes and is never given again."`
	Name               string    `json:"name" example:"jane"`
	DisplayName        string    `json:"displayName" example:"Jane Doe"`
	MustChangePassword bool      `json:"mustChangePassword" doc:"The person has to choose a password before anything else."`
	Disabled           bool      `json:"disabled"`
	CreatedAt          time.Time `json:"createdAt"`
	PlatformRoles      []string  `json:"platformRoles" example:"[\"platform-admin\"]"`
}

// NewUser is a person to be.
type NewUser struct {
	Name        string `json:"name" pattern:"^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$" example:"jane"`
	DisplayName string `json:"displayName,omitempty" maxLength:"128" example:"Jane Doe"`
	Password    string `json:"password,omitempty" minLength:"12" maxLength:"256" format:"password" doc:"Left out: a random one, which the answer says once. The person changes it at the first sign-in either way."`
}

// CreatedUser is a new person and, once, the password that was made up.
type CreatedUser struct {
	User
	GeneratedPassword string `json:"generatedPassword,omitempty" doc:"Only where no password was sent, and only this once."`
}

// PasswordChange is an old and a new password.
type PasswordChange struct {
	Current string `json:"current" minLength:"1" maxLength:"256" format:"password"`
	Next    string `json:"next" minLength:"12" maxLength:"256" format:"password"`
}

// PlatformRoles are the roles of a person on the platform.
type PlatformRoles struct {
	Platform []string `json:"platform" maxItems:"1" enum:"platform-admin,platform-operator,platform-member" doc:"One role, or none."`
}

type userName struct {
	Name string `path:"name" maxLength:"63" example:"jane"`
}

type (
	userOutput        struct{ Body User }
	newUserInput      struct{ Body NewUser }
	newUserOutput     struct{ Body CreatedUser }
	passwordInput     struct{ Body PasswordChange }
	platformRoleInput struct {
		userName
		Body PlatformRoles
	}
)

func (s *API) registerUsers(a huma.API) {
	add(a, about{id: "get-me", method: http.MethodGet, path: "/api/v1/users/me", tag: "users", summary: "Who the caller is"}, s.me)
	add(a, about{id: "change-password", method: http.MethodPost, path: "/api/v1/users/me:changePassword", tag: "users", status: http.StatusNoContent,
		summary: "Change one's own password", text: "The other sessions of this person end."}, s.changePassword)
	add(a, about{id: "list-users", method: http.MethodGet, path: "/api/v1/users", tag: "users", summary: "List people"}, s.listUsers)
	add(a, about{id: "create-user", method: http.MethodPost, path: "/api/v1/users", tag: "users", status: http.StatusCreated,
		summary: "Add a person", text: "A name is never given again, even after the person was deleted.", errors: []int{http.StatusConflict}}, s.createUser)
	add(a, about{id: "get-user", method: http.MethodGet, path: "/api/v1/users/{name}", tag: "users", summary: "Read a person",
		errors: []int{http.StatusNotFound}}, s.getUser)
	add(a, about{id: "delete-user", method: http.MethodDelete, path: "/api/v1/users/{name}", tag: "users", status: http.StatusNoContent,
		summary: "Delete a person", text: "Sessions, tokens and roles of the person end at once.", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.deleteUser)
	add(a, about{id: "set-platform-roles", method: http.MethodPut, path: "/api/v1/users/{name}/roles", tag: "users",
		summary: "Say which role a person has on the platform", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.setPlatformRoles)
}

func (s *API) me(ctx context.Context, _ *struct{}) (*userOutput, error) { return nil, errNotYet }
func (s *API) changePassword(ctx context.Context, in *passwordInput) (*struct{}, error) {
	return nil, errNotYet
}
func (s *API) listUsers(ctx context.Context, in *ListQuery) (*ListOutput[User], error) {
	return nil, errNotYet
}
func (s *API) createUser(ctx context.Context, in *newUserInput) (*newUserOutput, error) {
	return nil, errNotYet
}
func (s *API) getUser(ctx context.Context, in *userName) (*userOutput, error) { return nil, errNotYet }
func (s *API) deleteUser(ctx context.Context, in *userName) (*struct{}, error) {
	return nil, errNotYet
}
func (s *API) setPlatformRoles(ctx context.Context, in *platformRoleInput) (*userOutput, error) {
	return nil, errNotYet
}
