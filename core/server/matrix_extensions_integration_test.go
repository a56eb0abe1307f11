//go:build integration

// The part of the matrix that is about extensions: their routes, and what the
// core serves for them.

package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/extension"
)

// shippedNeeds says, beside the manifests, which item each route and fragment of
// a shipped extension asks for: a new one without a line fails.
var shippedNeeds = map[string]string{
	"logging GET /clusters/{cluster}/projects/{project}/pods":   "logs.view",
	"logging GET /clusters/{cluster}/projects/{project}/logs":   "logs.view",
	"logging GET /clusters/{cluster}/projects/{project}/search": "logs.view",
	"logging GET /workspaces/{workspace}/search":                "logs.view-all",
	"logging fragment logs":                                     "logs.view",
	"logging fragment object":                                   "logs.view",
}

// extensionRoutes asks all of it.
func (m *matrix) extensionRoutes() {
	installed := m.extensions.List("")
	if len(installed) == 0 {
		m.t.Error("no extension is installed: nothing of them can be asked")
	}
	root := access.Subject{Name: adminName, Via: access.ViaToken}
	if account, ok := m.index.Account(adminName); ok {
		root.UID = account.UID
	}
	for _, e := range installed {
		for _, a := range e.Asks {
			if a.Kind != extension.AskRoute {
				continue
			}
			methods, rest, _ := strings.Cut(a.Rule, " ")
			path, _, _ := strings.Cut(rest, " ") // "websocket" may follow
			kind := access.KindPlatform
			switch {
			case strings.HasPrefix(path, "/clusters/{cluster}/projects/{project}"):
				kind = access.KindProject
			case strings.HasPrefix(path, "/workspaces/{workspace}"):
				kind = access.KindWorkspace
			}
			item := m.itemOf(e.Name, methods+" "+path)
			for method := range strings.SplitSeq(methods, ",") {
				m.askExtension(e.Name, method, path, item, kind)
			}
		}
		var fragments []string
		for _, c := range m.extensions.Contributions(root, access.Scope{Cluster: "local", Project: m.own.project}, "") {
			if c.Extension == e.Name && c.Fragment != "" && !slices.Contains(fragments, c.Fragment) {
				fragments = append(fragments, c.Fragment)
				m.askExtension(e.Name, "GET", "/-/fragments/"+c.Fragment+"?cluster=local&project={project}", m.itemOf(e.Name, "fragment "+c.Fragment), access.KindProject)
			}
		}
		m.parallel(func(role string) {
			status := m.tokens[role].do("GET", "/x/"+e.Name+"/-/icon", nil).status
			m.judge("extension routes", "GET /x/"+e.Name+"/-/icon", role, "", "allowed", fmt.Sprint(status), allowed(status))
			for _, place := range places {
				path := "/x/" + e.Name + "/-/kubernetes/clusters/local/api/v1/namespaces/" + m.namespace(place) + "/pods"
				want := m.rules(role, true, place).permit("list", "", "pods", "")
				status := m.tokens[role].do("GET", path, nil).status
				m.judge("extension routes", "GET "+path, role, place, verdict(want), fmt.Sprint(status), want == allowed(status))
			}
		})
	}
}

// itemOf is the item that a route or fragment asks for.
func (m *matrix) itemOf(extension, what string) access.Item {
	name, ok := shippedNeeds[extension+" "+what]
	for _, it := range m.index.Items() {
		if ok && string(it.Permission) == extension+"/"+name {
			return it
		}
	}
	m.t.Errorf("%s of %s has no expectation", what, extension)
	return access.Item{}
}

func (m *matrix) askExtension(name, method, path string, item access.Item, kind access.Kind) {
	m.parallel(func(role string) {
		for _, place := range places {
			at := m.at(place)
			filled := strings.NewReplacer("{cluster}", "local", "{project}", at.project, "{workspace}", at.workspace).Replace(path)
			want := m.hasItem(role, item, kind, place)
			a := m.tokens[role].do(method, "/x/"+name+filled, nil)
			// Behind the permission the guest answers, or has no back end.
			refused := a.status == http.StatusForbidden && strings.Contains(string(a.body), `"missing"`)
			right := refused != want && a.status != http.StatusUnauthorized && a.status != http.StatusTooManyRequests
			m.judge("extension routes", method+" /x/"+name+path, role, place, verdict(want), fmt.Sprint(a.status), right)
		}
	})
}

// hasItem is has for an item of an extension: whoever administers the platform
// has it, and whoever has all that one of its default roles has is that role or a
// stronger one.
func (m *matrix) hasItem(role string, item access.Item, kind access.Kind, place string) bool {
	if role == access.PlatformAdmin {
		return true
	}
	return slices.ContainsFunc(item.Defaults, func(weakest string) bool {
		for _, p := range access.PresetPermissions(weakest) {
			if !slices.Contains(access.PresetPermissions(role), p) || !m.has(role, p, kind, place) {
				return false
			}
		}
		return true
	})
}
