// Groups and robots: what they give, what they cannot reach, and what is left
// of them.

package identity_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/store"
)

// put makes the operation that sets a record.
func put(key string, v any) store.Op {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return store.Put(key, text)
}

// workspace adds a workspace, as tenancy would.
func (w *world) workspace(name string) {
	w.t.Helper()
	w.write(put(access.WorkspacePrefix+name, access.Workspace{UID: "ws-" + name, Name: name}))
}

// bind gives a group a role.
func (w *world) bind(g access.Group, role string, scope access.BindingScope) {
	w.t.Helper()
	w.write(put(access.BindingPrefix+"test/"+g.Name, access.Binding{UID: access.NewUID(), GroupUID: g.UID, Role: role, Scope: scope}))
}

func (w *world) group(n identity.NewGroup) access.Group {
	w.t.Helper()
	g, err := w.CreateGroup(w.t.Context(), n)
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

func TestMembershipInAGroupGivesItsRolesAtOnce(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	u := w.user("jane")
	g := w.group(identity.NewGroup{Name: "operators", DisplayName: "Operators"})
	w.bind(g, access.PlatformOperator, access.BindingScope{Kind: access.KindPlatform})
	jane := access.Subject{UID: u.UID}
	may := func() bool { return w.index.Can(jane, access.AuditView, access.Scope{}).Allowed }
	if may() {
		t.Fatal("before she is in the group")
	}
	for range 2 { // again is no harm
		if err := w.AddToGroup(ctx, "operators", "jane"); err != nil {
			t.Fatal(err)
		}
	}
	members, err := w.GroupMembers(ctx, g)
	if err != nil || len(members) != 1 || members[0].Name != "jane" || len(members[0].Groups) != 1 || !may() {
		t.Fatalf("%+v, %v, may %v", members, err, may())
	}
	if err := w.RemoveFromGroup(ctx, "operators", "jane"); err != nil || may() {
		t.Fatalf("%v, may %v", err, may())
	}
	want(t, w.RemoveFromGroup(ctx, "operators", "jane"), identity.ErrNotFound)
	want(t, w.AddToGroup(ctx, "nobodies", "jane"), identity.ErrNotFound)
	want(t, w.AddToGroup(ctx, "operators", "nobody"), identity.ErrNotFound)
	if err := w.AddToGroup(ctx, "operators", "jane"); err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteGroup(ctx, "operators"); err != nil || may() {
		t.Fatalf("%v, may %v", err, may())
	}
	if u, _ := w.GetUser(ctx, "jane"); len(u.Groups) != 0 || len(w.index.BindingsOf(g.UID)) != 0 {
		t.Fatalf("left: %+v, %+v", u.Groups, w.index.BindingsOf(g.UID))
	}
	again := w.group(identity.NewGroup{Name: "operators"})
	if again.UID == g.UID || may() {
		t.Fatal("a group of the name has what the old one had")
	}
}

func TestBadGroupsAreRefused(t *testing.T) {
	w, ctx := newWorldWith(t, filepath.Join(t.TempDir(), "atoll.db"), identity.Options{Providers: []identity.Provider{directory{}}}), t.Context()
	w.workspace("red")
	for _, n := range []identity.NewGroup{
		{Name: ""}, {Name: "system:masters"}, {Name: "a/b"}, {Name: "../users/root"}, {Name: "A"}, {Name: strings.Repeat("a", 64)},
		{Name: "a", DisplayName: "\n"}, {Name: "a", Origin: "corp"}, {Name: "a", Origin: "another", ExternalID: "cn=a"}, {Name: "a", ExternalID: "cn=a"}, {Name: "a", Origin: "corp", ExternalID: strings.Repeat("a", 1025)},
	} {
		_, err := w.CreateGroup(ctx, n)
		want(t, err, identity.ErrInvalid)
	}
	_, err := w.CreateGroup(ctx, identity.NewGroup{Name: "a", Workspace: "none"})
	want(t, err, identity.ErrNotFound)
	w.group(identity.NewGroup{Name: "a", Workspace: "red"})
	_, err = w.CreateGroup(ctx, identity.NewGroup{Name: "a"})
	want(t, err, identity.ErrState)
	w.user("jane")
	w.group(identity.NewGroup{Name: "theirs", Origin: "corp", ExternalID: "cn=theirs"})
	want(t, w.AddToGroup(ctx, "theirs", "jane"), identity.ErrDenied)
	want(t, w.RemoveFromGroup(ctx, "theirs", "jane"), identity.ErrDenied)
}

func TestGroupsOfAUserAreBounded(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	for i := range access.MaxGroups {
		name := fmt.Sprint("g", i)
		w.group(identity.NewGroup{Name: name})
		if err := w.AddToGroup(ctx, name, "jane"); err != nil {
			t.Fatal(err)
		}
	}
	w.group(identity.NewGroup{Name: "more"})
	want(t, w.AddToGroup(ctx, "more", "jane"), identity.ErrDenied)
}

func TestRobotActsInItsWorkspaceByTokensAlone(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.workspace("red")
	w.workspace("blue")
	w.user("jane")
	jane := w.subject(by(w.signIn("jane")))
	u, err := w.CreateRobot(ctx, identity.NewRobot{Workspace: "red", Name: "ci"})
	if err != nil || u.Name != "robot.red.ci" || !u.Robot || u.WorkspaceUID != "ws-red" {
		t.Fatalf("got %+v, %v", u, err)
	}
	token, secret, err := w.CreateRobotToken(ctx, jane, u, identity.NewToken{Name: "pipeline", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s := w.subject(bearing("Bearer " + secret))
	if s.UID != u.UID || s.Name != "robot.red.ci" {
		t.Fatalf("got %+v", s)
	}
	for _, role := range []string{access.WorkspaceAdmin} {
		for _, place := range []string{"red", "blue"} {
			w.write(put(access.BindingPrefix+"test/"+place, access.Binding{UID: access.NewUID(), SubjectUID: u.UID, Role: role, Scope: access.BindingScope{Kind: access.KindWorkspace, UID: "ws-" + place}}))
		}
	}
	if !w.index.Can(s, access.MembersManage, access.Scope{Workspace: "red"}).Allowed || w.index.Can(s, access.MembersManage, access.Scope{Workspace: "blue"}).Allowed {
		t.Fatal("a robot has its roles elsewhere, or not at home")
	}
	for _, guess := range []string{"", password, " ", u.Name} {
		_, err := w.SignIn(ctx, u.Name, guess, here)
		want(t, err, identity.ErrBadCredentials)
	}
	_, err = w.ResetPassword(ctx, u.Name)
	want(t, err, identity.ErrDenied)
	w.group(identity.NewGroup{Name: "everybody"})
	w.group(identity.NewGroup{Name: "blues", Workspace: "blue"})
	w.group(identity.NewGroup{Name: "reds", Workspace: "red"})
	want(t, w.AddToGroup(ctx, "everybody", u.Name), identity.ErrDenied)
	want(t, w.AddToGroup(ctx, "blues", u.Name), identity.ErrDenied)
	if err := w.AddToGroup(ctx, "reds", u.Name); err != nil {
		t.Fatal(err)
	}
	if tokens, err := w.RobotTokens(ctx, u); err != nil || len(tokens) != 1 {
		t.Fatalf("got %+v, %v", tokens, err)
	}
	want(t, w.RevokeToken(ctx, jane, token.ID), identity.ErrNotFound) // it is the robot's, not hers
	if err := w.RevokeRobotToken(ctx, u, token.ID); err != nil {
		t.Fatal(err)
	}
	w.refused(bearing("Bearer " + secret))
	person, _ := w.GetUser(ctx, "jane")
	_, _, err = w.CreateRobotToken(ctx, jane, person, identity.NewToken{Name: "no robot", Lifetime: time.Hour})
	want(t, err, identity.ErrNotFound)
	want(t, w.RevokeRobotToken(ctx, person, token.ID), identity.ErrNotFound)
}

func TestRobotsTakeNobodysName(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.workspace("red")
	for _, name := range []string{"", "a.b", "A", "-", strings.Repeat("a", 54), "system:masters", "../x"} {
		_, err := w.CreateRobot(ctx, identity.NewRobot{Workspace: "red", Name: name})
		want(t, err, identity.ErrInvalid)
	}
	_, _, err := w.CreateUser(ctx, identity.NewUser{Name: "robot.red.ci", Password: password})
	want(t, err, identity.ErrInvalid)
	_, err = w.CreateRobot(ctx, identity.NewRobot{Workspace: "none", Name: "ci"})
	want(t, err, identity.ErrNotFound)
	u, err := w.CreateRobot(ctx, identity.NewRobot{Workspace: "red", Name: "ci"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.CreateRobot(ctx, identity.NewRobot{Workspace: "red", Name: "ci"})
	want(t, err, identity.ErrExists)
	if got, err := w.GetRobot(ctx, "red", "ci"); err != nil || got.UID != u.UID {
		t.Fatalf("got %+v, %v", got, err)
	}
	for _, at := range [][2]string{{"blue", "ci"}, {"red", "cd"}, {"", "red.ci"}, {"red.ci", ""}} {
		_, err := w.GetRobot(ctx, at[0], at[1])
		want(t, err, identity.ErrNotFound)
	}
	// Of a workspace that took the name of one that is gone.
	w.write(put(access.WorkspacePrefix+"red", access.Workspace{UID: "ws-other", Name: "red"}))
	_, err = w.GetRobot(ctx, "red", "ci")
	want(t, err, identity.ErrNotFound)
}

func TestWorkspaceTakesItsRobotsAndGroupsAlong(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.workspace("red")
	w.workspace("blue")
	w.user("jane")
	jane := w.subject(by(w.signIn("jane")))
	w.group(identity.NewGroup{Name: "platforms"})
	w.group(identity.NewGroup{Name: "blues", Workspace: "blue"})
	w.group(identity.NewGroup{Name: "reds", Workspace: "red"})
	var dump bytes.Buffer
	for _, ws := range []string{"blue", "red"} {
		u, err := w.CreateRobot(ctx, identity.NewRobot{Workspace: ws, Name: "ci"})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.CreateRobotToken(ctx, jane, u, identity.NewToken{Name: "pipeline", Lifetime: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	want(t, w.RemoveWorkspace(ctx, ""), identity.ErrInvalid)
	if err := w.RemoveWorkspace(ctx, "ws-red"); err != nil {
		t.Fatal(err)
	}
	if err := store.Dump(ctx, w.store, &dump); err != nil {
		t.Fatal(err)
	}
	for text, n := range map[string]int{"groups/reds\t": 0, "users/robot.red.ci\t": 1, "meta/users/robot.red.ci\t": 1, "groups/blues\t": 1, "groups/platforms\t": 1, "users/robot.blue.ci\t": 1, "tokens/": 1} {
		if got := strings.Count(dump.String(), text); got != n {
			t.Errorf("%d of %q, want %d", got, text, n)
		}
	}
}
