// The door: what reaches Kubernetes through it, and as whom.
package capability

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// standIn answers every request and keeps the last.
type standIn struct {
	request *http.Request
	as      string
	via     Via
	answer  string
	status  int
}

func (k *standIn) RoundTrip(ctx context.Context, s access.Subject, cluster string, r *http.Request, via Via) (*http.Response, error) {
	k.request, k.as, k.via = r, s.Name+"@"+cluster, via
	return &http.Response{
		StatusCode: k.status, Body: io.NopCloser(strings.NewReader(k.answer)),
		Header: http.Header{"Content-Type": {"text/plain"}, "Set-Cookie": {"a=b"}, "Audit-Id": {"x"}, "Warning": {"299 - old"}},
	}, nil
}

func parent(value any) sandbox.Parent {
	return sandbox.Parent{Request: &sandbox.Request{Value: value}, Extension: "sample", Version: "1.0.0"}
}

var vera = access.Subject{Name: "vera", UID: "u1"}

func TestDoorCarriesWhatIsAllowedAsThePersonOfTheParent(t *testing.T) {
	k := &standIn{status: 200, answer: "line\n"}
	var recorded bytes.Buffer
	d := NewDoor(k, slog.New(slog.NewTextHandler(&recorded, &slog.HandlerOptions{Level: slog.LevelDebug})))
	response, err := d.Open(t.Context(), parent(&Call{Subject: vera, Cluster: "local", Rules: []Rule{logs}}), &sandbox.Request{
		Authority: AuthorityKubernetes, Method: "GET", Target: "/api/v1/namespaces/demo/pods/a/log?follow=true",
		// What the guest says of itself counts for nothing.
		Caller: sandbox.Caller{User: "root"},
		Header: []wire.Header{{Name: "accept", Value: "*/*"}, {Name: "Authorization", Value: "Bearer x"}, {Name: "Impersonate-User", Value: "root"}, {Name: "Cookie", Value: "c"}, {Name: "Upgrade", Value: "spdy"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if k.as != "vera@local" || k.via != (Via{Extension: "sample", Version: "1.0.0"}) || k.request.URL.RequestURI() != "/api/v1/namespaces/demo/pods/a/log?follow=true" {
		t.Errorf("%s %v %s", k.as, k.via, k.request.URL)
	}
	if len(k.request.Header) != 1 || k.request.Header.Get("Accept") != "*/*" {
		t.Errorf("headers to Kubernetes: %v", k.request.Header)
	}
	if fmt.Sprint(response.Header) != "[{Content-Type text/plain} {Warning 299 - old}]" {
		t.Errorf("headers to the guest: %v", response.Header)
	}
	for _, want := range []string{"user=vera", "extension=sample", "version=1.0.0", "verb=get", "status=200"} {
		if !strings.Contains(recorded.String(), want) {
			t.Errorf("the record lacks %s: %s", want, &recorded)
		}
	}
}

func TestDoorRefusesWithoutAskingKubernetes(t *testing.T) {
	call := func(rules ...Rule) *Call { return &Call{Subject: vera, Cluster: "local", Rules: rules} }
	for name, test := range map[string]struct {
		value  any
		method string
		target string
		code   wire.Code
	}{
		"undeclared":          {call(logs), "GET", "/api/v1/namespaces/demo/secrets", wire.Denied},
		"a write":             {call(logs), "DELETE", "/api/v1/namespaces/demo/pods/a", wire.Denied},
		"no rules":            {call(), "GET", "/api", wire.Denied},
		"nobody asks":         {nil, "GET", "/api/v1/pods", wire.Denied},
		"no cluster":          {&Call{Subject: vera, Rules: []Rule{logs}}, "GET", "/api/v1/pods", wire.Invalid},
		"dots":                {call(all), "GET", "/api/v1/namespaces/demo/pods/../secrets", wire.Invalid},
		"another cluster":     {call(all), "GET", "/../other/api/v1/pods", wire.Invalid},
		"a whole address":     {call(all), "GET", "http://evil.example/api/v1/pods", wire.Invalid},
		"a protocol-less one": {call(all), "GET", "//evil.example/api/v1/pods", wire.Invalid},
		"metrics":             {call(all), "GET", "/metrics", wire.Invalid},
	} {
		k := &standIn{status: 200}
		_, err := NewDoor(k, slog.New(slog.DiscardHandler)).Open(t.Context(), parent(test.value), &sandbox.Request{Method: test.method, Target: test.target})
		var reset *sandbox.ResetError
		if !errors.As(err, &reset) || reset.Code != test.code {
			t.Errorf("%s: %v", name, err)
		}
		if k.request != nil {
			t.Errorf("%s: Kubernetes was asked for %s", name, k.request.URL)
		}
	}
	if NewDoor(&standIn{}, nil).Doors("self.kubernetes") != nil {
		t.Error("there is a door that nobody made")
	}
}

func TestWhatAPersonMayIsAskedOfKubernetesWithinTheManifest(t *testing.T) {
	k := &standIn{status: 201, answer: `{"status":{"allowed":true}}`}
	d := NewDoor(k, slog.New(slog.DiscardHandler))
	call := &Call{Subject: vera, Cluster: "local", Rules: []Rule{logs}}
	may, err := d.May(t.Context(), call, Via{Extension: "sample"}, Question{Verb: "get", Version: "v1", Resource: "pods", Subresource: "log", Namespace: "demo"})
	if err != nil || !may {
		t.Fatal(may, err)
	}
	var asked accessReview
	if err := json.NewDecoder(k.request.Body).Decode(&asked); err != nil {
		t.Fatal(err)
	}
	if got := asked.Spec.ResourceAttributes; got.Subresource != "log" || got.Namespace != "demo" || got.Verb != "get" {
		t.Errorf("%+v", got)
	}
	k.request = nil
	if may, err := d.May(t.Context(), call, Via{}, Question{Verb: "delete", Version: "v1", Resource: "pods", Namespace: "demo"}); may || err != nil || k.request != nil {
		t.Errorf("beyond the manifest: %v, %v", may, err)
	}
	k.answer = `{"status":{"allowed":false}}`
	if may, err := d.May(t.Context(), call, Via{}, Question{Verb: "get", Version: "v1", Resource: "pods"}); may || err != nil {
		t.Errorf("%v, %v", may, err)
	}
	k.status, k.answer = 503, `{"status":{"allowed":true}}`
	if may, err := d.May(t.Context(), call, Via{}, Question{Verb: "get", Version: "v1", Resource: "pods"}); may || err == nil {
		t.Errorf("a cluster that fails: %v, %v", may, err)
	}
}
