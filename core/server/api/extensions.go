// Extensions: what is installed, what a new one asks for, and the yes to it.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/extension"
)

// Extension is one that is installed.
type Extension struct {
	Name        string    `json:"name" example:"logging"`
	Version     string    `json:"version" example:"0.1.0"`
	Publisher   string    `json:"publisher" example:"atoll"`
	Title       string    `json:"title" doc:"In the language of Accept-Language." example:"Logging"`
	Description string    `json:"description"`
	Digest      string    `json:"digest" doc:"sha256 of the package."`
	Builtin     bool      `json:"builtin" doc:"It came with Atoll."`
	Phase       string    `json:"phase" enum:"Active,Degraded,Failed" doc:"Degraded: it serves, and its last instance ended by its own fault. Failed: its package cannot be used."`
	Message     string    `json:"message,omitempty" doc:"Why it does not."`
	InstalledAt time.Time `json:"installedAt"`
	InstalledBy string    `json:"installedBy" doc:"Who said yes; empty for what came with Atoll."`
	Asks        []Ask     `json:"asks" doc:"What was consented to."`
	Unbound     []string  `json:"unbound,omitempty" doc:"Its upstreams that no administrator has bound in atoll.yaml: what needs them is unavailable."`
	Loaded      bool      `json:"loaded" doc:"Whether its code is in memory: it is while it is used."`
	Instances   int       `json:"instances"`
	Streams     int       `json:"streams" doc:"Requests in flight."`
	MemoryBytes uint64    `json:"memoryBytes" doc:"Of all its instances."`
	Requests    uint64    `json:"requests" doc:"Since it was loaded."`
	Faults      uint64    `json:"faults" doc:"Instances that ended by their own fault."`
	Breakers    []Breaker `json:"breakers" doc:"Where it is not asked for a while, because it failed again and again."`
}

// Ask is one thing that an extension asks for, in words.
type Ask struct {
	Kind      string `json:"kind" doc:"kubernetes, role, route, ui, ..." example:"kubernetes"`
	Text      string `json:"text" doc:"What it may do then, for a person." example:"get, list and watch pods, as the person who asks"`
	Reason    string `json:"reason,omitempty" doc:"Why, in its author's words."`
	Dangerous bool   `json:"dangerous" doc:"Worth a second look."`
	Rule      string `json:"rule,omitempty" doc:"The rule itself, for those who know it."`
}

// Review is what an administrator reads before saying yes.
type Review struct {
	Name        string `json:"name" example:"hello"`
	Version     string `json:"version" example:"0.1.0"`
	Publisher   string `json:"publisher" example:"atoll"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Size        int    `json:"size" doc:"Bytes of the package."`
	Digest      string `json:"digest" doc:"sha256 of the package."`
	Consent     string `json:"consent" doc:"What a yes is a yes to: send it with the installation." example:"sha256:9f86d0..."`
	Asks        []Ask  `json:"asks"`
	Installed   string `json:"installed,omitempty" doc:"The version that is installed now."`
}

type (
	// Language is in which language texts shall be.
	Language struct {
		AcceptLanguage string `header:"Accept-Language" maxLength:"256"`
	}
	extensionListInput struct {
		ListQuery
		Language
	}
	extensionInput struct {
		Language
		Name string `path:"name" maxLength:"64" example:"hello"`
	}
	extensionOutput struct{ Body Extension }
	reviewInput     struct{ Upload }
	reviewOutput    struct{ Body Review }
	installInput    struct {
		Upload
		Consent string `query:"consent" required:"true" maxLength:"128" doc:"The consent of the review."`
	}
)

func (s *API) registerExtensions(a huma.API) {
	add(s, a, about{id: "list-extensions", method: http.MethodGet, path: "/api/v1/extensions", tag: "extensions", summary: "List what is installed"}, s.listExtensions)
	addUpload(s, a, about{id: "review-extension", method: http.MethodPost, path: "/api/v1/extensions:review", tag: "extensions",
		summary: "Say what a package asks for", text: "Nothing is installed and nothing of the package runs."}, s.reviewExtension)
	addUpload(s, a, about{id: "install-extension", method: http.MethodPost, path: "/api/v1/extensions", tag: "extensions", status: http.StatusCreated,
		summary: "Install a package", text: "With the consent that its review gave. A version that is installed already is replaced.",
		errors: []int{http.StatusConflict}}, s.installExtension)
	add(s, a, about{id: "get-extension", method: http.MethodGet, path: "/api/v1/extensions/{name}", tag: "extensions", summary: "Read an extension",
		errors: []int{http.StatusNotFound}}, s.getExtension)
	add(s, a, about{id: "remove-extension", method: http.MethodDelete, path: "/api/v1/extensions/{name}", tag: "extensions", status: http.StatusNoContent,
		summary: "Remove an extension", text: "Its routes, its pages and everything that it kept go.", errors: []int{http.StatusNotFound}}, s.removeExtension)
	add(s, a, about{id: "get-extension-health", method: http.MethodGet, path: "/api/v1/extensions/{name}/health", tag: "extensions", summary: "Say where an extension is not asked for a while",
		text: "Without a scope everything, for the platform's operators; in a scope what concerns the caller's requests there.", errors: []int{http.StatusNotFound}}, s.extensionHealth)
	s.registerRecordings(a)
	s.registerUsage(a)
	s.registerContributions(a)
}

func installed(e extension.State) Extension {
	shown := Extension{
		Name: e.Name, Version: e.Version, Publisher: e.Publisher, Title: e.Title, Description: e.Description, Digest: e.Digest, Builtin: e.Shipped,
		Phase: string(e.Phase), Message: e.Message, InstalledAt: e.InstalledAt, InstalledBy: e.By, Asks: asks(e.Asks),
		Unbound: e.Unbound, Loaded: e.Loaded, Instances: e.Instances, Streams: e.Streams, MemoryBytes: e.MemoryBytes, Requests: e.Requests, Faults: e.Faults,
		Breakers: breakers(e.Breakers),
	}
	return shown
}

func asks(all []extension.Ask) []Ask {
	shown := make([]Ask, 0, len(all))
	for _, a := range all {
		shown = append(shown, Ask(a))
	}
	return shown
}

func (s *API) listExtensions(ctx context.Context, in *extensionListInput) (*ListOutput[Extension], error) {
	all := []Extension{}
	for _, e := range s.Extensions.List(in.AcceptLanguage) {
		all = append(all, installed(e))
	}
	return page(all, in.ListQuery, s.version(), fields[Extension]{
		key:  func(e Extension) string { return e.Name },
		text: func(e Extension) []string { return []string{e.Name, e.Title, e.Description} },
		sort: map[string]func(Extension) string{
			"title":       func(e Extension) string { return e.Title },
			"phase":       func(e Extension) string { return e.Phase },
			"installedAt": func(e Extension) string { return sortable(e.InstalledAt) },
		},
	})
}

func (s *API) reviewExtension(ctx context.Context, in *reviewInput) (*reviewOutput, error) {
	r, err := s.Extensions.Review(ctx, in.tar)
	if err != nil {
		return nil, err
	}
	return &reviewOutput{Body: Review{
		Name: r.Name, Version: r.Version, Publisher: r.Publisher, Title: r.Title, Description: r.Description, Digest: r.Digest, Size: r.Size,
		Consent: r.Consent, Asks: asks(r.Asks), Installed: r.Installed,
	}}, nil
}

func (s *API) installExtension(ctx context.Context, in *installInput) (*extensionOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	i, err := s.Extensions.Install(ctx, in.tar, in.Consent, who)
	if err != nil {
		return nil, err
	}
	return s.getExtension(ctx, &extensionInput{Name: i.Name})
}

func (s *API) getExtension(ctx context.Context, in *extensionInput) (*extensionOutput, error) {
	e, err := s.Extensions.Get(in.Name, in.AcceptLanguage)
	if err != nil {
		return nil, err
	}
	return &extensionOutput{Body: installed(e)}, nil
}

func (s *API) removeExtension(ctx context.Context, in *extensionInput) (*struct{}, error) {
	return nil, s.Extensions.Remove(ctx, in.Name)
}
