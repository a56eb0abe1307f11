// The history of sign-ins, one's own and, for administrators, somebody's.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Login is one sign-in, or one that failed.
type Login struct {
	Time     time.Time `json:"time"`
	Remote   string    `json:"remote" doc:"The address that it came from." example:"192.0.2.7"`
	Agent    string    `json:"agent" doc:"What the browser said it was."`
	Provider string    `json:"provider" doc:"The identity provider; empty for a password of Atoll's own."`
	Result   string    `json:"result" enum:"done,wrong-password,wrong-code,disabled"`
}

func (s *API) registerLogins(a huma.API) {
	add(s, a, about{id: "list-my-logins", method: http.MethodGet, path: "/api/v1/users/me/logins", tag: "users",
		summary: "One's own latest sign-ins, and those that failed", text: "The newest first, unless sorted otherwise."}, s.listMyLogins)
	add(s, a, about{id: "list-logins", method: http.MethodGet, path: "/api/v1/users/{name}/logins", tag: "users",
		summary: "Somebody's latest sign-ins, and those that failed", errors: []int{http.StatusNotFound}}, s.listLogins)
}

func (s *API) listMyLogins(ctx context.Context, in *ListQuery) (*ListOutput[Login], error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	return s.logins(ctx, who.UID, *in)
}

func (s *API) listLogins(ctx context.Context, in *struct {
	UserPath
	ListQuery
}) (*ListOutput[Login], error) {
	u, err := s.Identity.GetUser(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return s.logins(ctx, u.UID, in.ListQuery)
}

func (s *API) logins(ctx context.Context, uid string, q ListQuery) (*ListOutput[Login], error) {
	history, err := s.Identity.Logins(ctx, uid)
	if err != nil {
		return nil, err
	}
	all := make([]Login, 0, len(history))
	for _, l := range history {
		all = append(all, Login{Time: l.Time.UTC(), Remote: l.Remote, Agent: l.Agent, Provider: l.Provider, Result: l.Result})
	}
	if q.Sort == "" {
		q.Sort = "-time"
	}
	key := func(l Login) string { return sortable(l.Time) + l.Remote + l.Result }
	return page(all, q, s.version(), fields[Login]{
		key:  key,
		text: func(l Login) []string { return []string{l.Remote, l.Agent, l.Provider, l.Result} },
		sort: map[string]func(Login) string{"time": key, "remote": func(l Login) string { return l.Remote }, "result": func(l Login) string { return l.Result }},
	})
}
