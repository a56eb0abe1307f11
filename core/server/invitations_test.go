// Invitations from outside: who may invite, what an invitation is worth when it
// is accepted, and that it is a secret.

package server

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/identity/providers/oidc/oidctest"
)

// invite makes an invitation and returns its id and token.
func (b *browser) invite(path, role string) (id, token string) {
	b.r.t.Helper()
	var made struct{ ID, Token, Role, InvitedBy string }
	b.must("POST", path, map[string]any{"role": role, "note": "For Ann Lee"}, 201).json(&made)
	if made.Role != role || made.InvitedBy == "" {
		b.r.t.Errorf("got %+v", made)
	}
	return made.ID, made.Token
}

// register accepts an invitation by a new account.
func (r *running) register(token, name string) answer {
	r.t.Helper()
	return r.do(&browser{r: r}, "POST", "/api/v1/invitations:register", map[string]any{"token": token, "username": name, "password": "third password"}, nil)
}

// shops is a server with two workspaces, a project in the first, and who manages
// them: petra the first, otto the second.
func shops(t *testing.T, change func(*Config)) (r *running, admin, petra, otto *browser) {
	t.Helper()
	r = startWith(t, newUpstream(t, func(http.ResponseWriter, *http.Request) {}), change)
	admin = r.admin()
	petra, otto = admin.user("petra"), admin.user("otto")
	for workspace, boss := range map[string]string{"red": "petra", "blue": "otto"} {
		admin.must("POST", "/api/v1/workspaces", map[string]any{"name": workspace}, 201)
		admin.must("PUT", "/api/v1/workspaces/"+workspace+"/members/"+boss, map[string]any{"role": "workspace-admin"}, 200)
	}
	admin.must("POST", "/api/v1/clusters/local/projects", map[string]any{"name": "red-1", "workspace": "red"}, 201)
	return r, admin, petra, otto
}

const (
	redInvitations     = "/api/v1/workspaces/red/invitations"
	projectInvitations = "/api/v1/clusters/local/projects/red-1/invitations"
)

func TestInvitedPersonGetsTheRoleAndNoMore(t *testing.T) {
	r, admin, petra, _ := shops(t, nil)
	_, token := petra.invite(redInvitations, "workspace-viewer")
	var read struct{ Workspace, RoleName, InvitedBy string }
	r.do(&browser{r: r}, "POST", "/api/v1/invitations:read", map[string]any{"token": token}, nil).json(&read)
	if read.Workspace != "red" || read.RoleName != "workspace-viewer" || read.InvitedBy != "petra" {
		t.Errorf("got %+v", read)
	}
	if a := r.register(token, "ann"); a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := r.register(token, "bob"); a.status != 404 {
		t.Errorf("again: %d %s", a.status, a.body)
	}
	ann := r.signIn("ann", "third password")
	ann.must("GET", "/api/v1/workspaces/red", nil, 200)
	ann.must("GET", "/api/v1/workspaces/blue", nil, 403)
	ann.must("GET", redInvitations, nil, 403)
	var member struct{ Role string }
	admin.must("GET", "/api/v1/workspaces/red/members/ann", nil, 200).json(&member)
	if member.Role != "workspace-viewer" {
		t.Errorf("got %+v", member)
	}
	// Who is here accepts with a session; nothing is taken away by it.
	_, less := petra.invite(redInvitations, "workspace-member")
	ann.must("POST", "/api/v1/invitations:accept", map[string]any{"token": less}, 422)
	_, project := petra.invite(projectInvitations, "project-developer")
	ann.newToken().must("POST", "/api/v1/invitations:accept", map[string]any{"token": project}, 403)
	ann.must("POST", "/api/v1/invitations:accept", map[string]any{"token": project}, 200)
	ann.must("POST", "/api/v1/invitations:accept", map[string]any{"token": project}, 404)
	ann.must("GET", "/api/v1/clusters/local/projects/red-1", nil, 200)
	_, platform := admin.invite("/api/v1/invitations", "platform-operator")
	ann.must("POST", "/api/v1/invitations:accept", map[string]any{"token": platform}, 200)
	var me struct{ PlatformRoles []string }
	ann.must("GET", "/api/v1/users/me", nil, 200).json(&me)
	if !slices.Equal(me.PlatformRoles, []string{"platform-operator"}) {
		t.Errorf("got %v", me.PlatformRoles)
	}
	r.stopAndWait()
	log := readAll(t, r.dir+"/audit")
	if !strings.Contains(log, `"verb":"register"`) || !strings.Contains(log, `"user":"ann"`) {
		t.Errorf("the audit log: %s", log)
	}
	for _, want := range []string{`"workspace":"red"`, `{"path":"/roles","from":"[]","to":"[\"workspace-viewer\"]"}`, `{"path":"/roles","from":"[]","to":"[\"project-developer\"]"}`, `{"path":"/roles","from":"[]","to":"[\"platform-operator\"]"}`} {
		if !strings.Contains(log, want) {
			t.Errorf("the audit log lacks %s: %s", want, log)
		}
	}
	for _, secret := range []string{token, less, project, platform, "third password"} {
		if strings.Contains(log+r.log.String(), secret) {
			t.Errorf("the log or the audit holds %s", secret)
		}
	}
}

func TestNobodyInvitesBeyondWhatTheyHave(t *testing.T) {
	r, admin, petra, otto := shops(t, nil)
	ann := admin.user("ann")
	admin.must("PUT", "/api/v1/workspaces/red/members/ann", map[string]any{"role": "workspace-member"}, 200)
	for _, test := range []struct {
		who        *browser
		path, role string
		status     int
	}{
		{petra, redInvitations, "platform-admin", 403}, {petra, "/api/v1/invitations", "platform-member", 403}, {petra, "/api/v1/invitations", "workspace-member", 403},
		{petra, redInvitations, "project-developer", 422}, {petra, redInvitations, "none", 422}, {petra, "/api/v1/workspaces/blue/invitations", "workspace-viewer", 403},
		{otto, redInvitations, "workspace-viewer", 403}, {otto, projectInvitations, "project-viewer", 403},
		{ann, redInvitations, "workspace-viewer", 403}, {ann, projectInvitations, "project-viewer", 403},
		{&browser{r: r}, redInvitations, "workspace-viewer", 401},
	} {
		if a := r.do(test.who, "POST", test.path, map[string]any{"role": test.role}, nil); a.status != test.status {
			t.Errorf("%s to %s: %d %s, want %d", test.role, test.path, a.status, a.body, test.status)
		}
	}
	id, _ := petra.invite(redInvitations, "workspace-viewer")
	otto.must("GET", redInvitations, nil, 403)
	otto.must("DELETE", redInvitations+"/"+id, nil, 403)
	otto.must("DELETE", "/api/v1/workspaces/blue/invitations/"+id, nil, 404)
	admin.must("DELETE", "/api/v1/invitations/"+id, nil, 404) // it is the workspace's
	a := petra.must("GET", redInvitations, nil, 200)
	if !strings.Contains(string(a.body), id) || strings.Contains(string(a.body), "atoll_invitation") || !strings.Contains(string(a.body), `"total":1`) {
		t.Errorf("%s", a.body)
	}
	petra.must("DELETE", redInvitations+"/"+id, nil, 204)
	petra.must("DELETE", redInvitations+"/"+id, nil, 404)
}

func TestInvitationIsWorthNoMoreThanItsSender(t *testing.T) {
	r, admin, petra, _ := shops(t, nil)
	set := func(role string) {
		admin.must("PUT", "/api/v1/workspaces/red/members/petra", map[string]any{"role": role}, 200)
	}
	_, token := petra.invite(redInvitations, "workspace-admin")
	refused := func(why string) {
		t.Helper()
		if a := r.register(token, "ann"); a.status != 403 || !strings.Contains(string(a.body), "not good any more") {
			t.Errorf("%s: %d %s", why, a.status, a.body)
		}
		admin.must("GET", "/api/v1/users/ann", nil, 404)
	}
	set("workspace-viewer")
	refused("who sent it sees only, by now")
	admin.must("DELETE", "/api/v1/workspaces/red/members/petra", nil, 200)
	refused("who sent it is no member")
	set("workspace-admin")
	admin.must("PATCH", "/api/v1/users/petra", map[string]any{"disabled": true}, 200)
	refused("who sent it is locked out")
	admin.must("PATCH", "/api/v1/users/petra", map[string]any{"disabled": false}, 200)
	if a := r.register(token, "ann"); a.status != 201 {
		t.Errorf("when all is as it was: %d %s", a.status, a.body)
	}
	petra = r.signIn("petra", "second password")
	_, second := petra.invite(redInvitations, "workspace-member")
	admin.must("DELETE", "/api/v1/users/petra", nil, 204)
	if a := r.register(second, "bob"); a.status != 403 {
		t.Errorf("who sent it is gone: %d %s", a.status, a.body)
	}
	_, gone := admin.invite("/api/v1/workspaces/blue/invitations", "workspace-member")
	admin.must("DELETE", "/api/v1/workspaces/blue?confirm=blue", nil, 204)
	if a := r.register(gone, "bob"); a.status != 403 {
		t.Errorf("what it is to is gone: %d %s", a.status, a.body)
	}
	admin.must("GET", "/api/v1/users/bob", nil, 404)
}

func TestInvitedComeByTheProviderWhereThatIsThePolicy(t *testing.T) {
	fake := oidctest.New(t)
	fake.Claims = map[string]any{"sub": "1", "preferred_username": "ann"}
	r, _, petra, _ := shops(t, func(c *Config) {
		sso := ssoConfig(t, "sso", fake)
		sso.Create = false
		c.Identity.InvitedBy, c.Identity.Providers = "providers", []Provider{sso}
	})
	if a := r.follow(r.away(fake, "sso", "/")); a.status != 403 || !strings.Contains(string(a.body), "nobody has invited you") {
		t.Errorf("without: %d %s", a.status, a.body)
	}
	_, token := petra.invite(redInvitations, "workspace-member")
	if a := r.register(token, "ann"); a.status != 403 {
		t.Errorf("by a password: %d %s", a.status, a.body)
	}
	if a := r.follow("/auth/oidc/sso/start?invitation=none", ""); a.status != 404 || a.header.Get("Location") != "" {
		t.Errorf("one that is none: %d %s", a.status, a.body)
	}
	path, cookie := r.away(fake, "sso", "/", "invitation="+token)
	a := r.follow(path, cookie)
	if a.status != 200 {
		t.Fatalf("with one: %d %s", a.status, a.body)
	}
	var member struct{ Role string }
	petra.must("GET", "/api/v1/workspaces/red/members/ann", nil, 200).json(&member)
	if member.Role != "workspace-member" || strings.Contains(r.log.String(), token) {
		t.Errorf("got %+v, or the log holds the token", member)
	}
	if a := r.follow("/auth/oidc/sso/start?invitation="+token, ""); a.status != 404 {
		t.Errorf("again: %d", a.status)
	}
	if a := r.follow(r.away(fake, "sso", "/")); a.status != 200 {
		t.Errorf("who has an account now: %d %s", a.status, a.body)
	}
	r.stopAndWait()
	given := `{"path":"/roles","from":"[]","to":"[\"workspace-member\"]"}`
	for line := range strings.Lines(readAll(t, r.dir+"/audit")) {
		if strings.Contains(line, "/auth/oidc/sso/callback") && strings.Contains(line, given) && strings.Contains(line, `"workspace":"red"`) && strings.Contains(line, `"user":"ann"`) {
			return
		}
	}
	t.Error("the audit log does not say what the invitation gave")
}
