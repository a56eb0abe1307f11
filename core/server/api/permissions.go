// What the caller may do in a scope, so that a button can say why it is locked.

package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Permissions are what the caller may do in a scope.
type Permissions struct {
	Permissions []string `json:"permissions" example:"[\"workloads.view\"]"`
	Roles       []string `json:"roles" doc:"The roles that give them."`
}

type permissionsOutput struct{ Body Permissions }

func (s *API) registerAccess(a huma.API) {
	add(s, a, about{id: "get-access", method: http.MethodGet, path: "/api/v1/access", tag: "access", summary: "What the caller may do in a scope"}, s.permissions)
}

func (s *API) permissions(ctx context.Context, in *ScopeQuery) (*permissionsOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	sc, err := in.scope()
	if err != nil {
		return nil, err
	}
	out := Permissions{Permissions: []string{}, Roles: listed(s.Index.Roles(who, sc))}
	for _, p := range s.Index.Permissions(who, sc) {
		out.Permissions = append(out.Permissions, string(p))
	}
	return &permissionsOutput{Body: out}, nil
}
