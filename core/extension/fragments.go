// Fragments and the console's own way to Kubernetes on an extension's behalf:
// everything under /x/{extension}/-/.
package extension

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/capability"
	"github.com/atoll-platform/atoll/core/fragment"
	"github.com/atoll-platform/atoll/core/sandbox"
	catalogue "github.com/atoll-platform/atoll/sdk/fragment"
)

// maxKubernetesBody bounds what the console may send to Kubernetes for an extension.
const maxKubernetesBody = 32 << 20

// contextName is what may stand in the context of a fragment.
var contextName = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9._:/]{0,251}[A-Za-z0-9])?$`)

// ServeFragment answers a fragment for a person: the guest is asked, what it says
// is checked, put into the person's language and marked with what they may not
// do. path is the rest after /x/{extension}/-/fragments and begins with a slash;
// the query says the scope (cluster, workspace, project) and on tabs the object.
func (h *Host) ServeFragment(w http.ResponseWriter, r *http.Request, s access.Subject, name, path string) {
	a, used, err := h.use(name)
	if err != nil {
		h.fail(w, r, nil, problem{Status: http.StatusNotFound, Title: "No such extension", Detail: "No extension " + quote(name) + " is installed."})
		return
	}
	defer used()
	if a.pkg == nil {
		h.fail(w, r, a, a.failed())
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.fail(w, r, a, problem{Status: http.StatusMethodNotAllowed, Title: "A fragment is only read", allow: []string{"GET", "HEAD"}})
		return
	}
	sc, query, ok := fragmentScope(r.URL.RawQuery)
	shown := a.shownIn(strings.TrimPrefix(path, "/"), sc)
	if !ok || len(shown) == 0 {
		h.fail(w, r, a, problem{Status: http.StatusNotFound, Title: "The extension shows no such fragment here"})
		return
	}
	var lacks *missing
	for _, c := range shown { // one way to it is enough
		if lacks = h.lacks(s, a, c, sc); lacks == nil {
			break
		}
	}
	if lacks == nil { // one of a wider scope does not bring the narrower one with it
		lacks = h.may(s, a, "", sc)
	}
	if lacks != nil {
		h.fail(w, r, a, forbidden(lacks))
		return
	}
	at, wrong := h.place(s, sc)
	if wrong != nil {
		h.fail(w, r, a, *wrong)
		return
	}
	request := h.request(a, r, s, at, "fragment", "/fragments"+path)
	request.Method, request.Target, request.Header = http.MethodGet, "/fragments"+path+query, nil
	raw, status, err := ask(r, a, request)
	if err != nil {
		if r.Context().Err() == nil {
			h.report(a, r, err)
		}
		if !left(r) {
			h.fail(w, r, a, h.why(context.Cause(r.Context()), err))
		}
		return
	}
	if status != http.StatusOK {
		h.fail(w, r, a, problem{Status: http.StatusBadGateway, Title: "The extension did not give its fragment", Detail: fmt.Sprintf("It answered %d.", status)})
		return
	}
	checked, err := fragment.Check(raw, h.rules(r, a, s, at))
	var refused *fragment.Error
	switch {
	case errors.As(err, &refused):
		h.log.Warn("fragment refused", "extension", a.Name, "version", a.Version, "fragment", path, "error", refused)
		h.fail(w, r, a, problem{Status: http.StatusBadGateway, Title: "The extension's fragment breaks the rules", Detail: quote(refused.Violations[0].Message), Violations: refused.Violations})
		return
	case err != nil:
		h.fail(w, r, a, problem{Status: http.StatusBadGateway, Title: "The extension's fragment cannot be shown"})
		return
	}
	head := w.Header()
	head.Set("ETag", checked.ETag)
	head.Set("Cache-Control", "private, no-cache")
	head.Set("Vary", "Accept-Language, Cookie, Authorization")
	if slices.Contains(strings.Split(strings.ReplaceAll(r.Header.Get("If-None-Match"), " ", ""), ","), checked.ETag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	head.Set("Content-Type", "application/json")
	_, _ = w.Write(checked.JSON) // the client may be gone
}

// ask asks the guest and reads no more of its answer than may be shown.
func ask(r *http.Request, a *active, request *sandbox.Request) (raw []byte, status int, err error) {
	response, err := a.guest.Do(r.Context(), request)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	raw, err = io.ReadAll(io.LimitReader(response.Body, fragment.MaxSize+1))
	return raw, response.Status, err
}

// fragmentScope reads scope and object from the query, and writes it anew for the
// guest: nothing else is passed on.
func fragmentScope(raw string) (access.Scope, string, bool) {
	values, err := url.ParseQuery(raw)
	if err != nil || len(raw) > 4096 {
		return access.Scope{}, "", false
	}
	out := url.Values{}
	for _, key := range []string{"cluster", "workspace", "project", "gvr", "namespace", "name", "uid"} {
		v := values.Get(key)
		if v == "" {
			continue
		}
		if !contextName.MatchString(v) {
			return access.Scope{}, "", false
		}
		out.Set(key, v)
	}
	sc := access.Scope{Cluster: out.Get("cluster"), Workspace: out.Get("workspace"), Project: out.Get("project")}
	if sc.Project != "" {
		sc.Workspace = "" // a project says its workspace itself
	}
	if sc.Project != "" && sc.Cluster == "" {
		return access.Scope{}, "", false
	}
	if len(out) == 0 {
		return sc, "", true
	}
	return sc, "?" + out.Encode(), true
}

// rules are what a fragment of this extension must keep to for this person.
func (h *Host) rules(r *http.Request, a *active, s access.Subject, at place) fragment.Rules {
	lang := a.pkg.language(r.Header.Get("Accept-Language"))
	var pages []string
	for _, c := range a.pkg.Contributions {
		if c.Slot == catalogue.SlotPage {
			pages = append(pages, c.Route)
		}
	}
	return fragment.Rules{
		Route:      a.router.takesGET,
		Kind:       a.allows,
		Pages:      pages,
		Text:       func(key string) (string, bool) { return a.pkg.text(lang, key) },
		Permission: a.pkg.Manifest.hasItem,
		Missing: func(q catalogue.Require) string {
			if q.Permission != "" {
				if m := h.may(s, a, q.Permission, at.Scope); m != nil {
					return fmt.Sprintf("%s in %s", m.Permission, m.Scope)
				}
			}
			if q.Verb == "" {
				return ""
			}
			ask := kubernetesQuestion(q)
			ask.Namespace = at.Project
			if h.options.Door == nil {
				return ask.String()
			}
			allowed, err := h.options.Door.May(r.Context(), a.call(s, h.origin(r), at.Cluster), capability.Via{Extension: a.Name, Version: a.Version}, ask)
			if err != nil {
				h.log.Warn("a right cannot be asked for", "extension", a.Name, "question", ask.String(), "error", err)
			}
			if err != nil || !allowed {
				return ask.String()
			}
			return ""
		},
	}
}

// kubernetesQuestion is what a requirement asks of Kubernetes.
func kubernetesQuestion(r catalogue.Require) capability.Question {
	q, _ := kindOf(string(r.GVR))
	q.Verb, q.Subresource = r.Verb, r.Subresource
	return q
}

// versionName is what an API version is called.
var versionName = regexp.MustCompile(`^v[0-9]+((alpha|beta)[0-9]+)?$`)

// kindOf takes a kind apart: v1/pods, v1/pods/log, apps/v1/deployments.
func kindOf(gvr string) (capability.Question, bool) {
	parts := strings.Split(gvr, "/")
	if versionName.MatchString(parts[0]) {
		parts = append([]string{""}, parts...)
	}
	if len(parts) != 3 && len(parts) != 4 {
		return capability.Question{}, false
	}
	q := capability.Question{Group: parts[0], Version: parts[1], Resource: parts[2]}
	if len(parts) == 4 {
		q.Subresource = parts[3]
	}
	return q, true
}

// allows tells whether the manifest allows a verb on a kind.
func (a *active) allows(gvr, verb string) bool {
	q, ok := kindOf(gvr)
	if q.Verb = verb; verb != "list" && verb != "watch" && verb != "create" && verb != "deletecollection" {
		q.Name = "any"
	}
	if ok {
		ok, _ = capability.Allowed(a.rules, q)
	}
	return ok
}

// ServeKubernetes carries a request of the console to a cluster on behalf of an
// extension's fragment: what the manifest allows and the person may. path is the
// rest after /x/{extension}/-/kubernetes and begins with /clusters/{cluster}/.
func (h *Host) ServeKubernetes(w http.ResponseWriter, r *http.Request, s access.Subject, name, path string) {
	a, used, err := h.use(name)
	if err != nil {
		h.fail(w, r, nil, problem{Status: http.StatusNotFound, Title: "No such extension", Detail: "No extension " + quote(name) + " is installed."})
		return
	}
	defer used()
	if a.pkg == nil {
		h.fail(w, r, a, a.failed())
		return
	}
	rest, ok := strings.CutPrefix(path, "/clusters/")
	cluster, rest, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 || !scopeName.MatchString(cluster) || h.options.Door == nil {
		h.fail(w, r, a, problem{Status: http.StatusNotFound, Title: "No such place", Detail: "The path is /clusters/{cluster}/api... or /clusters/{cluster}/apis..."})
		return
	}
	live, done := h.streams.add(r.Context(), a.following, func() error { return nil }) // the right in Kubernetes is watched by the proxy
	defer done()
	request := (&http.Request{
		Method: r.Method, URL: &url.URL{Path: "/" + rest, RawQuery: r.URL.RawQuery}, Header: http.Header{}, ContentLength: r.ContentLength,
	}).WithContext(live.ctx)
	if r.Body != nil && r.Body != http.NoBody {
		request.Body = http.MaxBytesReader(nil, r.Body, maxKubernetesBody)
	}
	for _, key := range []string{"Accept", "Content-Type"} {
		if v := r.Header.Get(key); v != "" {
			request.Header.Set(key, v)
		}
	}
	response, err := h.options.Door.Do(live.ctx, a.call(s, h.origin(r), cluster), capability.Via{Extension: a.Name, Version: a.Version}, request)
	if err != nil {
		if !left(r) {
			p := h.why(live.cause(), err)
			p.Detail = strings.Replace(p.Detail, "The extension says: ", "", 1) // it is the host that says it
			h.fail(w, r, a, p)
		}
		return
	}
	defer response.Body.Close()
	for _, key := range []string{"Content-Type", "Retry-After", "Warning"} {
		for _, v := range response.Header[key] {
			w.Header().Add(key, v)
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(response.StatusCode)
	if err := pass(w, response.Body, true); err != nil && !left(r) {
		panic(http.ErrAbortHandler)
	}
}

// ServeIcon answers the extension's icon, to be shown as an image.
func (h *Host) ServeIcon(w http.ResponseWriter, r *http.Request, name string) {
	a, err := h.get(name)
	if err != nil || a.pkg == nil || len(a.pkg.Icon) == 0 {
		h.fail(w, r, nil, problem{Status: http.StatusNotFound, Title: "No such icon"})
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "private, max-age=3600")
	_, _ = w.Write(a.pkg.Icon) // the client may be gone
}
