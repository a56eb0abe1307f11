//go:build integration

// Deleted projects on a real API server: what they wait for, and what is left.

package tenancy

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/atoll-platform/atoll/core/access"
)

func TestIntegrationADeletedProjectSaysWhatItWaitsFor(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", nil)
	held := configMap("held")
	held.SetFinalizers([]string{"example.org/hold"})
	if _, err := s.as(t, "jane").Resource(configResource).Namespace(p.Name).Create(t.Context(), held, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := s.service.DeleteProject(t.Context(), "real", p.Name); err != nil {
		t.Fatal(err)
	}
	await(t, "the project names the finalizer and what has it", func() bool {
		now, err := s.service.Project(t.Context(), "real", p.Name)
		if err != nil {
			t.Fatal(err)
		}
		if len(now.Conditions) != 1 {
			return false
		}
		c := now.Conditions[0]
		return now.Phase == PhaseDeleting && c.Type == StepRemoval && c.Status == StatusFalse && strings.Contains(c.Message, "example.org/hold") && strings.Contains(c.Message, "configmaps")
	})
	// The project's bindings went first: what holds it is the platform's to let go.
	if code, _, text := s.ask(t, "root", "PATCH", "/api/v1/namespaces/"+p.Name+"/configmaps/held", `{"metadata":{"finalizers":null}}`); code != http.StatusOK {
		t.Fatalf("letting it go: %d %s", code, text)
	}
	await(t, "the project is gone", func() bool {
		_, err := s.service.Project(t.Context(), "real", p.Name)
		return errors.Is(err, ErrNotFound)
	})
}

func TestIntegrationADeletedProjectLeavesNothing(t *testing.T) {
	s := newSite(t)
	before := dump(t, s.store)
	p := s.project(t, "a", map[string]string{"vera": access.ProjectViewer})
	if _, err := s.as(t, "jane").Resource(configResource).Namespace(p.Name).Create(t.Context(), configMap("x"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := s.service.DeleteProject(t.Context(), "real", p.Name); err != nil {
		t.Fatal(err)
	}
	await(t, "the project is gone", func() bool {
		_, err := s.service.Project(t.Context(), "real", p.Name)
		return err != nil
	})
	if _, err := s.admin.Resource(namespaceResource).Get(t.Context(), p.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the namespace: %v", err)
	}
	if err := s.service.DeleteWorkspace(t.Context(), p.Name); err != nil {
		t.Fatal(err)
	}
	if after := dump(t, s.store); after != before {
		t.Errorf("left in the store:\n%s", after)
	}
}
