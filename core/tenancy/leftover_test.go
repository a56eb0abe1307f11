// What people made is noted once, within bounds, and goes with its project.

package tenancy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/kube"
)

func TestWhatPeopleMakeIsNotedWithinBounds(t *testing.T) {
	service, _, s := tenants(t)
	if _, err := service.CreateWorkspace(t.Context(), jane, "team", "", Settings{}); err != nil {
		t.Fatal(err)
	}
	p, err := service.CreateProject(t.Context(), jane, NewProject{Name: "shop", Cluster: "local", Workspace: "team"})
	if err != nil {
		t.Fatal(err)
	}
	note := func(m *kube.Made) error {
		t.Helper()
		done, err := service.Begin(t.Context(), jane, p.Project)
		if err != nil {
			return err
		}
		return done(t.Context(), m)
	}
	name := leftoverName(p.UID, jane.UID)
	items := func() []Leftover {
		t.Helper()
		item, err := service.leftovers.Get(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return item.Value.Items
	}
	if err := note(nil); err != nil {
		t.Fatal(err)
	}
	if left, err := service.LeftBehind(t.Context(), "local", "shop", jane.UID); err != nil || len(left) != 0 {
		t.Errorf("of nothing: %v %v", left, err)
	}
	late, early := service.now().Add(time.Hour), service.now().Add(time.Minute)
	for _, m := range []kube.Made{
		{Kind: kube.MadeToken, Name: "a", UID: "1", Until: late}, {Kind: kube.MadeToken, Name: "a", UID: "1", Until: early},
		{Kind: kube.MadeServiceAccount, Name: "a", UID: "1"}, {Kind: kube.MadeServiceAccount, Name: "a", UID: "2"},
	} {
		if err := note(&m); err != nil {
			t.Fatal(err)
		}
	}
	if got := items(); len(got) != 3 || !got[0].Until.Equal(late) {
		t.Errorf("of two tokens and two accounts: %+v", got)
	}

	// Tokens that have ended make room by themselves.
	for i := len(items()); i < maxMade; i++ {
		if err := note(&kube.Made{Kind: kube.MadeToken, Name: "t", UID: fmt.Sprint("t-", i), Until: early}); err != nil {
			t.Fatal(err)
		}
	}
	if err := note(&kube.Made{Kind: kube.MadeServiceAccount, Name: "b", UID: "3"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("one too many, while Kubernetes cannot be asked: %v", err)
	}
	service.now = func() time.Time { return late.Add(time.Hour) }
	var keep []Leftover
	for _, one := range items() {
		if one.Kind == kube.MadeServiceAccount {
			keep = append(keep, one)
		}
	}
	if err := service.drop(t.Context(), name, keep); err != nil {
		t.Fatal(err)
	}
	for i := len(items()); i < maxMade; i++ {
		if err := service.note(t.Context(), name, "jane", Leftover{Kind: kube.MadeToken, UID: fmt.Sprint("u-", i), Until: early}); err != nil {
			t.Fatal(err)
		}
	}
	if err := note(&kube.Made{Kind: kube.MadeServiceAccount, Name: "b", UID: "3"}); err != nil {
		t.Fatal(err)
	}
	if got := items(); len(got) != 1 || got[0].UID != "3" {
		t.Errorf("after all tokens ended: %+v", got)
	}

	item, err := service.projects.Get(t.Context(), projectName("local", "shop"))
	if err != nil {
		t.Fatal(err)
	}
	if err := service.forget(t.Context(), item); err != nil {
		t.Fatal(err)
	}
	if all := dump(t, s); strings.Contains(all, leftoverPrefix) {
		t.Errorf("left of the project:\n%s", all)
	}
}

// Who looks for what somebody made waits for what they were making.
func TestWhoLooksWaitsForWhatIsBeingMade(t *testing.T) {
	var n noting
	end, other := n.begin("a"), n.begin("b")
	defer other()
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	if err := n.settle(ctx, "a"); !errors.Is(err, enough) {
		t.Errorf("waited for nothing: %v", err)
	}
	settled := make(chan error)
	go func() { settled <- n.settle(t.Context(), "a") }()
	select {
	case err := <-settled:
		t.Fatalf("did not wait: %v", err)
	default:
	}
	end()
	if err := <-settled; err != nil {
		t.Error(err)
	}
	if _, left := n.each["a"]; left {
		t.Error("what is over is held")
	}
}
