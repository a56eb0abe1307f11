// How much one person may ask for.

package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/access"
)

func TestPersonWhoAsksTooOftenWaitsAndOthersDoNot(t *testing.T) {
	now := time.Now()
	p := &people{each: map[string]*person{}, sweep: now}
	for i := range personBurst {
		if !p.take("jane", now) {
			t.Fatalf("request %d of a burst of %d was refused", i+1, personBurst)
		}
	}
	if p.take("jane", now) {
		t.Error("there is no end to a burst")
	}
	if !p.take("john", now) {
		t.Error("john waits for jane")
	}
	if !p.take("jane", now.Add(time.Second)) {
		t.Error("jane waits for ever")
	}
	p.take("john", now.Add(3*idleLimiter))
	if len(p.each) != 1 {
		t.Errorf("%d people are remembered, and one has asked lately", len(p.each))
	}
}

func TestRefusedForHasteIsToldWhenToComeBack(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	var me struct{ UID string }
	admin.must("GET", "/api/v1/users/me", nil, 200).json(&me)
	for r.people.take(me.UID, time.Now()) { // what a thousand requests would do
	}
	if a := admin.do("GET", "/api/v1/users/me", nil); a.status != 429 || a.header.Get("Retry-After") != "1" {
		t.Errorf("%d %v", a.status, a.header)
	}
}

func TestPlacesInAClusterAreBounded(t *testing.T) {
	g := &gate{in: map[string]int{}}
	limits := [2]int{2, 3}
	a1, ok1 := g.enter([2]string{"c/a", "c"}, limits)
	a2, ok2 := g.enter([2]string{"c/a", "c"}, limits)
	if _, ok := g.enter([2]string{"c/a", "c"}, limits); !ok1 || !ok2 || ok {
		t.Error("one person has more places than one may")
	}
	b1, ok := g.enter([2]string{"c/b", "c"}, limits)
	if !ok {
		t.Error("another person finds no place")
	}
	if _, ok := g.enter([2]string{"c/b", "c"}, limits); ok {
		t.Error("there are more places than the cluster has")
	}
	a1()
	if again, ok := g.enter([2]string{"c/b", "c"}, limits); !ok {
		t.Error("a place that was left is not free")
	} else {
		again()
	}
	a2()
	b1()
	if len(g.in) != 0 {
		t.Errorf("%v stays behind", g.in)
	}
}

func TestRefusalBelowClustersIsAStatus(t *testing.T) {
	r := startWith(t, newUpstream(t, hostile), nil)
	admin := r.admin()
	var me struct{ UID string }
	admin.must("GET", "/api/v1/users/me", nil, 200).json(&me)
	for {
		if _, ok := r.gate.enter([2]string{"local/" + me.UID, "local"}, [2]int{personInCluster, allInCluster}); !ok {
			break
		}
	}
	var status struct {
		Kind, Reason string
		Code         int
	}
	a := admin.must("GET", "/clusters/local/api/v1/namespaces/demo/pods", nil, 429)
	a.json(&status)
	if status.Kind != "Status" || status.Reason != "TooManyRequests" || status.Code != 429 || a.header.Get("Retry-After") == "" {
		t.Errorf("%s %v", a.body, a.header)
	}
}

// The deadline for reading the body must not end the work that follows it.
func TestDeadlineOfTheBodyIsTakenOff(t *testing.T) {
	deadlines := &deadlineWriter{ResponseWriter: httptest.NewRecorder()}
	r := httptest.NewRequest("POST", "/", strings.NewReader("body"))
	limitBody(100, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
	})).ServeHTTP(deadlines, r)
	if n := len(deadlines.set); n < 2 || deadlines.set[0].IsZero() || !deadlines.set[n-1].IsZero() {
		t.Errorf("deadlines: %v", deadlines.set)
	}
}

type deadlineWriter struct {
	http.ResponseWriter
	set []time.Time
}

func (d *deadlineWriter) SetReadDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

func TestSubscriptionsDoNotOutliveTheirPerson(t *testing.T) {
	l := &live{alive: func(s access.Subject) bool { return s.Name != "jane" }, entries: map[*liveRequest]struct{}{}}
	jane, doneJane := l.begin(context.Background(), access.Subject{Name: "jane"})
	john, doneJohn := l.begin(context.Background(), access.Subject{Name: "john"})
	l.recheck()
	if !errors.Is(context.Cause(jane), access.ErrRevoked) || john.Err() != nil {
		t.Errorf("%v, %v", context.Cause(jane), john.Err())
	}
	doneJane()
	doneJohn()
	if l.count() != 0 {
		t.Errorf("%d stay", l.count())
	}
}
