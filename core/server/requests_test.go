// Access requests by the API: who may ask for what, who sees it, who decides.

package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

type accessRequest struct {
	ID, User, State, Given, DecidedBy string
	Until                             *string
	Decidable                         bool
}

func ask(b *browser, status int, body map[string]any) (r accessRequest) {
	if _, ok := body["reason"]; !ok {
		body["reason"] = "on call"
	}
	if a := b.must("POST", "/api/v1/access-requests", body, status); status == 201 {
		a.json(&r)
	}
	return r
}

func requests(b *browser, query string) (all []string) {
	var list struct{ Items []accessRequest }
	b.must("GET", "/api/v1/access-requests"+query, nil, 200).json(&list)
	for _, r := range list.Items {
		all = append(all, fmt.Sprint(r.User, " ", r.State, " ", r.Decidable))
	}
	return all
}

func TestARequestIsAskedSeenAndDecided(t *testing.T) {
	_, admin, wendy, petra, mona := grove(t)
	r := ask(mona, 201, map[string]any{"cluster": "local", "project": "red-1", "role": "project-viewer"})
	ask(mona, 409, map[string]any{"cluster": "local", "project": "red-1", "role": "project-viewer"})
	at := "/api/v1/access-requests/" + r.ID
	for who, want := range map[*browser][]string{mona: {"mona pending false"}, petra: {"mona pending true"}, wendy: {"mona pending true"}, admin: {"mona pending true"}} {
		if got := requests(who, ""); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if got := requests(petra, "?mine=true"); got != nil {
		t.Errorf("petra's own: %v", got)
	}
	john := admin.user("john")
	admin.must("PUT", red1+"/members/john", map[string]any{"role": "project-developer"}, 200)
	if got := requests(john, ""); got != nil {
		t.Errorf("john, who decides nothing, sees %v", got)
	}
	john.must("GET", at, nil, 404)
	john.must("POST", at+"/decision", map[string]any{"approve": true}, 404)
	john.must("DELETE", at, nil, 404)
	mona.must("POST", at+"/decision", map[string]any{"approve": true}, 403)
	petra.must("POST", at+"/decision", map[string]any{"approve": true, "expiresIn": "1s"}, 422)
	petra.must("POST", at+"/decision", map[string]any{"approve": true, "expiresIn": "9000h"}, 422)
	petra.must("POST", at+"/decision", map[string]any{"approve": true, "role": "workspace-viewer"}, 403)
	petra.must("POST", at+"/decision", map[string]any{"approve": true, "role": "nothing"}, 422)
	petra.must("POST", at+"/decision", map[string]any{"approve": true, "comment": "welcome"}, 200).json(&r)
	if r.State != "approved" || r.Given != "project-viewer" || r.DecidedBy != "petra" || r.Until != nil {
		t.Errorf("%+v", r)
	}
	if got := mona.permissions("cluster=local&project=red-1"); !slices.Contains(got, "workloads.view") {
		t.Errorf("mona has %v", got)
	}
	petra.must("POST", at+"/decision", map[string]any{"approve": false}, 409)
	mona.must("DELETE", at, nil, 409)

	// Of a permission, for a time, beside the role that stays.
	r = ask(mona, 201, map[string]any{"cluster": "local", "project": "red-1", "permission": "pods.exec"})
	at = "/api/v1/access-requests/" + r.ID
	petra.must("POST", at+"/decision", map[string]any{"approve": true}, 422)
	petra.must("POST", at+"/decision", map[string]any{"approve": true, "role": "project-viewer", "expiresIn": "1h"}, 422)
	petra.must("POST", at+"/decision", map[string]any{"approve": true, "role": "project-developer", "expiresIn": "1h"}, 200).json(&r)
	if r.Until == nil {
		t.Errorf("%+v", r)
	}
	a := petra.must("GET", red1+"/members", nil, 200)
	if n := strings.Count(string(a.body), `"user":"mona"`); n != 2 || !strings.Contains(string(a.body), `"until"`) {
		t.Errorf("members: %s", a.body)
	}
	petra.must("DELETE", red1+"/members/mona", nil, 200)
	if got := mona.permissions("cluster=local&project=red-1"); slices.Contains(got, "workloads.view") {
		t.Errorf("taken out, mona has %v", got)
	}

	r = ask(mona, 201, map[string]any{"workspace": "red", "role": "workspace-member"})
	petra.must("GET", "/api/v1/access-requests/"+r.ID, nil, 404)
	wendy.must("POST", "/api/v1/access-requests/"+r.ID+"/decision", map[string]any{"approve": false, "comment": "no"}, 200)
	r = ask(mona, 201, map[string]any{"workspace": "red", "role": "workspace-member"})
	mona.must("DELETE", "/api/v1/access-requests/"+r.ID, nil, 204)
	r = ask(mona, 201, map[string]any{"role": "platform-operator"})
	wendy.must("GET", "/api/v1/access-requests/"+r.ID, nil, 404)
	admin.must("POST", "/api/v1/access-requests/"+r.ID+"/decision", map[string]any{"approve": true, "expiresIn": "1h"}, 200)
	if got := mona.permissions(""); !slices.Contains(got, "audit.view") {
		t.Errorf("mona has %v", got)
	}
	if got := requests(mona, "?state=declined"); len(got) != 1 {
		t.Errorf("declined: %v", got)
	}
}

func TestARequestTellsNothingAndTakesNothing(t *testing.T) {
	_, admin, _, petra, mona := grove(t)
	// A place that there is not is asked for as one that there is.
	ask(mona, 201, map[string]any{"cluster": "local", "project": "nothing", "role": "project-viewer"})
	ask(mona, 201, map[string]any{"cluster": "local", "project": "blue-1", "role": "project-viewer"})
	for what, body := range map[string]map[string]any{
		"nothing":               {},
		"both":                  {"role": "platform-member", "permission": "users.view"},
		"a role of elsewhere":   {"role": "project-viewer"},
		"no such permission":    {"permission": "galaxies.manage"},
		"a wider permission":    {"permission": "users.view", "workspace": "red"},
		"a cluster":             {"cluster": "local", "permission": "workloads.view"},
		"a project of nowhere":  {"project": "red-1", "permission": "workloads.view"},
		"a name with a slash":   {"workspace": "a/b", "permission": "workloads.view"},
		"without a reason":      {"permission": "users.view", "reason": ""},
		"a reason without ends": {"permission": "users.view", "reason": strings.Repeat("x", 1001)},
	} {
		if _, ok := body["reason"]; !ok {
			body["reason"] = "because"
		}
		if a := mona.do("POST", "/api/v1/access-requests", body); a.status != 422 {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	for i := range 14 {
		ask(mona, 201, map[string]any{"workspace": fmt.Sprint("w", i), "role": "workspace-viewer"})
	}
	ask(mona, 422, map[string]any{"workspace": "more", "role": "workspace-viewer"})

	// A role that stays does not take a stronger one's place.
	john := admin.user("john")
	admin.must("PUT", red1+"/members/john", map[string]any{"role": "project-developer"}, 200)
	r := ask(john, 201, map[string]any{"cluster": "local", "project": "red-1", "permission": "members.view"})
	petra.must("POST", "/api/v1/access-requests/"+r.ID+"/decision", map[string]any{"approve": true, "role": "project-viewer"}, 422)
	petra.must("POST", "/api/v1/access-requests/"+r.ID+"/decision", map[string]any{"approve": true, "role": "project-developer"}, 409)
	petra.must("POST", "/api/v1/access-requests/"+r.ID+"/decision", map[string]any{"approve": true, "role": "project-admin"}, 200)
}
