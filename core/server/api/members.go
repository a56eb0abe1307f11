// Members of workspaces and projects: one shape for both.

package api

// Member is a person with a role in a scope.
type Member struct {
	User        string `json:"user" example:"jane"`
	DisplayName string `json:"displayName" example:"Jane Doe"`
	Role        string `json:"role" example:"project-developer"`
}

type memberOutput struct{ Body Member }
