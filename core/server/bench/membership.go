// Whether anybody is judged by a membership that is no more, or not yet.

package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/atoll-platform/atoll/manifests/bench/figure"
)

// memberships is how many changes are made.
const memberships = 200

// membership gives a robot a role and takes it away, and asks as the robot after
// each answer whether that counts.
func (b *site) membership() (figures []figure.Figure, err error) {
	p, _, err := b.start()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	const workspace, robot = "/api/v1/workspaces/membership", "/api/v1/workspaces/membership/robots"
	var made struct {
		User, Token string
	}
	if err := b.call(p, http.MethodPost, "/api/v1/workspaces", map[string]any{"name": "membership"}, nil); err != nil {
		return nil, err
	}
	if err := b.call(p, http.MethodPost, robot, map[string]any{"name": "asker"}, &made); err != nil {
		return nil, err
	}
	user := made.User
	if err := b.call(p, http.MethodPost, robot+"/asker/tokens", map[string]any{"name": "bench"}, &made); err != nil {
		return nil, err
	}
	asker := &site{token: made.Token}
	sees := func() (bool, error) {
		err := asker.call(p, http.MethodGet, workspace, nil, nil)
		if err != nil && strings.Contains(err.Error(), ": 403 ") {
			return false, nil
		}
		return err == nil, err
	}
	stale := 0
	for i := range memberships {
		member := i%2 == 0
		if member {
			err = b.call(p, http.MethodPut, workspace+"/members/"+user, map[string]any{"role": "workspace-viewer"}, nil)
		} else {
			err = b.call(p, http.MethodDelete, workspace+"/members/"+user, nil, nil)
		}
		if err != nil {
			return nil, err
		}
		seen, err := sees()
		if err != nil {
			return nil, err
		}
		if seen != member {
			stale++
		}
	}
	return []figure.Figure{{Name: "membership.stale", Value: float64(stale), Unit: "count",
		Note: fmt.Sprintf("%d changes through the API, each asked about through it at once", memberships)}}, nil
}
