// Answers to questions about oneself: what they say is what happens.

package kube

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	authorization "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

const (
	accessReviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
	rulesReviews  = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
)

// generous is a house whose cluster allows everything, and says so.
func generous(t *testing.T, rules ...authorization.ResourceRule) *house {
	h := newHouse(t)
	answer := func(w http.ResponseWriter, review any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		if err := json.NewEncoder(w).Encode(review); err != nil {
			t.Error(err)
		}
	}
	h.up.mux.HandleFunc("POST "+accessReviews, func(w http.ResponseWriter, r *http.Request) {
		review := &authorization.SelfSubjectAccessReview{}
		if err := json.NewDecoder(r.Body).Decode(review); err != nil {
			t.Error(err)
		}
		review.Status = authorization.SubjectAccessReviewStatus{Allowed: true, Reason: "the cluster says so"}
		answer(w, review)
	})
	h.up.mux.HandleFunc("POST "+rulesReviews, func(w http.ResponseWriter, r *http.Request) {
		review := &authorization.SelfSubjectRulesReview{TypeMeta: metav1.TypeMeta{Kind: "SelfSubjectRulesReview", APIVersion: "authorization.k8s.io/v1"}}
		review.Status.ResourceRules = rules
		review.Status.NonResourceRules = []authorization.NonResourceRule{{Verbs: []string{"*"}, NonResourceURLs: []string{"/metrics"}}, {Verbs: []string{"post"}, NonResourceURLs: []string{"/hooks"}}}
		answer(w, review)
	})
	h.up.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{}") })
	return h
}

// credentials are the headers of the test's ways to be signed in.
var credentials = map[string][]string{
	"a token":                  {},
	"a token for reading only": {"X-Test-Read-Only", "1"},
	"a session":                {"X-Test-Via", "session"},
}

func TestWhatAReviewSaysIsWhatHappens(t *testing.T) {
	h := generous(t)
	methods := map[string]string{"get": "GET", "list": "GET", "watch": "GET", "create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE", "deletecollection": "DELETE"}
	said := map[string]int{}
	for name, credential := range credentials {
		for verb, method := range methods {
			one := verb == "get" || verb == "update" || verb == "patch" || verb == "delete"
			for _, resource := range []string{"/pods", "/pods/log", "/pods/exec", "/pods/attach", "/pods/portforward", "/pods/proxy", "/services/proxy", "/services", "/secrets", "apps/deployments", "apps/deployments/scale", "x.dev/pods/exec", "x.dev/services/proxy", "authorization.k8s.io/selfsubjectaccessreviews"} {
				group, rest, _ := strings.Cut(resource, "/")
				plural, subresource, _ := strings.Cut(rest, "/")
				if subresource != "" && (verb == "list" || verb == "watch" || verb == "deletecollection") {
					continue // there is no such request
				}
				path := "/api/v1/namespaces/alpha/"
				if group != "" {
					path = "/apis/" + group + "/v1/namespaces/alpha/"
				}
				if plural == "selfsubjectaccessreviews" {
					path = "/apis/" + group + "/v1/"
				}
				path += plural
				if one || subresource != "" {
					path += "/x"
				}
				if subresource != "" {
					path += "/" + subresource
				}
				if verb == "watch" {
					path += "?watch=1"
				}
				body := ""
				if plural == "selfsubjectaccessreviews" && verb == "create" {
					body = "{}"
				}
				code, _, text := h.ask(t, "root", method, path, body, credential...)
				does := code != http.StatusForbidden
				// Both ways in which clients name a subresource.
				for _, question := range []authorization.ResourceAttributes{
					{Namespace: "alpha", Verb: verb, Group: group, Resource: plural, Subresource: subresource},
					{Namespace: "alpha", Verb: verb, Group: group, Resource: rest},
				} {
					says, why := h.mayI(t, question, credential)
					if says != does || !says && !strings.Contains(text, why) {
						t.Errorf("by %s, %s %s: %d; the review says %v (%s)", name, method, path, code, says, why)
					}
					said[fmt.Sprint(name, says)]++
				}
			}
		}
		for _, question := range []authorization.ResourceAttributes{
			{Verb: "*", Group: "*", Resource: "*"}, {Verb: "get", Group: "*", Resource: "*", Subresource: "*"}, {Verb: "get", Resource: "pods", Subresource: "*"},
			{Verb: "create", Group: "*", Resource: "pods", Subresource: "exec"}, {Verb: "get", Resource: "*/exec"}, {Verb: "bind", Group: "rbac.authorization.k8s.io", Resource: "roles"}, {Verb: "impersonate", Resource: "users"},
		} {
			if says, _ := h.mayI(t, question, credential); says && name == "a token for reading only" || !says && name == "a token" {
				t.Errorf("by %s: %+v: the review says %v", name, question, says)
			}
		}
	}
	for name := range credentials {
		if said[name+"true"] == 0 || name != "a token" && said[name+"false"] == 0 {
			t.Errorf("the test has shown too little: %v", said)
		}
	}
	for verb, want := range map[string]bool{"get": true, "head": true, "post": false, "*": false} {
		if says := h.review(t, `{"nonResourceAttributes":{"path":"/metrics","verb":"`+verb+`"}}`, credentials["a token for reading only"]); says.Status.Allowed != want {
			t.Errorf("%s /metrics: %+v", verb, says.Status)
		}
	}
}

// mayI asks whether somebody may do something.
func (h *house) mayI(t *testing.T, question authorization.ResourceAttributes, credential []string) (bool, string) {
	t.Helper()
	spec, err := json.Marshal(authorization.SelfSubjectAccessReviewSpec{ResourceAttributes: &question})
	if err != nil {
		t.Fatal(err)
	}
	status := h.review(t, string(spec), credential).Status
	if !status.Allowed && status.Reason == "" {
		t.Errorf("%s: it is not said why not", spec)
	}
	return status.Allowed, status.Reason
}

func (h *house) review(t *testing.T, spec string, header []string) authorization.SelfSubjectAccessReview {
	t.Helper()
	code, _, text := h.ask(t, "root", "POST", accessReviews, `{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":`+spec+`}`, header...)
	var review authorization.SelfSubjectAccessReview
	if err := json.Unmarshal([]byte(text), &review); err != nil || code != http.StatusCreated || review.Kind != "SelfSubjectAccessReview" {
		t.Fatalf("%s: %d %s", spec, code, text)
	}
	return review
}

func TestRulesAreWithoutWhatACredentialDoesNotDo(t *testing.T) {
	rule := func(verbs, groups, resources string) authorization.ResourceRule {
		return authorization.ResourceRule{Verbs: strings.Split(verbs, " "), APIGroups: strings.Split(groups, " "), Resources: strings.Split(resources, " ")}
	}
	h := generous(t,
		rule("*", "*", "*"), rule("get list watch create", "", "pods pods/exec pods/proxy secrets"), rule("create", "", "pods/exec pods/portforward"),
		rule("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews"), rule("get update", "apps x.dev", "deployments"),
	)
	for name, want := range map[string][]authorization.ResourceRule{
		"a token for reading only": {
			rule("get list watch", "*", "*"), rule("get list watch", "", "pods secrets"),
			rule("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"), rule("get", "apps", "deployments"), rule("get", "x.dev", "deployments"),
		},
		"a session": {
			rule("*", "*", "*"), rule("get list watch create", "", "pods pods/exec secrets"), rule("create", "", "pods/exec pods/portforward"),
			rule("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews"), rule("get update", "apps", "deployments"), rule("get update", "x.dev", "deployments"),
		},
	} {
		for _, accept := range []string{"", "application/json", "application/vnd.kubernetes.protobuf,application/json", "*/*"} {
			header := credentials[name]
			if accept != "" {
				header = append(header[:2:2], "Accept", accept)
			}
			code, answered, text := h.ask(t, "root", "POST", rulesReviews, `{"spec":{"namespace":"alpha"}}`, header...)
			if code != http.StatusCreated {
				t.Fatalf("%s, %q: %d %s", name, accept, code, text)
			}
			var review authorization.SelfSubjectRulesReview
			kind := answered.Get("Content-Type")
			if kind == "application/vnd.kubernetes.protobuf" {
				var envelope runtime.Unknown
				raw, ok := strings.CutPrefix(text, "k8s\x00")
				if err := envelope.Unmarshal([]byte(raw)); err != nil || !ok || envelope.Kind != "SelfSubjectRulesReview" {
					t.Fatalf("%v %+v", err, envelope.TypeMeta)
				}
				if err := review.Unmarshal(envelope.Raw); err != nil {
					t.Fatal(err)
				}
			} else if err := json.Unmarshal([]byte(text), &review); err != nil {
				t.Fatal(err)
			}
			if wants := strings.HasPrefix(accept, "application/vnd"); wants != (kind == "application/vnd.kubernetes.protobuf") {
				t.Errorf("%q was answered as %s", accept, kind)
			}
			if !reflect.DeepEqual(review.Status.ResourceRules, want) {
				t.Errorf("by %s, as %s:\n%+v, want\n%+v", name, kind, review.Status.ResourceRules, want)
			}
			paths := []authorization.NonResourceRule{{Verbs: []string{"get", "head", "options"}, NonResourceURLs: []string{"/metrics"}}}
			if name == "a token for reading only" && !reflect.DeepEqual(review.Status.NonResourceRules, paths) {
				t.Errorf("paths: %+v", review.Status.NonResourceRules)
			}
		}
	}
	if code, _, text := h.ask(t, "root", "POST", rulesReviews, `{"spec":{}}`, "X-Test-Read-Only", "1", "Accept", "application/yaml"); code != http.StatusNotAcceptable {
		t.Errorf("as YAML: %d %s", code, text)
	}
}

func TestAnswersThatCannotBeReadAllowNothing(t *testing.T) {
	h := newHouse(t)
	h.up.mux.HandleFunc(accessReviews, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"status":{"allowed":true}`)
	})
	code, _, text := h.ask(t, "root", "POST", accessReviews, "{}", "X-Test-Read-Only", "1")
	if s := status(t, text); code != http.StatusServiceUnavailable || !strings.Contains(s.Message, "cannot be read") {
		t.Errorf("%d %s", code, text)
	}
}
