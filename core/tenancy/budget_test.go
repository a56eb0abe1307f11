// Budgets: what projects are given never adds up to more, whoever gives at once.

package tenancy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
)

func amounts(t *testing.T, pairs ...string) Amounts {
	t.Helper()
	written := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		written[pairs[i]] = pairs[i+1]
	}
	all, err := ParseAmounts(written)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAmountsThatCannotBeAreRefused(t *testing.T) {
	for _, c := range []struct{ resource, amount, says string }{
		{"cpu", "1", "requests.cpu"}, {"requests.cpu", "much", "500m"}, {"requests.cpu", "-1", "below 0"}, {"pods", "1.5", "fractions"}, {"pods", "1500m", "fractions"},
		{"count/", "1", "count/<resource>"}, {"count/Deployments.apps", "1", "count/"}, {"requests.cpu", strings.Repeat("1", 33), "a number"}, {"", "1", "requests.cpu"},
	} {
		_, err := ParseAmounts(map[string]string{c.resource: c.amount})
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %s: %v, want ErrInvalid with %q", c.resource, c.amount, err, c.says)
		}
	}
	many := map[string]string{}
	for i := range maxAmounts + 1 {
		many[fmt.Sprintf("count/x%d", i)] = "1"
	}
	if _, err := ParseAmounts(many); !errors.Is(err, ErrInvalid) {
		t.Errorf("too many: %v", err)
	}
	if got := amounts(t, "requests.memory", "1024Mi", "count/deployments.apps", "3").Written(); !maps.Equal(got, map[string]string{"requests.memory": "1Gi", "count/deployments.apps": "3"}) {
		t.Errorf("%v", got)
	}
	if _, err := ParseContainers(map[string]string{"cpu": "2"}, map[string]string{"cpu": "1"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("a request above the limit: %v", err)
	}
}

func TestProjectsShareABudgetAndAreToldWhatIsLeft(t *testing.T) {
	service, _, _ := tenants(t)
	budget := Settings{Budget: amounts(t, "requests.cpu", "4", "pods", "10")}
	if _, err := service.CreateWorkspace(t.Context(), jane, "team", "", budget); err != nil {
		t.Fatal(err)
	}
	project := func(name string, quota Amounts) error {
		_, err := service.CreateProject(t.Context(), jane, NewProject{Name: name, Cluster: "local", Workspace: "team", ProjectSettings: ProjectSettings{Quota: quota}})
		return err
	}
	if err := project("a", amounts(t, "requests.cpu", "2500m", "secrets", "100")); err != nil {
		t.Fatal(err)
	}
	err := project("b", amounts(t, "requests.cpu", "2"))
	if !errors.Is(err, ErrBudget) || !strings.Contains(err.Error(), "of its 4, 1500m is left") {
		t.Fatalf("beyond the budget: %v", err)
	}
	if _, err := service.Project(t.Context(), "local", "b"); !errors.Is(err, ErrNotFound) {
		t.Errorf("it was made nevertheless: %v", err)
	}
	if err := project("b", amounts(t, "requests.cpu", "1500m")); err != nil {
		t.Fatal(err)
	}
	if _, err := service.UpdateProject(t.Context(), "local", "a", ProjectSettings{Quota: amounts(t, "requests.cpu", "2501m")}); !errors.Is(err, ErrBudget) {
		t.Errorf("more than is left: %v", err)
	}
	spent, err := service.Spending(t.Context(), "team")
	if err != nil || spent.Left.Written()["requests.cpu"] != "0" || spent.Left.Written()["pods"] != "10" || spent.Given.Written()["requests.cpu"] != "4" || len(spent.Projects) != 2 {
		t.Errorf("%+v %v", spent, err)
	}
	if _, err := service.UpdateWorkspace(t.Context(), "team", "", Settings{Budget: amounts(t, "requests.cpu", "3")}); !errors.Is(err, ErrBudget) || !strings.Contains(err.Error(), "4 is given") {
		t.Errorf("a budget below what is given: %v", err)
	}
	if _, err := service.UpdateProject(t.Context(), "local", "a", ProjectSettings{Title: "A"}); err != nil {
		t.Fatal(err)
	}
	if _, err := service.UpdateWorkspace(t.Context(), "team", "", Settings{Budget: amounts(t, "requests.cpu", "3")}); err != nil {
		t.Errorf("after less was given: %v", err)
	}
}

// Whoever asks at once, the sum stays within the budget, and the budget stays
// above the sum.
func TestABudgetIsNeverGivenTwice(t *testing.T) {
	service, _, _ := tenants(t)
	if _, err := service.CreateWorkspace(t.Context(), access.Subject{}, "team", "", Settings{Budget: amounts(t, "pods", "10")}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			name := fmt.Sprintf("p%d", i)
			_, err := service.CreateProject(context.Background(), access.Subject{}, NewProject{Name: name, Cluster: "local", Workspace: "team", ProjectSettings: ProjectSettings{Quota: amounts(t, "pods", "2")}})
			if err != nil && !errors.Is(err, ErrBudget) {
				t.Error(err)
			}
			if err == nil {
				if _, err = service.UpdateProject(context.Background(), "local", name, ProjectSettings{Quota: amounts(t, "pods", "3")}); err != nil && !errors.Is(err, ErrBudget) {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			_, err := service.UpdateWorkspace(context.Background(), "team", "", Settings{Budget: amounts(t, "pods", fmt.Sprint(6+i))})
			if err != nil && !errors.Is(err, ErrBudget) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	spent, err := service.Spending(t.Context(), "team")
	if err != nil {
		t.Fatal(err)
	}
	given, budget := spent.Given["pods"], spent.Budget["pods"]
	if given.Cmp(budget) > 0 || given.Sign() == 0 {
		t.Errorf("%s pods were given of %s", given.String(), budget.String())
	}
}

// A project that has no share of what the budget bounds has nothing of it:
// without a bound there it could use more than the budget.
func TestWhatHasNoShareHasNothing(t *testing.T) {
	w := Workspace{Settings: Settings{Budget: amounts(t, "pods", "10", "limits.cpu", "4")}}
	p := Project{Quota: amounts(t, "limits.cpu", "200m", "secrets", "5")}
	objects := quotaObjects(w, p)
	if len(objects) != 2 {
		t.Fatalf("%d objects", len(objects))
	}
	hard := objects[0].Object["spec"].(map[string]any)["hard"].(map[string]any)
	if len(hard) != 3 || hard["pods"] != "0" || hard["limits.cpu"] != "200m" || hard["secrets"] != "5" {
		t.Errorf("%v", hard)
	}
	// What a container gets by default is not more than the whole project has.
	limit := objects[1].Object["spec"].(map[string]any)["limits"].([]any)[0].(map[string]any)
	if limit["default"].(map[string]any)["cpu"] != "200m" || limit["defaultRequest"].(map[string]any)["cpu"] != "100m" {
		t.Errorf("%v", limit)
	}
	if got := quotaObjects(Workspace{}, Project{}); len(got) != 0 {
		t.Errorf("without a bound: %d objects", len(got))
	}
}

func TestHostsBelongToOneWorkspace(t *testing.T) {
	service, _, s := tenants(t)
	before := dump(t, s)
	create := func(name string, hosts ...string) error {
		_, err := service.CreateWorkspace(t.Context(), access.Subject{}, name, "", Settings{Hosts: hosts})
		return err
	}
	if err := create("red", "red.example.org"); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"red.example.org", "deep.red.example.org", "example.org"} {
		if err := create("blue", host); !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), "red.example.org") {
			t.Errorf("%s: %v, want ErrExists", host, err)
		}
	}
	for _, host := range []string{"org", "*.example.org", "A.example.org", "a..b", "-a.org", ".org", strings.Repeat("a", 64) + ".org"} {
		if err := create("blue", host); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", host, err)
		}
	}
	if err := create("blue", "a.example.org", "b.a.example.org"); !errors.Is(err, ErrInvalid) {
		t.Errorf("hosts that cover each other: %v", err)
	}
	if err := create("blue", "blue.example.org", "colored.example.org"); err != nil {
		t.Fatal(err)
	}
	if _, err := service.UpdateWorkspace(t.Context(), "red", "", Settings{Hosts: []string{"color.example.org"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := service.UpdateWorkspace(t.Context(), "blue", "", Settings{Hosts: []string{"red.example.org"}}); err != nil {
		t.Errorf("what was given back: %v", err)
	}
	for _, name := range []string{"red", "blue"} {
		if err := service.DeleteWorkspace(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if after := strings.ReplaceAll(dump(t, s), "tenancy/hosts\t\"{}\"\n", ""); after != before {
		t.Errorf("left in the store:\n%s", after)
	}
}

func TestAWorkspaceHasProjectsInItsClustersOnly(t *testing.T) {
	service, _, _ := tenants(t)
	if _, err := service.CreateWorkspace(t.Context(), jane, "team", "", Settings{Clusters: []string{"elsewhere"}}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a cluster that is not there: %v", err)
	}
	if _, err := service.CreateWorkspace(t.Context(), jane, "team", "", Settings{Clusters: []string{"local"}, PodSecurity: "privileged"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("privileged: %v", err)
	}
	if _, err := service.CreateWorkspace(t.Context(), jane, "team", "", Settings{Clusters: []string{"other"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := service.CreateProject(t.Context(), jane, NewProject{Name: "shop", Cluster: "local", Workspace: "team"}); !errors.Is(err, ErrDenied) {
		t.Errorf("a project elsewhere: %v", err)
	}
	if _, err := service.UpdateWorkspace(t.Context(), "team", "", Settings{}); err != nil {
		t.Fatal(err)
	}
	if _, err := service.CreateProject(t.Context(), jane, NewProject{Name: "shop", Cluster: "local", Workspace: "team"}); err != nil {
		t.Fatal(err)
	}
	if _, err := service.UpdateWorkspace(t.Context(), "team", "", Settings{Clusters: []string{"other"}}); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "shop") {
		t.Errorf("clusters that leave a project outside: %v", err)
	}
}
