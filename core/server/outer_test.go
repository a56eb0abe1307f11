// Every route says who may ask it, in one of two tables, and the server holds to
// what it says.

package server

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
)

// documentedOperation is what the OpenAPI document says of one.
type documentedOperation struct {
	id, method, path string
	permission       access.Permission
	scope            string // where it is needed
	tar, body        bool   // what it takes
}

// route is how Echo calls it.
func (o documentedOperation) route() string {
	return o.method + " " + strings.NewReplacer(":", `\:`, "{", ":", "}", "").Replace(o.path)
}

func documented(t *testing.T) []documentedOperation {
	t.Helper()
	text, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Paths map[string]map[string]struct {
			OperationID string
			Need        map[string]string `json:"x-atoll-permission"`
			RequestBody *struct{ Content map[string]any }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	var all []documentedOperation
	for path, methods := range d.Paths {
		for method, op := range methods {
			one := documentedOperation{id: op.OperationID, method: strings.ToUpper(method), path: path, permission: access.Permission(op.Need["permission"]), scope: op.Need["scope"]}
			if op.RequestBody != nil {
				_, one.body = op.RequestBody.Content["application/json"]
				one.tar = !one.body
			}
			all = append(all, one)
		}
	}
	return all
}

func TestEveryRouteSaysWhoMayAsk(t *testing.T) {
	r := start(t, nil)
	e, err := r.routes()
	if err != nil {
		t.Fatal(err)
	}
	said, used := map[string]string{}, map[string]bool{}
	for _, op := range documented(t) {
		said[op.route()] = op.scope
	}
	for _, route := range e.Routes() {
		name := route.Method + " " + route.Path
		at := slices.IndexFunc(outers, func(o outer) bool {
			return o.path == route.Path && (o.method == "" || o.method == route.Method)
		})
		switch {
		case said[name] != "":
			used[name] = true
		case at >= 0:
			used[outers[at].path] = true
		default:
			t.Errorf("the route %s has no line in outer.go, and no operation of the API is it: who may ask it?", name)
		}
	}
	for name := range said {
		if !used[name] {
			t.Errorf("the document has %s, and the server no such route", name)
		}
	}
	for _, o := range outers {
		if !used[o.path] {
			t.Errorf("outer.go has %s, and the server no such route", o.path)
		}
	}
}

func TestOuterRoutesAreForTheirAudience(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	nothing := admin.user("nothing").newToken()
	for _, o := range outers {
		path := strings.Replace(o.path, "*", "none/there", 1)
		got := func(b *browser) int { return r.do(b, http.MethodGet, path, nil, nil).status }
		stranger, none, all := got(nil), got(nothing), got(admin)
		public, forNone := false, true
		switch o.who {
		case everybody:
			public = true
		case holders:
			forNone = false
		case signedIn, byCluster, byManifest: // what is inside decides, and there is nothing
		default:
			t.Errorf("%s: the audience %q is none", o.path, o.who)
		}
		if (stranger != 401) != public || (none != 403) != forNone || all == 401 || all == 403 || all >= 500 {
			t.Errorf("%s, which is for %s: %d for strangers, %d for who has no role, %d for the administrator", path, o.who, stranger, none, all)
		}
	}
}
