// Why somebody may: by which role, and who could give it.

package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestExplainSaysWhyAndWhoCouldChangeIt(t *testing.T) {
	w := newWorld(t)
	w.tenants()
	for _, test := range []struct {
		code int
		args string
		want []string
	}{
		{0, "pods.exec -p local/red-1", []string{"admin may: pods.exec (clusters/local/projects/red-1).", "The role platform-admin"}},
		{0, "members.manage -w red --user jane", []string{"jane may: members.manage (workspaces/red).", "The role workspace-admin, given in workspaces/red"}},
		{exitDiffers, "members.manage -w blue --user jane", []string{"jane may not", "Roles in workspaces/blue that have it: workspace-admin", "Who could give one: admin"}},
		{exitDiffers, "users.view --user jane", []string{"jane may not: users.view (platform)."}},
		{exitConflict, "pods.dance -p local/red-1", []string{"no such permission"}},
		{exitNotFound, "users.view --user nobody", []string{"no user"}},
		{exitUsage, "users.view -o table", []string{"text, json"}},
		{exitUsage, "users.view -p red-1", []string{"CLUSTER/NAME"}},
	} {
		out := w.fails(test.code, "", append([]string{"explain"}, strings.Fields(test.args)...)...)
		for _, want := range test.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: %q is not in\n%s", test.args, want, out)
			}
		}
	}
	out, err := run(t, "", "explain", "users.view", "--user", "jane", "-o", "json")
	var e explanation
	if exitCode(err) != exitDiffers || json.Unmarshal([]byte(out), &e) != nil || e.Allowed || e.User != "jane" {
		t.Errorf("%v %s", err, out)
	}
	w.signIn("jane")
	w.must("", "explain", "members.manage", "-w", "red")
	if out := w.fails(exitDiffers, "", "explain", "members.manage", "-w", "blue"); strings.Contains(out, "Roles in") {
		t.Errorf("it tells of a place that jane does not see: %s", out)
	}
	w.fails(exitDenied, "", "explain", "members.manage", "-w", "blue", "--user", "admin")
}
