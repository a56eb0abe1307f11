// What operations need: that each says so, and that the server holds to it.

package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/server/problem"
	"github.com/atoll-platform/atoll/core/store"
)

// operation is one of the document.
type operation struct {
	id, method, path string
	need             map[string]string
}

func operations(t *testing.T) []operation {
	t.Helper()
	text, err := Document("v1")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Paths map[string]map[string]struct {
			OperationID string
			Need        map[string]string `json:"x-atoll-permission"`
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	var all []operation
	for path, methods := range d.Paths {
		for method, op := range methods {
			all = append(all, operation{op.OperationID, strings.ToUpper(method), path, op.Need})
		}
	}
	return all
}

func TestTheTableOfNeedsIsTheDocuments(t *testing.T) {
	var ids []string
	for _, op := range operations(t) {
		ids = append(ids, op.id)
		n := needs[op.id]
		if want := n.shown(); !maps.Equal(op.need, want) {
			t.Errorf("%s: the document says %v, the table %v", op.id, op.need, want)
		}
		for at, parameters := range map[where][]string{atCluster: {"{cluster}"}, atWorkspace: {"{workspace}"}, atProject: {"{cluster}", "{project}"}} {
			for _, p := range parameters {
				if n.at == at && !strings.Contains(op.path, p) {
					t.Errorf("%s needs a permission at the %s, and its path %s has no %s", op.id, at, op.path, p)
				}
			}
		}
		switch n.at {
		case atPlatform, atCluster, atWorkspace, atProject, inRequest:
			if n.permission == "" {
				t.Errorf("%s needs no permission at the %s", op.id, n.at)
			}
			if n.permission.Reads() && op.method != http.MethodGet {
				t.Errorf("%s changes something, and needs %s only", op.id, n.permission)
			}
		case ofEach, ofCaller, ofAccount, ofAll:
		default:
			t.Errorf("%s: the scope %q is none", op.id, n.at)
		}
	}
	for id := range needs {
		if !slices.Contains(ids, id) {
			t.Errorf("the table has a line for %q, and there is no such operation", id)
		}
	}
}

func TestOperationsWithoutALineAreRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an operation was registered without saying what it needs")
		}
	}()
	add(&API{}, newDocument(echo.New(), "", nil), about{id: "nobody-said", method: http.MethodGet, path: "/x", tag: "platform", summary: "x"},
		(&API{}).info)
}

// Each operation refuses who has nothing, and who has everything but what it
// needs. No room is behind the API here: a handler that ran would panic.
func TestOperationsAreForThoseWhoMay(t *testing.T) {
	s, err := store.OpenBolt(filepath.Join(t.TempDir(), "atoll.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	index, err := access.NewIndex(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	put := func(key string, v any) {
		t.Helper()
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		rev, err := s.Commit(t.Context(), nil, store.Put(key, text))
		if err == nil {
			err = index.WaitFor(t.Context(), rev)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put(access.WorkspacePrefix+"w", access.Workspace{UID: "w"})
	put(access.ProjectPrefix+"c/p", access.Project{UID: "p", WorkspaceUID: "w"})
	put(access.BindingPrefix+"platform/almost", access.Binding{SubjectUID: "almost", Role: "almost", Scope: access.BindingScope{Kind: access.KindPlatform}})
	var who access.Subject
	e := echo.New()
	Register(e, Services{Index: index}, func(_ bool, _ int64, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(access.WithSubject(r.Context(), who)))
		})
	})
	fill := strings.NewReplacer("{cluster}", "c", "{workspace}", "w", "{project}", "p")
	for _, op := range operations(t) {
		n := needs[op.id]
		if n.at == ofAccount {
			limited := access.Subject{Name: "almost", UID: "almost", Via: access.ViaToken, Limit: &access.Limit{Permissions: []access.Permission{access.WorkloadsView}}}
			refused := []access.Subject{limited}
			if op.method != http.MethodGet {
				refused = append(refused, access.Subject{Name: "almost", UID: "almost", Via: access.ViaToken, ReadOnly: true})
			}
			for _, who = range refused {
				w := httptest.NewRecorder()
				e.ServeHTTP(w, httptest.NewRequest(op.method, fill.Replace(op.path), nil))
				if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "for reading only or limited") {
					t.Errorf("%s by a narrow credential: %d %s", op.id, w.Code, w.Body)
				}
			}
		}
		if _, ok := n.scope(func(string) string { return "" }); !ok {
			continue
		}
		put(access.RolePrefix+"almost", access.CustomRole{UID: "almost", Kind: access.KindPlatform, Scope: access.BindingScope{Kind: access.KindPlatform}, Permissions: without(index.Items(), n.permission)})
		for _, uid := range []string{"nothing", "almost"} {
			who = access.Subject{Name: uid, UID: uid, Via: access.ViaToken}
			w := httptest.NewRecorder()
			e.ServeHTTP(w, httptest.NewRequest(op.method, fill.Replace(op.path), nil))
			var p problem.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusForbidden || p.Missing == nil || p.Missing.Permission != string(n.permission) {
				t.Errorf("%s by who has %s: %d %s, want 403 for want of %s", op.id, uid, w.Code, w.Body, n.permission)
			}
		}
		if who.UID == "almost" && len(index.Permissions(who, access.Scope{})) < len(index.Items())/2 {
			t.Errorf("%s: almost everything is %v", op.id, index.Permissions(who, access.Scope{}))
		}
	}
}

// without is every permission that does not bring p with it.
func without(items []access.Item, p access.Permission) []access.Permission {
	needs := map[access.Permission][]access.Permission{}
	for _, it := range items {
		needs[it.Permission] = it.Needs
	}
	var brings func(q access.Permission) bool
	brings = func(q access.Permission) bool { return q == p || slices.ContainsFunc(needs[q], brings) }
	var all []access.Permission
	for q := range needs {
		if !brings(q) {
			all = append(all, q)
		}
	}
	return all
}
