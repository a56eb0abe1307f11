// Access requests over time: those that nobody decides about, those that are old,
// and memberships that have ended.

package tenancy

import (
	"errors"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

func TestRequestsAndEndedMembershipsDoNotStay(t *testing.T) {
	service, index, s, red, _ := orchard(t)
	rev, err := store.NewCollection[access.Account](s, access.UserPrefix).Create(t.Context(), "jane", access.Account{UID: jane.UID, Name: "jane"})
	if err == nil {
		err = index.WaitFor(t.Context(), rev)
	}
	if err != nil {
		t.Fatal(err)
	}
	before := dump(t, s)
	root := access.Subject{Name: "root", UID: "uid-root"}
	begin := time.Now().UTC()
	at := func(d time.Duration) { service.now = func() time.Time { return begin.Add(d) } }
	wanted := AccessRequest{Workspace: "red", Role: access.WorkspaceViewer, Reason: "please"}
	at(0)
	r, err := service.Ask(t.Context(), jane, wanted)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := service.Ask(t.Context(), root, wanted); !errors.Is(err, ErrDenied) {
		t.Errorf("somebody that there is not: %v", err)
	}
	at(requestOpen + time.Second)
	if now, err := service.Request(t.Context(), r.UID); err != nil || now.State != RequestExpired {
		t.Errorf("%+v %v", now, err)
	}
	if _, err := service.Decide(t.Context(), root, r.UID, Decision{Approve: true}); !errors.Is(err, ErrDecided) {
		t.Errorf("an expired request was decided about: %v", err)
	}
	if r, err = service.Ask(t.Context(), jane, wanted); err != nil {
		t.Fatalf("asking again: %v", err)
	}
	at(2*requestOpen + requestKept + time.Minute)
	again, err := service.Ask(t.Context(), jane, wanted)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := service.Requests(t.Context()); err != nil || len(all) != 1 || all[0].UID != again.UID {
		t.Errorf("old ones are kept: %+v %v", all, err)
	}
	if _, err := service.Decide(t.Context(), root, again.UID, Decision{Approve: true, Until: service.now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if members, err := service.Members(t.Context(), red); err != nil || len(members) != 1 {
		t.Errorf("%v %v", members, err)
	}
	if err := service.deleteEnded(t.Context()); err != nil || len(index.BindingsOf(jane.UID)) != 1 {
		t.Errorf("one that has not ended: %v %v", index.BindingsOf(jane.UID), err)
	}
	at(3*requestOpen + 2*requestKept)
	if err := service.deleteEnded(t.Context()); err != nil || len(index.BindingsOf(jane.UID)) != 0 {
		t.Errorf("left: %v %v", index.BindingsOf(jane.UID), err)
	}
	if err := service.commit(t.Context(), nil, service.requests().DeleteOp(again.UID)); err != nil {
		t.Fatal(err)
	}
	if after := dump(t, s); after != before {
		t.Errorf("left in the store:\n%s", after)
	}
}
