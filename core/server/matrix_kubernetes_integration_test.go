//go:build integration

// The part of the matrix that is about Kubernetes: every resource and verb that
// the cluster's discovery tells, asked as a question and for real.

package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	rbac "k8s.io/api/rbac/v1"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/tenancy"
)

// placeCluster is the whole cluster, for what is asked without a namespace.
const placeCluster = "all"

const throughCluster = "/clusters/local"

// namespace is a place's. That of none belongs to the cluster itself.
func (m *matrix) namespace(place string) string {
	switch place {
	case placeCluster:
		return ""
	case placeNone:
		return "kube-system"
	}
	return m.at(place).project
}

// kubernetesRules are what somebody may in a place.
type kubernetesRules struct {
	everything bool
	rules      []rbac.PolicyRule
}

func (k kubernetesRules) permit(verb, group, resource, subresource string) bool {
	if subresource != "" {
		resource += "/" + subresource
	}
	return k.everything || slices.ContainsFunc(k.rules, func(r rbac.PolicyRule) bool {
		return slices.Contains(r.Verbs, verb) && slices.Contains(r.APIGroups, group) && slices.Contains(r.Resources, resource)
	})
}

// everybodys are the rules that Kubernetes gives to whoever is authenticated
// (its ClusterRole system:basic-user).
var everybodys = []rbac.PolicyRule{
	{Verbs: []string{"create"}, APIGroups: []string{"authorization.k8s.io"}, Resources: []string{"selfsubjectaccessreviews", "selfsubjectrulesreviews"}},
	{Verbs: []string{"create"}, APIGroups: []string{"authentication.k8s.io"}, Resources: []string{"selfsubjectreviews"}},
}

// rules are those of a role in a place, from the tables: a platform's role counts
// everywhere, another one in the own project. What has no namespace lies outside
// of every project.
func (m *matrix) rules(role string, namespaced bool, place string) kubernetesRules {
	if role == access.PlatformAdmin {
		return kubernetesRules{everything: true}
	}
	all := slices.Clone(everybodys)
	for _, p := range access.PresetPermissions(role) {
		kind, _ := access.RoleKind(role)
		if kind == access.KindPlatform || namespaced && place == placeOwn {
			all = append(all, tenancy.PermissionRules(p)...)
		}
	}
	if role != noRole {
		all = append(all, tenancy.PermissionRules(access.ClustersView)...)
	}
	return kubernetesRules{rules: all}
}

// kubernetesResource is one line of the discovery.
type kubernetesResource struct {
	root        string // "/api/v1", "/apis/apps/v1"
	group       string
	name, below string // resource and subresource
	namespaced  bool
	verbs       []string
}

func (r kubernetesResource) String() string {
	s := r.name
	if r.below != "" {
		s += "/" + r.below
	}
	if r.group != "" {
		s += "." + r.group
	}
	return s
}

// places are where it can be.
func (r kubernetesResource) places() []string {
	if r.namespaced {
		return []string{placeOwn, placeOther, placeNone, placeCluster}
	}
	return []string{placeCluster}
}

// discovered is every resource of the cluster once, of the preferred version.
func (m *matrix) discovered() []kubernetesResource {
	admin := m.tokens[access.PlatformAdmin]
	var groups struct {
		Groups []struct {
			Versions []struct{ GroupVersion string }
		}
	}
	admin.must("GET", throughCluster+"/apis", nil, 200).json(&groups)
	roots := []string{"/api/v1"}
	for _, g := range groups.Groups {
		for _, v := range g.Versions { // the preferred one first
			roots = append(roots, "/apis/"+v.GroupVersion)
		}
	}
	var all []kubernetesResource
	seen := map[string]bool{}
	for _, root := range roots {
		var list struct {
			Resources []struct {
				Name       string
				Namespaced bool
				Verbs      []string
			}
		}
		admin.must("GET", throughCluster+root, nil, 200).json(&list)
		group := ""
		if rest, ok := strings.CutPrefix(root, "/apis/"); ok {
			group, _, _ = strings.Cut(rest, "/")
		}
		for _, one := range list.Resources {
			r := kubernetesResource{root: root, group: group, namespaced: one.Namespaced, verbs: one.Verbs}
			r.name, r.below, _ = strings.Cut(one.Name, "/")
			if !seen[r.String()] {
				seen[r.String()] = true
				all = append(all, r)
			}
		}
	}
	if len(all) < 60 {
		m.t.Fatalf("the discovery tells of %d resources only", len(all))
	}
	return all
}

// unserved are verbs that no request has, and by which rights are widened.
var unserved = []kubernetesResource{
	{group: "rbac.authorization.k8s.io", name: "roles", namespaced: true, verbs: []string{"escalate", "bind"}},
	{group: "rbac.authorization.k8s.io", name: "clusterroles", verbs: []string{"escalate", "bind"}},
	{name: "users", verbs: []string{"impersonate"}}, {name: "groups", verbs: []string{"impersonate"}},
	{name: "serviceaccounts", namespaced: true, verbs: []string{"impersonate", "*"}},
	{group: "certificates.k8s.io", name: "signers", verbs: []string{"approve", "sign", "attest"}},
	{group: "*", name: "*", verbs: []string{"*"}}, {group: "*", name: "*", namespaced: true, verbs: []string{"*"}},
}

// kubernetesRights asks by SelfSubjectAccessReview.
func (m *matrix) kubernetesRights() {
	all := append(m.discovered(), unserved...)
	m.parallel(func(role string) {
		for _, r := range all {
			for _, verb := range r.verbs {
				for _, place := range r.places() {
					m.askRight(role, r, verb, place, "")
				}
				if r.name == "namespaces" && r.group == "" { // which lie in themselves
					for _, place := range []string{placeOwn, placeOther, placeNone} {
						m.askRight(role, r, verb, place, m.namespace(place))
					}
				}
			}
		}
	})
}

func (m *matrix) askRight(role string, r kubernetesResource, verb, place, name string) {
	review := map[string]any{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": map[string]any{"resourceAttributes": map[string]any{
		"verb": verb, "group": r.group, "resource": r.name, "subresource": r.below, "namespace": m.namespace(place), "name": name,
	}}}
	status, body := m.send(role, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
	var answer struct{ Status struct{ Allowed bool } }
	want := m.rules(role, place != placeCluster, place).permit(verb, r.group, r.name, r.below)
	right := status == http.StatusCreated && json.Unmarshal(body, &answer) == nil && answer.Status.Allowed == want
	m.judge("Kubernetes rights", verb+" "+r.String()+" "+name, role, place, verdict(want), fmt.Sprintf("%d %s", status, verdict(answer.Status.Allowed)), right)
}

// kubernetesRequests makes real requests. Those that write are dry runs of what
// is not there.
func (m *matrix) kubernetesRequests() {
	all := m.discovered()
	m.parallel(func(role string) {
		for _, r := range all {
			for _, verb := range r.verbs {
				for _, place := range r.places() {
					spans := r.namespaced && place == placeCluster
					if spans && verb != "list" && verb != "watch" {
						continue // these want a namespace
					}
					m.requestFor(role, r, verb, place)
				}
			}
		}
		for _, place := range []string{placeOwn, placeOther, placeNone} {
			path := "/api/v1/namespaces/" + m.namespace(place)
			want := m.rules(role, true, place).permit("get", "", "namespaces", "")
			status, _ := m.send(role, "GET", path, nil)
			m.judge("Kubernetes requests", "GET "+path, role, place, verdict(want), fmt.Sprint(status), want == allowed(status))
		}
	})
}

// mayRequest is what the tables say of a request. Without a namespace, who may
// not read the whole cluster gets what can be read of their projects, together.
func (m *matrix) mayRequest(role string, r kubernetesResource, verb, place string) bool {
	namespaces := r.group == "" && r.name == "namespaces" && r.below == ""
	joined := place == placeCluster && (r.namespaced || namespaces) && (verb == "list" || verb == "watch") && !m.has(role, access.WorkloadsView, access.KindPlatform, "")
	switch {
	case !joined:
		return m.rules(role, r.namespaced && place != placeCluster, place).permit(verb, r.group, r.name, r.below)
	case !m.has(role, access.ProjectsView, access.KindProject, placeOwn): // no projects: an empty list
		return verb == "list" || role != noRole
	}
	return namespaces || m.rules(role, true, placeOwn).permit(verb, r.group, r.name, r.below)
}

func (m *matrix) requestFor(role string, r kubernetesResource, verb, place string) {
	path := r.root
	if r.namespaced && place != placeCluster {
		path += "/namespaces/" + m.namespace(place)
	}
	path += "/" + r.name
	one := path + "/no-such"
	if r.below != "" {
		path, one = one+"/"+r.below, one+"/"+r.below
	}
	method, target, body := "", "", any(nil)
	switch verb {
	case "get":
		method, target = "GET", one
	case "list":
		method, target = "GET", path
	case "watch":
		method, target = "GET", path+"?watch=1&timeoutSeconds=1"
	case "create":
		method, target, body = "POST", path+"?dryRun=All", creates(r)
	case "update":
		method, target, body = "PUT", one+"?dryRun=All", map[string]any{}
	case "patch":
		method, target, body = "PATCH", one+"?dryRun=All", map[string]any{}
	case "delete":
		method, target = "DELETE", one+"?dryRun=All"
	case "deletecollection":
		method, target = "DELETE", path+"?dryRun=All&labelSelector=atoll.dev/matrix%3Dnone"
	default:
		m.t.Errorf("%s: the verb %s has no request", r, verb)
		return
	}
	want := m.mayRequest(role, r, verb, place)
	status, text := m.send(role, method, target, body)
	right := want == allowed(status) && (want || status == http.StatusForbidden)
	m.judge("Kubernetes requests", verb+" "+r.String(), role, place, verdict(want), fmt.Sprintf("%d %.200s", status, text), right)
	if verb == "list" && status == http.StatusOK && !m.has(role, access.WorkloadsView, access.KindPlatform, "") && (r.namespaced || r.name == "namespaces") {
		m.onlyOwn(role, r, place, text)
	}
}

// creates is what is sent to make one: nothing, where the API server takes that
// for a mistake; where it fails by it, the least that it understands.
func creates(r kubernetesResource) map[string]any {
	none := map[string]any{"name": "no-such"}
	switch r.name {
	case "bindings":
		return map[string]any{"metadata": none, "target": map[string]any{"kind": "Node", "name": "no-such"}}
	case "rolebindings", "clusterrolebindings":
		return map[string]any{"roleRef": map[string]any{"apiGroup": rbac.GroupName, "kind": "ClusterRole", "name": "no-such"}}
	}
	return map[string]any{}
}

// onlyOwn looks at a list: nothing of it may be of another project.
func (m *matrix) onlyOwn(role string, r kubernetesResource, place string, text []byte) {
	var list struct {
		Items []struct {
			Metadata struct{ Name, Namespace string }
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		m.t.Errorf("the list of %s: %v", r, err)
	}
	foreign := ""
	for _, one := range list.Items {
		if one.Metadata.Namespace != m.own.project && !(r.name == "namespaces" && one.Metadata.Name == m.own.project) {
			foreign = one.Metadata.Namespace + "/" + one.Metadata.Name
		}
	}
	m.judge("Kubernetes lists", "list "+r.String(), role, place, "nothing of others", foreign, foreign == "")
}

// kubernetesPaths asks for what is no resource.
func (m *matrix) kubernetesPaths() {
	for path, may := range map[string]func(role string) bool{
		"/api": anyRole, "/apis": anyRole, "/version": anyRole, "/openapi/v3": anyRole, "/apis/apps/v1": anyRole,
		"/healthz": someRole, "/livez": someRole, "/readyz": someRole, // system:public-info-viewer
		"/metrics": adminRole, "/logs/": adminRole, "/debug/pprof/": adminRole, "/metrics/slis": adminRole, "/": adminRole, "/no-such": adminRole,
	} {
		m.parallel(func(role string) {
			want := may(role)
			status, _ := m.send(role, "GET", path, nil)
			m.judge("Kubernetes paths", "GET "+path, role, "", verdict(want), fmt.Sprint(status), want == allowed(status) && (want || status == http.StatusForbidden))
			status = m.tokens[role].do("GET", "/clusters/no-such"+path, nil).status
			m.judge("Kubernetes paths", "GET /clusters/no-such"+path, role, "", "404", fmt.Sprint(status), status == http.StatusNotFound)
		})
		status := m.do(nil, "GET", throughCluster+path, nil, nil).status
		m.judge("Kubernetes paths", "GET "+path, "(nobody)", "", "401", fmt.Sprint(status), status == http.StatusUnauthorized)
	}
}

func anyRole(string) bool        { return true }
func someRole(role string) bool  { return role != noRole }
func adminRole(role string) bool { return role == access.PlatformAdmin }

// matrixClient keeps a connection for each person.
var matrixClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}

// send makes a request to Kubernetes as the person of a role. What is followed
// is given up as soon as it was let through.
func (m *matrix) send(role, method, path string, body any) (status int, text []byte) {
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			m.t.Error(err)
		}
		in = bytes.NewReader(raw)
	}
	q, err := http.NewRequestWithContext(m.t.Context(), method, m.url+throughCluster+path, in)
	if err != nil {
		m.t.Error(err)
		return 0, nil
	}
	q.Header.Set("Authorization", "Bearer "+m.tokens[role].token)
	switch {
	case method == "PATCH":
		q.Header.Set("Content-Type", "application/merge-patch+json")
	case in != nil:
		q.Header.Set("Content-Type", "application/json")
	}
	a, err := matrixClient.Do(q)
	if err != nil {
		m.t.Errorf("%s %s as %s: %v", method, path, role, err)
		return 0, nil
	}
	defer a.Body.Close()
	if strings.Contains(path, "watch=1") && a.StatusCode == http.StatusOK {
		return a.StatusCode, nil
	}
	if text, err = io.ReadAll(a.Body); err != nil {
		m.t.Errorf("%s %s as %s: %v", method, path, role, err)
	}
	return a.StatusCode, text
}
