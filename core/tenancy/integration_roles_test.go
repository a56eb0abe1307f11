//go:build integration

// Custom roles on a real API server: what they are made of is what may be done,
// also after a change, and nothing of them is left.

package tenancy

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/atoll-platform/atoll/core/access"
)

func TestIntegrationACustomRoleMayWhatItIsMadeOf(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", nil)
	role, err := s.service.CreateRole(t.Context(), access.CustomRole{
		Name: "keeper", Kind: access.KindProject, Scope: access.BindingScope{Kind: access.KindPlatform}, Permissions: []access.Permission{access.SecretsView},
	})
	if err != nil {
		t.Fatal(err)
	}
	scope := access.BindingScope{Kind: access.KindProject, UID: p.UID}
	if err := s.service.SetMember(t.Context(), scope, person("kay").UID, role.UID); err != nil {
		t.Fatal(err)
	}
	at := "/api/v1/namespaces/" + p.Name
	holds := func(when string, want map[string]int) {
		t.Helper()
		await(t, when, func() bool {
			for ask, code := range want {
				method, path, _ := strings.Cut(ask, " ")
				if got, _, _ := s.ask(t, "kay", method, at+path, `{}`); got != code {
					return false
				}
			}
			return true
		})
	}
	holds("the role is obeyed", map[string]int{"GET /secrets": 200, "GET ": 200, "GET /pods": 403, "POST /secrets": 403, "POST /pods": 403, "POST /serviceaccounts/default/token": 403})
	if _, err := s.service.UpdateRole(t.Context(), role.UID, "", "", []access.Permission{access.WorkloadsView}); err != nil {
		t.Fatal(err)
	}
	holds("the change is obeyed", map[string]int{"GET /secrets": 403, "GET /pods": 200, "POST /pods": 403})
	if err := s.service.RemoveMember(t.Context(), scope, person("kay").UID); err != nil {
		t.Fatal(err)
	}
	if code, _, text := s.ask(t, "kay", "GET", at+"/pods", ""); code != 403 {
		t.Errorf("the next request after the membership ended: %d %.300s", code, text)
	}
	if err := s.service.DeleteRole(t.Context(), role.UID); err != nil {
		t.Fatal(err)
	}
	await(t, "nothing is left of the role", func() bool {
		_, one := s.admin.Resource(clusterRoleResource).Get(t.Context(), customPrefix+role.UID, metav1.GetOptions{})
		_, other := s.admin.Resource(roleBindingResource).Namespace(p.Name).Get(t.Context(), customPrefix+role.UID, metav1.GetOptions{})
		return apierrors.IsNotFound(one) && apierrors.IsNotFound(other)
	})
}
