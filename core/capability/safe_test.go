// What changes nothing may be asked again, and everything else is taken to change
// something.
package capability

import (
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/sandbox"
)

var (
	_ sandbox.SafeDoor = (*Door)(nil)
	_ sandbox.SafeDoor = (*Upstreams)(nil)

	_ sandbox.SecretDoor = (*Door)(nil)
)

func TestReadingKubernetesIsSafe(t *testing.T) {
	d := NewDoor(&standIn{}, nil)
	for request, want := range map[string]bool{
		"GET /api":                                                        true,
		"GET /apis":                                                       true,
		"GET /api/v1/namespaces/demo/pods/a":                              true,
		"HEAD /api/v1/namespaces/demo/pods/a":                             true,
		"GET /api/v1/namespaces/demo/pods?watch=true":                     true,
		"GET /api/v1/namespaces/demo/pods/a/log?follow=true":              true,
		"GET /apis/apps/v1/namespaces/demo/deployments/a/scale":           true,
		"GET /apis/apps/v1/namespaces/demo/deployments/a/status":          true,
		"GET /api/v1/namespaces/demo/pods/a/exec?command=sh":              false,
		"GET /api/v1/namespaces/demo/pods/a/attach":                       false,
		"GET /api/v1/namespaces/demo/pods/a/portforward":                  false,
		"GET /api/v1/namespaces/demo/pods/a/proxy/delete-all":             false,
		"GET /api/v1/namespaces/demo/services/a/proxy":                    false,
		"GET /api/v1/nodes/a/proxy/metrics":                               false,
		"GET /api/v1/nodes/a/log":                                         false,
		"GET /apis/subresources.kubevirt.io/v1/namespaces/demo/vms/a/vnc": false,
		"GET /apis/other.example.com/v1/namespaces/demo/pods/a/log":       false,
		"POST /api/v1/namespaces/demo/pods":                               false,
		"PUT /api/v1/namespaces/demo/pods/a":                              false,
		"PATCH /api/v1/namespaces/demo/pods/a":                            false,
		"DELETE /api/v1/namespaces/demo/pods/a":                           false,
		"DELETE /api/v1/namespaces/demo/pods":                             false,
		"POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews":     false,
		"GET /somewhere/else":                                             false,
	} {
		method, target, _ := strings.Cut(request, " ")
		if got := d.Safe(parent(&Call{}), &sandbox.Request{Method: method, Target: target}); got != want {
			t.Errorf("%s: %v", request, got)
		}
	}
}

func TestUpstreamIsSafeAsItsTemplateSays(t *testing.T) {
	all := templates(t, "GET /items{?x}", "POST /items/_search", "POST /items", "POST /both/*", "POST /both/one")
	for i := range all {
		all[i].Safe = all[i].Safe || all[i].String() == "POST /items/_search" || all[i].String() == "POST /both/*"
	}
	u, err := NewUpstreams(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := parent(&Call{Upstreams: map[string][]Template{"store": all}})
	for request, want := range map[string]bool{
		"GET /items":          true,
		"GET /items?x=1":      true,
		"GET /items?y=1":      false, // nothing allows it
		"POST /items/_search": true,
		"POST /items":         false,
		"POST /both/two":      true,
		"POST /both/one":      false, // two templates allow it, and one of them is not safe
		"GET items":           false,
	} {
		method, target, _ := strings.Cut(request, " ")
		if got := u.Safe(p, &sandbox.Request{Authority: "store.upstream", Method: method, Target: target}); got != want {
			t.Errorf("%s: %v", request, got)
		}
	}
	if u.Safe(p, &sandbox.Request{Authority: "other.upstream", Method: "GET", Target: "/items"}) ||
		u.Safe(parent(nil), &sandbox.Request{Authority: "store.upstream", Method: "GET", Target: "/items"}) {
		t.Error("what nobody declared is taken to be safe")
	}
}

func TestRecordingsKeepNothingOfWhatHoldsSecrets(t *testing.T) {
	d := NewDoor(&standIn{}, nil)
	for target, want := range map[string]bool{
		"GET /api/v1/namespaces/demo/secrets/a":                true,
		"GET /api/v1/secrets?watch=true":                       true,
		"GET /api/v1/namespaces/demo/configmaps":               true,
		"POST /api/v1/namespaces/demo/serviceaccounts/a/token": true,
		"GET /api/v1/namespaces/demo/pods/a/proxy/metrics":     true,
		"GET /apis/rbac.authorization.k8s.io/v1/clusterroles":  true,
		"GET /no/api":                                         true,
		"GET /api/v1/namespaces/demo/pods":                    false,
		"GET /api/v1/namespaces/demo/pods/a/log?follow=true":  false,
		"PATCH /apis/apps/v1/namespaces/demo/deployments/a":   false,
		"GET /apis/example.com/v1/namespaces/demo/configmaps": false,
		"GET /apis": false,
	} {
		method, path, _ := strings.Cut(target, " ")
		if got := d.Secret(parent(&Call{}), &sandbox.Request{Method: method, Target: path}); got != want {
			t.Errorf("%s: secret %v", target, got)
		}
	}
}
