// Where one is signed in, the history, and what administrators do about both.

package server

import (
	"strings"
	"testing"
)

func TestPeopleSeeAndEndTheirSessions(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	jane := admin.user("jane")
	second := r.signIn("jane", "second password")
	var list struct {
		Items []struct {
			ID, Remote, Agent string
			Current           bool
		}
	}
	jane.must("GET", "/api/v1/sessions", nil, 200).json(&list)
	if len(list.Items) != 2 || list.Items[0].Current == list.Items[1].Current || list.Items[0].Remote != "127.0.0.1" || !strings.HasPrefix(list.Items[0].Agent, "Go-http-client") {
		t.Fatalf("got %+v", list)
	}
	for _, s := range list.Items {
		admin.must("DELETE", "/api/v1/sessions/"+s.ID, nil, 404)
		if !s.Current {
			jane.must("DELETE", "/api/v1/sessions/"+s.ID, nil, 204)
		}
	}
	second.must("GET", "/api/v1/users/me", nil, 401)
	token := jane.newToken()
	jane.must("DELETE", "/api/v1/sessions?tokens=true", nil, 204)
	jane.must("GET", "/api/v1/users/me", nil, 401)
	token.must("GET", "/api/v1/users/me", nil, 401)
	jane = r.signIn("jane", "second password")
	jane.must("DELETE", "/api/v1/users/admin/sessions", nil, 403)
	admin.must("DELETE", "/api/v1/users/jane/sessions", nil, 204)
	jane.must("GET", "/api/v1/users/me", nil, 401)
	admin.must("DELETE", "/api/v1/users/nobody/sessions", nil, 404)
}

func TestHistoryIsOnesOwnAndForAdministrators(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	jane := admin.user("jane")
	r.do(&browser{r: r}, "POST", "/api/v1/sessions", map[string]any{"username": "jane", "password": "wrong"}, nil)
	results := func(b *browser, path string) string {
		var list struct {
			Items []struct{ Result, Remote string }
		}
		b.must("GET", path, nil, 200).json(&list)
		all := ""
		for _, l := range list.Items {
			all += l.Result + "@" + l.Remote + " "
		}
		return all
	}
	const want = "wrong-password@127.0.0.1 done@127.0.0.1 "
	if got := results(jane, "/api/v1/users/me/logins"); got != want {
		t.Errorf("jane sees %s", got)
	}
	if got := results(admin, "/api/v1/users/jane/logins"); got != want {
		t.Errorf("the administrator sees %s", got)
	}
	jane.must("GET", "/api/v1/users/admin/logins", nil, 403)
	admin.must("GET", "/api/v1/users/nobody/logins", nil, 404)
}

func TestAdministratorsLockOutAndLetInAgain(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	jane := admin.user("jane")
	token := jane.newToken()
	jane.must("PATCH", "/api/v1/users/jane", map[string]any{"displayName": "Queen"}, 403)
	if a := admin.must("PATCH", "/api/v1/users/jane", map[string]any{"displayName": "Jane Doe", "disabled": true}, 200); !strings.Contains(string(a.body), `"Jane Doe"`) {
		t.Errorf("%s", a.body)
	}
	jane.must("GET", "/api/v1/users/me", nil, 401)
	token.must("GET", "/api/v1/users/me", nil, 401)
	admin.must("PATCH", "/api/v1/users/jane", map[string]any{"disabled": false}, 200)
	token.must("GET", "/api/v1/users/me", nil, 200)
	admin.must("PATCH", "/api/v1/users/admin", map[string]any{"disabled": true}, 409) // the last one
	admin.must("PATCH", "/api/v1/users/nobody", map[string]any{"disabled": true}, 404)
	var made struct{ GeneratedPassword string }
	admin.must("POST", "/api/v1/users/jane/password:reset", map[string]any{}, 200).json(&made)
	jane = r.signIn("jane", made.GeneratedPassword)
	jane.must("GET", "/api/v1/sessions", nil, 403) // a password of one's own first
	jane.must("POST", "/api/v1/users/admin/password:reset", map[string]any{}, 403)
}
