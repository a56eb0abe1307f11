// Robots: accounts for programs, owned by a workspace.

package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/identity"
)

// Robot is an account for programs. It is given roles as people are, by its user
// name, in its workspace and the projects of it.
type Robot struct {
	UID         string    `json:"uid" doc:"Never changes and is never given again."`
	Name        string    `json:"name" doc:"Within the workspace." example:"ci"`
	User        string    `json:"user" doc:"Its name as a member, in the log and in Kubernetes." example:"robot.red.ci"`
	DisplayName string    `json:"displayName" example:"Continuous integration"`
	Disabled    bool      `json:"disabled"`
	CreatedAt   time.Time `json:"createdAt"`
}

// NewRobot is a robot to be.
type NewRobot struct {
	Name        string `json:"name" pattern:"^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$" example:"ci"`
	DisplayName string `json:"displayName,omitempty" maxLength:"120" example:"Continuous integration"`
}

// RobotPath names a robot in a path.
type RobotPath struct {
	WorkspacePath
	Robot string `path:"robot" maxLength:"63" example:"ci"`
}

type (
	robotOutput      struct{ Body Robot }
	robotChangeInput struct {
		RobotPath
		Body UserChange
	}
	newRobotInput struct {
		WorkspacePath
		Body NewRobot
	}
	robotsInput struct {
		WorkspacePath
		ListQuery
	}
	robotTokensInput struct {
		RobotPath
		ListQuery
	}
	newRobotTokenInput struct {
		RobotPath
		Body NewToken
	}
	robotTokenPath struct {
		RobotPath
		ID string `path:"id" maxLength:"64"`
	}
)

func (s *API) registerRobots(a huma.API) {
	const all = "/api/v1/workspaces/{workspace}/robots"
	const one = all + "/{robot}"
	missing := []int{http.StatusNotFound}
	add(s, a, about{id: "list-robots", method: http.MethodGet, path: all, tag: "robots", summary: "List the robots of a workspace", errors: missing}, s.listRobots)
	add(s, a, about{id: "create-robot", method: http.MethodPost, path: all, tag: "robots", status: http.StatusCreated, summary: "Make a robot", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.createRobot)
	add(s, a, about{id: "get-robot", method: http.MethodGet, path: one, tag: "robots", summary: "Read a robot", errors: missing}, s.getRobot)
	add(s, a, about{id: "update-robot", method: http.MethodPatch, path: one, tag: "robots", summary: "Change a robot, or lock it out", errors: missing}, s.updateRobot)
	add(s, a, about{id: "delete-robot", method: http.MethodDelete, path: one, tag: "robots", status: http.StatusNoContent, summary: "Delete a robot, with its tokens and roles", errors: missing}, s.deleteRobot)
	add(s, a, about{id: "list-robot-tokens", method: http.MethodGet, path: one + "/tokens", tag: "robots", summary: "List the tokens of a robot", errors: missing}, s.listRobotTokens)
	add(s, a, about{id: "create-robot-token", method: http.MethodPost, path: one + "/tokens", tag: "robots", status: http.StatusCreated, summary: "Make a token of a robot",
		text: "Who makes it must have what the robot may.", errors: missing}, s.createRobotToken)
	add(s, a, about{id: "revoke-robot-token", method: http.MethodDelete, path: one + "/tokens/{id}", tag: "robots", status: http.StatusNoContent, summary: "Revoke a token of a robot", errors: missing}, s.revokeRobotToken)
}

func robot(workspace string, u identity.User) Robot {
	return Robot{UID: u.UID, Name: strings.TrimPrefix(u.Name, identity.RobotName(workspace, "")), User: u.Name, DisplayName: u.DisplayName, Disabled: u.Disabled, CreatedAt: u.CreatedAt}
}

func (s *API) listRobots(ctx context.Context, in *robotsInput) (*ListOutput[Robot], error) {
	w, ok := s.Index.Workspace(in.Workspace)
	if !ok {
		return nil, noWorkspace(in.Workspace)
	}
	robots, err := s.Identity.ListRobots(ctx, w.UID)
	if err != nil {
		return nil, err
	}
	all := make([]Robot, 0, len(robots))
	for _, u := range robots {
		all = append(all, robot(in.Workspace, u))
	}
	return page(all, in.ListQuery, s.version(), fields[Robot]{
		key:  func(r Robot) string { return r.Name },
		text: func(r Robot) []string { return []string{r.Name, r.DisplayName} },
		sort: map[string]func(Robot) string{
			"displayName": func(r Robot) string { return r.DisplayName },
			"createdAt":   func(r Robot) string { return sortable(r.CreatedAt) },
		},
	})
}

func (s *API) createRobot(ctx context.Context, in *newRobotInput) (*robotOutput, error) {
	u, err := s.Identity.CreateRobot(ctx, identity.NewRobot{Workspace: in.Workspace, Name: in.Body.Name, DisplayName: in.Body.DisplayName})
	if err != nil {
		return nil, err
	}
	return &robotOutput{Body: robot(in.Workspace, u)}, nil
}

func (s *API) getRobot(ctx context.Context, in *RobotPath) (*robotOutput, error) {
	u, err := s.Identity.GetRobot(ctx, in.Workspace, in.Robot)
	if err != nil {
		return nil, err
	}
	return &robotOutput{Body: robot(in.Workspace, u)}, nil
}

func (s *API) updateRobot(ctx context.Context, in *robotChangeInput) (*robotOutput, error) {
	u, err := s.Identity.GetRobot(ctx, in.Workspace, in.Robot)
	if err != nil {
		return nil, err
	}
	if u, err = s.changeUser(ctx, u.Name, in.Body); err != nil {
		return nil, err
	}
	return &robotOutput{Body: robot(in.Workspace, u)}, nil
}

func (s *API) deleteRobot(ctx context.Context, in *RobotPath) (*struct{}, error) {
	u, err := s.Identity.GetRobot(ctx, in.Workspace, in.Robot)
	if err != nil {
		return nil, err
	}
	return nil, s.Identity.DeleteUser(ctx, u.Name)
}

func (s *API) listRobotTokens(ctx context.Context, in *robotTokensInput) (*ListOutput[Token], error) {
	u, err := s.Identity.GetRobot(ctx, in.Workspace, in.Robot)
	if err != nil {
		return nil, err
	}
	tokens, err := s.Identity.RobotTokens(ctx, u)
	if err != nil {
		return nil, err
	}
	return s.tokens(tokens, in.ListQuery)
}

func (s *API) createRobotToken(ctx context.Context, in *newRobotTokenInput) (*newTokenOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	u, err := s.Identity.GetRobot(ctx, in.Workspace, in.Robot)
	if err != nil {
		return nil, err
	}
	if err := s.mayTakeOver(who, u.Name); err != nil {
		return nil, err
	}
	wanted, err := s.newToken(who, in.Body)
	if err != nil {
		return nil, err
	}
	t, secret, err := s.Identity.CreateRobotToken(ctx, who, u, wanted)
	if err != nil {
		return nil, err
	}
	return &newTokenOutput{Body: CreatedToken{Token: s.token(t), Secret: secret}}, nil
}

func (s *API) revokeRobotToken(ctx context.Context, in *robotTokenPath) (*struct{}, error) {
	u, err := s.Identity.GetRobot(ctx, in.Workspace, in.Robot)
	if err != nil {
		return nil, err
	}
	return nil, s.Identity.RevokeRobotToken(ctx, u, in.ID)
}
