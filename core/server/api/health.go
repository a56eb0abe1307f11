// The health of extensions: where one is not asked for a while.

package api

import (
	"context"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/sandbox"
)

// Breaker says where an extension is not asked for a while, because it ended by
// its own faults again and again.
type Breaker struct {
	Workspace string    `json:"workspace,omitempty" doc:"Whose requests it is; empty: those of a user that belong to no workspace." example:"shop"`
	User      string    `json:"user,omitempty" doc:"Of an extension that keeps users apart, and of requests without a workspace: whose." example:"jane"`
	State     string    `json:"state" enum:"open,half-open" doc:"open: no request goes through. half-open: one does, and decides."`
	Class     string    `json:"class" enum:"start,trap,time,memory,stack,wire,window,crash" doc:"Of its last fault."`
	Since     time.Time `json:"since" doc:"Since when it is in this state."`
	Until     time.Time `json:"until" doc:"When the next request goes through, to see whether it has recovered."`
	Faults    int       `json:"faults" doc:"How often it failed since it was last well."`
}

// ExtensionHealth is what concerns the caller, or all of it for the platform's
// operators.
type ExtensionHealth struct {
	Breakers []Breaker `json:"breakers" doc:"Where it is not asked for a while; empty: nowhere."`
}

type (
	extensionHealthInput struct {
		ScopeQuery
		Name string `path:"name" maxLength:"64" example:"hello"`
	}
	extensionHealthOutput struct{ Body ExtensionHealth }
)

func breakers(all []sandbox.Health) []Breaker {
	shown := make([]Breaker, 0, len(all))
	for _, b := range all {
		shown = append(shown, Breaker{
			Workspace: b.Workspace, User: b.User, State: string(b.State), Class: string(b.Class), Since: b.Since.UTC(), Until: b.Until.UTC(), Faults: b.Faults,
		})
	}
	return shown
}

// extensionHealth tells whoever sees a scope what concerns their requests there,
// and the platform's operators everything.
func (s *API) extensionHealth(ctx context.Context, in *extensionHealthInput) (*extensionHealthOutput, error) {
	sc, err := in.scope()
	if err != nil {
		return nil, err
	}
	permission := access.ExtensionsView
	switch {
	case sc.Project != "":
		permission = access.ProjectsView
	case sc.Workspace != "":
		permission = access.WorkspacesView
	case sc.Cluster != "":
		permission = access.ClustersView
	}
	who, err := s.may(ctx, permission, sc)
	if err != nil {
		return nil, err
	}
	var all []sandbox.Health
	if sc == (access.Scope{}) {
		all, err = s.Extensions.Broken(in.Name)
	} else {
		all, err = s.Extensions.BrokenFor(in.Name, who, sc)
	}
	if err != nil {
		return nil, err
	}
	return &extensionHealthOutput{Body: ExtensionHealth{Breakers: breakers(all)}}, nil
}
