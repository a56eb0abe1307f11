//go:build integration

// What a removed member left behind on a real API server: listed while it is
// there, and revoked so that the tokens are refused.

package tenancy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/kube"
)

// bearer is a client of the cluster itself with a token of a service account.
func (s *site) bearer(t *testing.T, token string) dynamic.Interface {
	t.Helper()
	config := rest.AnonymousClientConfig(s.direct)
	config.BearerToken = token
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// token asks as a person, through Atoll, for a token of a service account.
func (s *site) token(t *testing.T, who, namespace, account string) string {
	t.Helper()
	code, _, text := s.ask(t, who, "POST", "/api/v1/namespaces/"+namespace+"/serviceaccounts/"+account+"/token", `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}`)
	var got struct{ Status struct{ Token string } }
	if err := json.Unmarshal([]byte(text), &got); err != nil || code != http.StatusCreated || got.Status.Token == "" {
		t.Fatalf("a token of %s: %d %s", account, code, text)
	}
	return got.Status.Token
}

func TestIntegrationWhatSomebodyLeftBehindIsListedAndRevoked(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", map[string]string{"dev": access.ProjectDeveloper, "vera": access.ProjectViewer})
	s.settle(t, p)
	if _, err := access.SetPlatformRoles(t.Context(), s.store, person("otto").UID, []string{access.PlatformAdmin}); err != nil {
		t.Fatal(err)
	}
	accounts := madeResources[kube.MadeServiceAccount]
	account := func(name string) string {
		return "{apiVersion: v1, kind: ServiceAccount, metadata: {name: '" + name + "', labels: {team: red}}}"
	}
	binding := func(name, account string) string {
		return "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: " + name + "}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}, subjects: [{kind: ServiceAccount, name: " + account + ", namespace: " + p.Name + "}]}"
	}
	kubectl := func(who, text string, args ...string) {
		t.Helper()
		if out, err := s.kubectl(t, who, text, append(args, "-n", p.Name)...); err != nil {
			t.Fatalf("kubectl %q as %s: %v\n%s", args, who, err, out)
		}
	}
	// Jane, an administrator of the project, makes accounts in all ways that there
	// are; Otto, of the platform, what only the platform may.
	kubectl("jane", account("applied"), "apply", "-f", "-")
	kubectl("jane", account("server-side"), "apply", "--server-side", "-f", "-")
	kubectl("jane", account("tried"), "apply", "--dry-run=server", "-f", "-")
	kubectl("jane", account("gone"), "create", "-f", "-")
	kubectl("jane", "", "delete", "serviceaccount", "gone")
	generated, err := s.as(t, "jane").Resource(accounts).Namespace(p.Name).Create(t.Context(), manifest(t, "{apiVersion: v1, kind: ServiceAccount, metadata: {generateName: made-}}"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if code, _, text := s.ask(t, "jane", "POST", "/api/v1/namespaces/"+p.Name+"/serviceaccounts", `{"metadata":{"name":"table"}}`, "Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"); code != http.StatusCreated {
		t.Fatalf("%d %s", code, text)
	}
	kubectl("otto", binding("reads", "applied"), "create", "-f", "-")
	kubectl("root", account("roots"), "create", "-f", "-")
	kubectl("root", binding("theirs", "roots"), "create", "-f", "-")
	kubectl("otto", `{}`, "patch", "rolebinding", "theirs", "--type=merge", "-p", `{"metadata":{"labels":{"seen":"yes"}}}`)
	own, others := s.token(t, "otto", p.Name, "applied"), s.token(t, "otto", p.Name, "roots")
	pods := func(token string) error {
		_, err := s.bearer(t, token).Resource(podResource).Namespace(p.Name).List(t.Context(), metav1.ListOptions{})
		return err
	}
	for _, token := range []string{own, others} {
		await(t, "the token is good", func() bool { return pods(token) == nil })
	}

	left := func() (all []string) {
		people, err := s.service.Leftovers(t.Context(), "real", p.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range people {
			for _, l := range one.Items {
				all = append(all, fmt.Sprint(one.Name, " ", l.Kind, " ", l.Name))
				if l.At.IsZero() || (l.Kind == kube.MadeToken) == l.Until.IsZero() {
					t.Errorf("%+v", l)
				}
			}
		}
		return all
	}
	janes := []string{"jane ServiceAccount applied", "jane ServiceAccount server-side", "jane ServiceAccount " + generated.GetName(), "jane ServiceAccount table"}
	ottos := []string{"otto RoleBinding reads", "otto RoleBinding theirs", "otto Token applied", "otto Token roots"}
	roots := []string{"root ServiceAccount roots", "root RoleBinding theirs"}
	if got := left(); !slices.Equal(got, slices.Concat(janes, ottos, roots)) {
		t.Errorf("left are %q", got)
	}

	before, err := s.admin.Resource(accounts).Namespace(p.Name).Get(t.Context(), "roots", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if gone, err := s.service.Revoke(t.Context(), "real", p.Name, person("otto").UID); err != nil || len(gone) != 4 {
		t.Fatalf("%+v %v", gone, err)
	}
	for _, token := range []string{own, others} {
		await(t, "the token is refused", func() bool { return apierrors.IsUnauthorized(pods(token)) || apierrors.IsForbidden(pods(token)) })
	}
	// The account that others made is there, with its marks, and is another.
	after, err := s.admin.Resource(accounts).Namespace(p.Name).Get(t.Context(), "roots", metav1.GetOptions{})
	if err != nil || after.GetUID() == before.GetUID() || after.GetLabels()["team"] != "red" {
		t.Errorf("%+v %v", after, err)
	}
	if got := left(); !slices.Equal(got, janes[1:]) {
		t.Errorf("left are %q", got)
	}
	if _, err := s.service.Revoke(t.Context(), "real", p.Name, person("jane").UID); err != nil {
		t.Fatal(err)
	}
	have, err := s.admin.Resource(accounts).Namespace(p.Name).List(t.Context(), metav1.ListOptions{})
	var names []string
	for _, one := range have.Items {
		names = append(names, one.GetName())
	}
	if got := left(); err != nil || len(got) != 0 || !slices.Equal(names, []string{"applied", "default", "roots"}) {
		t.Errorf("left are %q, there are %q, %v", got, names, err)
	}
	if again, err := s.service.Revoke(t.Context(), "real", p.Name, person("jane").UID); err != nil || len(again) != 0 {
		t.Errorf("a second time: %+v %v", again, err)
	}
}

// A token is asked for in the moment in which its asker is removed.
func TestIntegrationNothingIsLeftByWhoIsJustBeingRemoved(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", nil)
	scope := access.BindingScope{Kind: access.KindProject, UID: p.UID}
	accounts := s.admin.Resource(madeResources[kube.MadeServiceAccount]).Namespace(p.Name)
	for round := range 10 {
		who := fmt.Sprint("dan-", round)
		if err := s.service.SetMember(t.Context(), scope, person(who).UID, access.ProjectAdmin); err != nil {
			t.Fatal(err)
		}
		ended := make(chan int)
		made := make(chan struct{}, 1)
		go func() {
			count := 0
			defer func() { ended <- count }()
			for {
				code, _, text := s.ask(t, who, "POST", "/api/v1/namespaces/"+p.Name+"/serviceaccounts", `{"metadata":{"generateName":"`+who+`-"}}`)
				switch code {
				case http.StatusCreated:
					if count++; count == 3 {
						made <- struct{}{}
					}
				case http.StatusForbidden:
					return
				default:
					t.Errorf("%d %s", code, text)
					return
				}
			}
		}()
		<-made
		if err := s.service.RemoveMember(t.Context(), scope, person(who).UID); err != nil {
			t.Fatal(err)
		}
		gone, err := s.service.Revoke(t.Context(), "real", p.Name, person(who).UID)
		if err != nil {
			t.Fatal(err)
		}
		if count := <-ended; count != len(gone) {
			t.Errorf("%s made %d and %d were revoked", who, count, len(gone))
		}
	}
	have, err := accounts.List(t.Context(), metav1.ListOptions{})
	if err != nil || len(have.Items) != 1 {
		t.Errorf("there are %d accounts, want the default one: %v", len(have.Items), err)
	}
}
