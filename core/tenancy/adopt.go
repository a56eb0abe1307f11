// Taking over a namespace that is there already: what runs in it, and would not
// be let in again, is told before.

package tenancy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// maxViolations bounds how many are told.
const maxViolations = 100

// Violations are pods of a namespace that break the level of Pod Security to
// which it would be held. They go on running, and would not be made again.
type Violations struct {
	Namespace, Level string
	Pods             []string // in Kubernetes' words: "web-1: host namespaces, privileged"
}

func (v *Violations) Error() string {
	return fmt.Sprintf("pods of the namespace %q break the Pod Security level %q of the workspace: they go on running, and would not be let in again; say acceptViolations to take it over all the same: %s",
		v.Namespace, v.Level, strings.Join(v.Pods, "; "))
}

// heard gathers what an API server warns of.
type heard struct {
	mu  sync.Mutex
	all []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (h *heard) HandleWarningHeader(code int, _ string, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if code == 299 && len(h.all) < maxViolations {
		h.all = append(h.all, text)
	}
}

// violations asks the API server what holding a namespace to a level would mean
// for its pods, without doing it. Nil when there are none, or no namespace.
// ErrUnavailable.
func (t *Service) violations(ctx context.Context, cluster, namespace, level string) (*Violations, error) {
	c, ok := t.registry.Get(cluster)
	if !ok {
		return nil, fmt.Errorf("the cluster %q is %w", cluster, ErrNotFound)
	}
	config, err := c.REST()
	if err != nil {
		return nil, fmt.Errorf("the pods of the namespace are %w: %w", ErrUnavailable, err)
	}
	warnings := &heard{}
	config.WarningHandler = warnings
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("preparing to ask the cluster: %w", err)
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": map[string]string{labelPodSecurity: level, labelPodSecurityVersion: "latest"}}})
	if err != nil {
		return nil, err
	}
	_, err = client.Resource(namespaceResource).Patch(ctx, namespace, types.MergePatchType, patch, metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: managed})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the pods of the namespace are %w: %w", ErrUnavailable, err)
	}
	// The first line says what the others are about.
	pods := slices.DeleteFunc(warnings.all, func(line string) bool { return strings.HasPrefix(line, "existing pods in namespace") })
	if len(pods) == 0 {
		return nil, nil
	}
	return &Violations{Namespace: namespace, Level: level, Pods: pods}, nil
}

// mayAdopt looks at a namespace before it is taken over.
func (t *Service) mayAdopt(ctx context.Context, n NewProject) error {
	if !n.Adopt || n.AcceptViolations {
		return nil
	}
	w, err := t.Workspace(ctx, n.Workspace)
	if err != nil {
		return err
	}
	found, err := t.violations(ctx, n.Cluster, n.Name, w.podSecurity())
	if err == nil && found != nil {
		err = found
	}
	return err
}
