// Extensions: what is installed, what a new one asks for, and the yes to it.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Extension is one that is installed.
type Extension struct {
	Name        string    `json:"name" example:"logging"`
	Version     string    `json:"version" example:"0.1.0"`
	Title       string    `json:"title" doc:"In the language of Accept-Language." example:"Logging"`
	Description string    `json:"description"`
	Digest      string    `json:"digest" doc:"sha256 of the package."`
	Builtin     bool      `json:"builtin" doc:"It came with Atoll."`
	State       string    `json:"state" enum:"active,failed" doc:"Whether it serves."`
	Message     string    `json:"message,omitempty" doc:"Why it does not."`
	InstalledAt time.Time `json:"installedAt"`
	InstalledBy string    `json:"installedBy" doc:"Who said yes."`
	Asks        []Ask     `json:"asks" doc:"What was consented to."`
}

// Ask is one thing that an extension asks for, in words.
type Ask struct {
	Kind      string `json:"kind" doc:"kubernetes, role, route, ui, ..." example:"kubernetes"`
	Text      string `json:"text" doc:"What it may do then, for a person." example:"get, list and watch pods, as the person who asks"`
	Reason    string `json:"reason,omitempty" doc:"Why, in its author's words."`
	Dangerous bool   `json:"dangerous" doc:"Worth a second look."`
}

// Review is what an administrator reads before saying yes.
type Review struct {
	Name        string `json:"name" example:"hello"`
	Version     string `json:"version" example:"0.1.0"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Digest      string `json:"digest" doc:"sha256 of the package."`
	Consent     string `json:"consent" doc:"What a yes is a yes to: send it with the installation." example:"sha256:9f86d0..."`
	Asks        []Ask  `json:"asks"`
	Installed   string `json:"installed,omitempty" doc:"The version that is installed now."`
}

type (
	extensionInput struct {
		Name string `path:"name" maxLength:"64" example:"hello"`
	}
	extensionOutput struct{ Body Extension }
	reviewInput     struct{ upload }
	reviewOutput    struct{ Body Review }
	installInput    struct {
		upload
		Consent string `query:"consent" required:"true" maxLength:"128" doc:"The consent of the review."`
	}
)

func (s *API) registerExtensions(a huma.API) {
	add(a, about{id: "list-extensions", method: http.MethodGet, path: "/api/v1/extensions", tag: "extensions", summary: "List what is installed"}, s.listExtensions)
	addUpload(a, about{id: "review-extension", method: http.MethodPost, path: "/api/v1/extensions:review", tag: "extensions",
		summary: "Say what a package asks for", text: "Nothing is installed and nothing of the package runs."}, s.reviewExtension)
	addUpload(a, about{id: "install-extension", method: http.MethodPost, path: "/api/v1/extensions", tag: "extensions", status: http.StatusCreated,
		summary: "Install a package", text: "With the consent that its review gave. A version that is installed already is replaced.",
		errors: []int{http.StatusConflict}}, s.installExtension)
	add(a, about{id: "get-extension", method: http.MethodGet, path: "/api/v1/extensions/{name}", tag: "extensions", summary: "Read an extension",
		errors: []int{http.StatusNotFound}}, s.getExtension)
	add(a, about{id: "remove-extension", method: http.MethodDelete, path: "/api/v1/extensions/{name}", tag: "extensions", status: http.StatusNoContent,
		summary: "Remove an extension", text: "Its routes, its pages and everything that it kept go.", errors: []int{http.StatusNotFound}}, s.removeExtension)
	s.registerContributions(a)
}

func (s *API) listExtensions(ctx context.Context, in *ListQuery) (*ListOutput[Extension], error) {
	return nil, errNotYet
}
func (s *API) reviewExtension(ctx context.Context, in *reviewInput) (*reviewOutput, error) {
	return nil, errNotYet
}
func (s *API) installExtension(ctx context.Context, in *installInput) (*extensionOutput, error) {
	return nil, errNotYet
}
func (s *API) getExtension(ctx context.Context, in *extensionInput) (*extensionOutput, error) {
	return nil, errNotYet
}
func (s *API) removeExtension(ctx context.Context, in *extensionInput) (*struct{}, error) {
	return nil, errNotYet
}
