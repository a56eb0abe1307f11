// What people leave behind in a project: told when they are removed, listed, and
// revoked by who may, when they have gone.

package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// accountServer is an API server that has service accounts, and nothing else.
type accountServer struct {
	mu   sync.Mutex
	uids map[string]string // by namespace/name
	last int
	down bool // for the platform itself
}

func (a *accountServer) names() (all []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name := range a.uids {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func (a *accountServer) make(w http.ResponseWriter, r *http.Request) {
	namespace, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces/"), "/serviceaccounts")
	var o struct{ Metadata struct{ Name string } }
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil || !ok || r.Method != "POST" {
		http.Error(w, "what?", http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	a.uids[namespace+"/"+o.Metadata.Name] = fmt.Sprint("uid-", a.last)
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"metadata":{"name":%q,"uid":"uid-%d"}}`, o.Metadata.Name, a.last)
}

func (a *accountServer) own(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	namespace, name, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces/"), "/serviceaccounts")
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case a.down:
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","code":500}`)
	case r.Method == "GET" && name == "":
		var items []string
		for at, uid := range a.uids {
			if in, one, _ := strings.Cut(at, "/"); in == namespace {
				items = append(items, fmt.Sprintf(`{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":%q,"uid":%q}}`, one, uid))
			}
		}
		fmt.Fprintf(w, `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{},"items":[%s]}`, strings.Join(items, ","))
	case r.Method == "DELETE":
		text, _ := io.ReadAll(r.Body)
		if uid := a.uids[namespace+name]; uid == "" || !strings.Contains(string(text), `"preconditions":{"uid":"`+uid+`"}`) {
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","code":409}`)
			return
		}
		delete(a.uids, namespace+name)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Success"}`)
	default:
		http.NotFound(w, r)
	}
}

func TestWhoIsRemovedLeavesNothingBehind(t *testing.T) {
	kubernetes := &accountServer{uids: map[string]string{}}
	u := newUpstream(t, kubernetes.make)
	u.own = kubernetes.own
	_, admin, wendy, petra, mona := groveWith(t, u)
	makes := func(who *browser, name string) {
		t.Helper()
		who.must("POST", "/clusters/local/api/v1/namespaces/red-1/serviceaccounts", map[string]any{"metadata": map[string]any{"name": name}}, 201)
	}
	left := func(query string) (all []string) {
		t.Helper()
		var list struct {
			Items []struct {
				User, Kind, Name string
				Member           bool
			}
		}
		wendy.must("GET", red1+"/leftovers"+query, nil, 200).json(&list)
		for _, l := range list.Items {
			all = append(all, fmt.Sprint(l.User, " ", l.Kind, " ", l.Name, " ", l.Member))
		}
		return all
	}
	// removed is what somebody leaves behind who is taken out.
	removed := func(who *browser, path string) (all []string) {
		t.Helper()
		var b struct {
			Leftovers []struct {
				Cluster, Project, Name string
				Member, Revoked        bool
			}
		}
		who.must("DELETE", path, nil, 200).json(&b)
		for _, l := range b.Leftovers {
			all = append(all, fmt.Sprint(l.Cluster, " ", l.Project, " ", l.Name, " member ", l.Member, " revoked ", l.Revoked))
		}
		return all
	}
	expect := func(what string, got, want any) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}

	makes(petra, "deployer")
	makes(wendy, "watcher")
	expect("what is there", left(""), []string{"petra ServiceAccount deployer true", "wendy ServiceAccount watcher true"})
	expect("of one", left("?user=wendy"), []string{"wendy ServiceAccount watcher true"})
	expect("of who has gone", left("?gone=true"), []string{})
	mona.must("GET", red1+"/leftovers", nil, 403)
	mona.must("DELETE", red1+"/leftovers/petra", nil, 403)
	wendy.must("DELETE", red1+"/leftovers/petra", nil, 409)
	wendy.must("DELETE", red1+"/leftovers/nobody", nil, 404)

	expect("told at the removal", removed(wendy, red1+"/members/petra"), []string{"local red-1 deployer member false revoked false"})
	expect("of who has gone", left("?gone=true"), []string{"petra ServiceAccount deployer false"})
	expect("revoked later", removed(wendy, red1+"/leftovers/petra"), []string{"local red-1 deployer member false revoked true"})
	expect("in Kubernetes", kubernetes.names(), []string{"red-1/watcher"})

	// In the same step.
	wendy.must("PUT", red1+"/members/petra", map[string]any{"role": "project-admin"}, 200)
	makes(petra, "again")
	expect("revoked at once", removed(wendy, red1+"/members/petra?revoke=true"), []string{"local red-1 again member false revoked true"})
	expect("in Kubernetes", kubernetes.names(), []string{"red-1/watcher"})

	// Who has another role there yet has not gone, and out of the workspace has.
	admin.must("PUT", red1+"/members/wendy", map[string]any{"role": "project-viewer"}, 200)
	expect("by the workspace", removed(admin, red1+"/members/wendy?revoke=true"), []string{"local red-1 watcher member true revoked false"})
	expect("in Kubernetes", kubernetes.names(), []string{"red-1/watcher"})
	admin.must("PUT", "/api/v1/workspaces/blue/members/wendy", map[string]any{"role": "workspace-admin"}, 200)
	expect("out of another workspace", removed(admin, "/api/v1/workspaces/blue/members/wendy?revoke=true"), []string{})
	expect("out of the workspace", removed(admin, "/api/v1/workspaces/red/members/wendy?revoke=true"), []string{"local red-1 watcher member false revoked true"})
	expect("in Kubernetes", kubernetes.names(), []string{})

	// Who is no user any more is known by what they made.
	admin.must("PUT", "/api/v1/workspaces/red/members/wendy", map[string]any{"role": "workspace-admin"}, 200)
	wendy.must("PUT", red1+"/members/petra", map[string]any{"role": "project-admin"}, 200)
	makes(petra, "last")
	admin.must("DELETE", "/api/v1/users/petra", nil, 204)
	expect("of a user that was deleted", removed(wendy, red1+"/leftovers/petra"), []string{"local red-1 last member false revoked true"})

	// While Kubernetes does not answer the membership ends all the same.
	wendy.must("PUT", red1+"/members/mona", map[string]any{"role": "project-admin"}, 200)
	makes(mona, "monas")
	kubernetes.mu.Lock()
	kubernetes.down = true
	kubernetes.mu.Unlock()
	if a := wendy.must("DELETE", red1+"/members/mona?revoke=true", nil, 503); !strings.Contains(string(a.body), "no member any more") {
		t.Errorf("%s", a.body)
	}
	wendy.must("GET", red1+"/members/mona", nil, 404)
	kubernetes.mu.Lock()
	kubernetes.down = false
	kubernetes.mu.Unlock()
	wendy.must("DELETE", red1+"/leftovers/mona", nil, 200)
	expect("in Kubernetes", kubernetes.names(), []string{})
}
