// Robots: accounts for programs, owned by a workspace. They have roles there
// and in its projects only, no password, and tokens that the workspace's
// administrators make.

package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// robotMark begins the account names of robots and no other's, so that a
// workspace takes no name that a person might come to have.
const robotMark = "robot."

const maxRobots = 100 // of one workspace

// NewRobot is what is asked for.
type NewRobot struct {
	Workspace   string // by name
	Name        string // within the workspace
	DisplayName string
}

// RobotName is the account's name of a workspace's robot: "robot.red.ci".
func RobotName(workspace, name string) string { return robotMark + workspace + "." + name }

// CreateRobot adds a robot. ErrInvalid, ErrExists, ErrNotFound for a workspace
// that there is not, ErrDenied when it has too many.
func (v *Service) CreateRobot(ctx context.Context, n NewRobot) (User, error) {
	full := RobotName(n.Workspace, n.Name)
	if strings.Contains(n.Name, ".") || !userName.MatchString(n.Name) || !userName.MatchString(full) {
		return User{}, fmt.Errorf("the robot's name %q is %w: a-z, 0-9 and -, beginning and ending with a letter or digit; %q has 63 characters at most", n.Name, ErrInvalid, full)
	}
	if err := checkDisplayName(n.DisplayName); err != nil {
		return User{}, err
	}
	owner, guard, err := v.owner(ctx, n.Workspace)
	if err != nil {
		return User{}, err
	}
	owned, err := v.ListRobots(ctx, owner)
	if err != nil {
		return User{}, err
	}
	if len(owned) >= maxRobots {
		return User{}, fmt.Errorf("another robot is %w: the workspace has %d", ErrDenied, len(owned))
	}
	r := userRecord{User: User{UID: access.NewUID(), Name: full, DisplayName: n.DisplayName, Robot: true, WorkspaceUID: owner, CreatedAt: v.options.Now().UTC()}}
	put, err := v.users.PutOp(full, r)
	if err != nil {
		return User{}, err
	}
	err = v.commit(ctx, []store.Guard{v.users.Absent(full), v.tombs.Absent(full), guard}, put)
	if errors.Is(err, store.ErrConflict) {
		return User{}, fmt.Errorf("creating robot %q: %w", n.Name, ErrExists)
	}
	if err != nil {
		return User{}, fmt.Errorf("creating robot %q: %w", n.Name, err)
	}
	return r.User, nil
}

// ListRobots are a workspace's robots, in the order of names.
func (v *Service) ListRobots(ctx context.Context, workspaceUID string) ([]User, error) {
	users, err := v.ListUsers(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(users, func(u User) bool { return !u.Robot || u.WorkspaceUID != workspaceUID }), nil
}

// GetRobot reads a robot of a workspace, both by name. ErrNotFound.
func (v *Service) GetRobot(ctx context.Context, workspace, name string) (User, error) {
	u, err := v.GetUser(ctx, RobotName(workspace, name))
	if err != nil || !u.Robot || strings.Contains(name, ".") {
		return User{}, errors.Join(fmt.Errorf("the robot %q is %w", name, ErrNotFound), notMissing(err))
	}
	// The names say so already; a workspace that took the name of one that is
	// gone has not its robots.
	if owner, _, err := v.owner(ctx, workspace); err != nil || owner != u.WorkspaceUID {
		return User{}, errors.Join(fmt.Errorf("the robot %q is %w", name, ErrNotFound), notMissing(err))
	}
	return u, nil
}

// notMissing is an error that is no ErrNotFound.
func notMissing(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// CreateRobotToken makes a token of a robot, asked for by s. It is as
// CreateToken. ErrNotFound.
func (v *Service) CreateRobotToken(ctx context.Context, s access.Subject, u User, n NewToken) (Token, string, error) {
	if !u.Robot {
		return Token{}, "", fmt.Errorf("the robot %q is %w", u.Name, ErrNotFound)
	}
	return v.createToken(ctx, s, u.UID, n)
}

// RobotTokens are a robot's tokens, the newest first.
func (v *Service) RobotTokens(ctx context.Context, u User) ([]Token, error) {
	return v.listTokens(ctx, u.UID)
}

// RevokeRobotToken ends one of a robot's tokens, at once. ErrNotFound.
func (v *Service) RevokeRobotToken(ctx context.Context, u User, id string) error {
	if !u.Robot {
		return fmt.Errorf("the robot %q is %w", u.Name, ErrNotFound)
	}
	return v.revokeToken(ctx, u.UID, id)
}
