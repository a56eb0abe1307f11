// Invitations: made, listed and revoked where they are to, and shown once.

package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestLinkOfAnInvitationIsPrintedOnce(t *testing.T) {
	w := newWorld(t)
	w.tenants()
	w.call(http.MethodPost, "/api/v1/workspaces/red/roles", map[string]any{"name": "on-call", "kind": "project", "permissions": []string{"pods.exec"}}, nil)
	w.signIn("jane") // who administers red
	out := w.must("", "invite", "workspace-viewer", "-w", "red", "--note", "For Ann Lee", "--expires-in", "24h")
	token, link := strings.CutPrefix(lastLine(out), w.url+"/invitation#")
	if !link || !strings.HasPrefix(token, "atoll_invitation_") || !strings.Contains(out, "to be workspace-viewer of the workspace red is good once, until ") {
		t.Fatalf("got %s", out)
	}
	ids := w.names("invitations", "-w", "red")
	if len(ids) != 1 || !strings.Contains(out, "The invitation "+ids[0]+" ") {
		t.Fatalf("there are %q", ids)
	}
	table := w.must("", "get", "invitations", "-w", "red", "-o", "yaml")
	if !strings.Contains(table, "note: For Ann Lee") || !strings.Contains(table, "invitedBy: jane") || !strings.Contains(table, "workspace: red") || strings.Contains(table, token) {
		t.Errorf("got %s", table)
	}
	register := map[string]any{"token": token, "username": "ann", "password": userPassword}
	w.call(http.MethodPost, "/api/v1/invitations:register", register, nil)
	if ids := w.names("invitations", "-w", "red"); len(ids) != 0 {
		t.Errorf("after it was accepted there are %q", ids)
	}
	if got := w.must("", "get", "member", "ann", "-w", "red"); !strings.Contains(got, "workspace-viewer") {
		t.Errorf("got %s", got)
	}
	// A role of one's own making, by its name; and revoked before it is accepted.
	out = w.must("", "invite", "on-call", "-p", "local/red-1")
	_, revoked, _ := strings.Cut(lastLine(out), "#")
	if !strings.Contains(out, "to be on-call of the project local/red-1 ") {
		t.Errorf("got %s", out)
	}
	ids = w.names("invitations", "-p", "local/red-1")
	if len(ids) != 1 {
		t.Fatalf("there are %q", ids)
	}
	w.fails(exitNotFound, "", "delete", "invitation", ids[0], "-w", "red", "--yes") // it is another place's
	if out := w.must("", "delete", "invitation", ids[0], "-p", "local/red-1", "--yes"); !strings.Contains(out, "is deleted") {
		t.Errorf("got %s", out)
	}
	api, err := endpoint{server: w.url}.client()
	if err != nil {
		t.Fatal(err)
	}
	register = map[string]any{"token": revoked, "username": "joe", "password": userPassword}
	if err := api.call(t.Context(), http.MethodPost, "/api/v1/invitations:register", register, nil); !isStatus(err, http.StatusNotFound) {
		t.Errorf("a revoked one: %v", err)
	}
}

func TestInvitationIsRefusedClearly(t *testing.T) {
	w := newWorld(t)
	w.tenants()
	w.signIn("jane")
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"invite", exitUsage, "--help"}, {"invite workspace-viewer -p red-1", exitUsage, "CLUSTER/NAME"}, {"invite nothing -w red", exitUsage, "workspace-member, workspace-viewer"},
		{"invite workspace-viewer -w blue", exitDenied, "members.manage"}, {"invite platform-member", exitDenied, "users.manage"}, {"invite workspace-viewer -w red --expires-in 9999h", exitConflict, "720h"},
		{"get invitations -w blue", exitDenied, "members.manage"}, {"delete invitation none -w red --yes", exitNotFound, "no invitation"},
	} {
		if out := w.fails(test.code, "", strings.Fields(test.args)...); !strings.Contains(out, test.want) {
			t.Errorf("%s: %q is not in %q", test.args, test.want, out)
		}
	}
	out := w.fails(exitUsage, "apiVersion: atoll.dev/v1\nkind: Invitation\nmetadata: {name: x}\n", "apply", "-f", "-")
	if !strings.Contains(out, "no kind that is applied") {
		t.Errorf("got %s", out)
	}
}
