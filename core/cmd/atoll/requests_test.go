// Tokens and access requests, made and decided from the command line.

package main

import (
	"slices"
	"strings"
	"testing"
)

func TestTokensAreAsNarrowAsTheyWereAskedFor(t *testing.T) {
	w := newWorld(t)
	w.tenants()
	out := w.must("", "token", "create", "narrow", "--read-only", "--in", "red", "--in", "local/blue-1", "--permission", "workspaces.view", "--expires-in", "1h")
	secret := lastLine(out)
	if !strings.Contains(out, "is not shown again") {
		t.Errorf("got %s", out)
	}
	if out := w.must("", "get", "tokens", "-o", "wide"); !strings.Contains(out, "narrow") || !strings.Contains(out, "workspaces.view") || !strings.Contains(out, "workspace=red") || strings.Contains(out, secret) {
		t.Errorf("got %s", out)
	}
	t.Setenv("ATOLL_SERVER", w.url)
	t.Setenv("ATOLL_TOKEN", secret)
	if got := w.names("workspaces"); !slices.Equal(got, []string{"red"}) {
		t.Errorf("the token sees %q", got)
	}
	w.fails(exitDenied, "", "delete", "workspace", "red", "--yes")
	t.Setenv("ATOLL_TOKEN", "")
	t.Setenv("ATOLL_SERVER", "")

	w.must("apiVersion: atoll.dev/v1\nkind: Robot\nmetadata: {name: ci, workspace: red}\n", "apply", "-f", "-")
	out = w.must("", "token", "create", "deploy", "-w", "red", "--robot", "ci")
	w.must(lastLine(out)+"\n", "login", w.url, "--token-stdin", "--context", "robot")
	if out := w.must("", "whoami", "-o", "name"); out != "robot.red.ci\n" {
		t.Errorf("got %s", out)
	}
	w.must("", "logout")
	w.admin()
	ids := w.names("tokens", "-w", "red", "--robot", "ci")
	if len(ids) != 1 {
		t.Fatalf("the robot has the tokens %q", ids)
	}
	w.must("", "delete", "token", ids[0], "-w", "red", "--robot", "ci", "--yes")
	if ids := w.names("tokens", "-w", "red", "--robot", "ci"); len(ids) != 0 {
		t.Errorf("the robot has the tokens %q", ids)
	}
	for args, want := range map[string]string{
		"token create x -w red": "--robot", "token create x --robot ci": "--workspace", "get tokens -w red": "without a place", "get robots -w red --robot ci": "for tokens", "get tokens --robot ci": "with --workspace", "token create": "--help",
	} {
		if out := w.fails(exitUsage, "", strings.Fields(args)...); !strings.Contains(out, want) {
			t.Errorf("%s: %s", args, out)
		}
	}
	if out := w.fails(exitConflict, "", "token", "create", "x", "--in", "nowhere"); !strings.Contains(out, "/scopes/0") {
		t.Errorf("got %s", out)
	}
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

func TestAccessIsAskedForAndDecided(t *testing.T) {
	w := newWorld(t)
	w.tenants()
	w.user("john")
	w.signIn("john")
	w.must("", "request", "workspace-viewer", "-w", "red", "--reason", "I look after it.")
	w.must("", "request", "--permission", "pods.exec", "-p", "local/red-1", "--reason", "It is down.")
	for args, want := range map[string]string{"request -w red --reason x": "for what?", "request workspace-viewer -w red": "why?", "request a --permission b --reason x": "for what?"} {
		if out := w.fails(exitUsage, "", strings.Fields(args)...); !strings.Contains(out, want) {
			t.Errorf("%s: %s", args, out)
		}
	}
	ids := w.names("ar")
	if len(ids) != 2 {
		t.Fatalf("john sees %q", ids)
	}
	w.fails(exitDenied, "", "approve", ids[0])
	w.signIn("jane") // who administers red
	byRole := map[bool]string{}
	for _, id := range w.names("accessrequests") {
		byRole[strings.Contains(w.must("", "get", "accessrequest", id), "workspace-viewer")] = id
	}
	if out := w.must("", "approve", byRole[true], "--for", "8h", "--comment", "Welcome."); !strings.Contains(out, "of john is approved, with the role workspace-viewer until ") {
		t.Errorf("got %s", out)
	}
	if out := w.must("", "decline", byRole[false], "--comment", "It is up again."); !strings.Contains(out, "of john is declined.") {
		t.Errorf("got %s", out)
	}
	w.fails(exitConflict, "", "decline", byRole[true]) // it is decided
	if out := w.must("", "get", "members", "-w", "red"); !strings.Contains(out, "john") {
		t.Errorf("got %s", out)
	}
	// A role that ends by itself is no document's.
	if out := w.fails(exitUsage, w.must("", "get", "member", "john", "-w", "red", "-o", "yaml"), "apply", "-f", "-"); !strings.Contains(out, "/spec/until") {
		t.Errorf("got %s", out)
	}
	w.signIn("john")
	if got := w.names("workspaces"); !slices.Equal(got, []string{"red"}) {
		t.Errorf("john sees %q", got)
	}
}
