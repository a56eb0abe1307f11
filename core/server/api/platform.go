// About this Atoll.

package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Info is what everybody may know.
type Info struct {
	Version string `json:"version" example:"0.1.0"`
	Commit  string `json:"commit,omitempty" doc:"Only for who is signed in."`
}

type infoOutput struct{ Body Info }

func (s *API) registerPlatform(a huma.API) {
	add(s, a, about{id: "get-info", method: http.MethodGet, path: "/api/v1/info", tag: "platform", summary: "What version this is"}, s.info)
}

func (s *API) info(ctx context.Context, _ *struct{}) (*infoOutput, error) {
	out := Info{Version: s.Version}
	if _, err := s.Identity.Authenticate(requestOf(ctx)); err == nil {
		out.Commit = s.Commit
	}
	return &infoOutput{Body: out}, nil
}
