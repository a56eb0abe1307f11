// The demo workspace: a tenant with one project and a few small programs in
// it, made through Atoll's API as a person would.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// makeDemo makes workspace and project `demo` and starts the workloads of
// manifests/demo in it. What exists already stays.
func (a *atoll) makeDemo(ctx context.Context, p places, log *printer) error {
	for _, step := range []struct {
		path string
		body map[string]any
	}{
		{"/api/v1/workspaces", map[string]any{"name": "demo", "title": "Demo"}},
		{"/api/v1/clusters/local/projects", map[string]any{"name": "demo", "workspace": "demo", "title": "Demo", "adopt": true}},
	} {
		var problem *apiError
		err := a.api.do(ctx, http.MethodPost, step.path, step.body, nil)
		if err != nil && !(errors.As(err, &problem) && problem.Status == http.StatusConflict) {
			return err
		}
	}
	var project struct{ Phase, Message string }
	err := until(ctx, time.Minute, func() bool {
		return a.api.do(ctx, http.MethodGet, "/api/v1/clusters/local/projects/demo", nil, &project) == nil && project.Phase == "Ready"
	})
	if err != nil {
		return fmt.Errorf("waiting for project demo (%s: %s): %w; where the cluster is older than Atoll's data, `build/local down --purge` begins anew", project.Phase, project.Message, err)
	}
	workloads, err := p.workloads()
	if err != nil {
		return err
	}
	apply := exec.CommandContext(ctx, p.local(), "kubectl", "--dir", p.cluster(), "--", "apply", "--server-side", "--force-conflicts", "-n", "demo", "-f", workloads)
	if out, err := apply.CombinedOutput(); err != nil {
		return fmt.Errorf("starting the workloads: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	log.say("project demo is there")
	return nil
}

// workloads finds manifests/demo beside the build folder.
func (p places) workloads() (string, error) {
	name := filepath.Join(filepath.Dir(p.build), "manifests", "demo", "workloads.yaml")
	if _, err := os.Stat(name); err != nil {
		return "", fmt.Errorf("the demo's workloads: %w", err)
	}
	return name, nil
}
