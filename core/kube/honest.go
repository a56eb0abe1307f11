// Honest answers to questions about oneself. Kubernetes says what a person's roles
// give; what Atoll refuses before, by the credential, it does not know.

package kube

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	authorization "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/atoll-platform/atoll/core/access"
)

const (
	typeJSON     = "application/json"
	typeProtobuf = "application/vnd.kubernetes.protobuf"
)

// narrow tells whether something is refused to a subject that Kubernetes might
// allow, by refusal.
func narrow(s access.Subject) bool { return s.ReadOnly || s.Via != access.ViaToken }

// refusal is why a subject's credential does not do something, whatever the
// person's roles are; "" when it does.
func refusal(s access.Subject, method string, t *target) string {
	// A browser sends its cookie along whoever's page asks; what a pod answers
	// could be a page. Tokens are sent on purpose.
	if t.backend() && s.Via != access.ViaToken {
		return "what pods, services and nodes serve is reached with a token only, not with a browser's session"
	}
	if s.ReadOnly && !t.selfReview() {
		reads := method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
		if !reads || t.session() || t.backend() || t.verb == "proxy" {
			return "the token is for reading only"
		}
	}
	return ""
}

// refusedVerb is refusal of what a rule or a question names: a verb on a resource
// of a group, in which "*" stands for all. The resource may have its subresource
// behind a slash, as rules have it.
func refusedVerb(s access.Subject, verb, group, resource, subresource string) string {
	if before, after, ok := strings.Cut(resource, "/"); ok && subresource == "" {
		resource, subresource = before, after
	}
	if group == "*" {
		group = ""
	}
	reaches := resource == "*" || slices.Contains([]string{"pods", "services", "nodes"}, resource)
	if reaches && (subresource == "*" || resource == "*" && subresource != "") {
		// Among all of these is what is refused, where anything is.
		if subresource == "*" {
			subresource = "proxy"
		}
		resource = "pods"
	}
	method := http.MethodPost
	if slices.Contains([]string{"get", "list", "watch"}, verb) {
		method = http.MethodGet
	}
	return refusal(s, method, &target{resourceful: true, group: group, resource: resource, subresource: subresource, verb: verb})
}

// refusedPath is refusal of a path that is no resource's.
func refusedPath(s access.Subject, verb string) string {
	return refusal(s, strings.ToUpper(verb), &target{verb: verb})
}

// honest sends a review on, and takes from the answer what Atoll refuses.
func (p *Proxy) honest(in *incoming, t *target, send func() *http.Response) *http.Response {
	kind, ok := reviewType(in.header)
	if !ok {
		return (&failure{code: http.StatusNotAcceptable, reason: metav1.StatusReasonNotAcceptable,
			message: fmt.Sprintf("the answer to a review is made as %s or %s", typeJSON, typeProtobuf)}).response()
	}
	in.header = in.header.Clone()
	in.header.Set("Accept", typeJSON)
	in.header.Del("Accept-Encoding")
	res := send()
	if res.StatusCode != http.StatusCreated {
		return res
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxMade+1))
	if err == nil && len(text) > maxMade {
		err = fmt.Errorf("it has more than %d bytes", maxMade)
	}
	if err == nil {
		text, err = narrowed(in.subject, t.resource, text, kind)
	}
	if err != nil {
		if f := (*failure)(nil); errors.As(err, &f) {
			return f.response()
		}
		return unavailable("the cluster's answer to the review cannot be read: " + err.Error()).response()
	}
	header := res.Header.Clone()
	header.Del("Content-Length")
	header.Set("Content-Type", kind)
	return &http.Response{
		StatusCode: res.StatusCode, Status: res.Status, Proto: res.Proto, ProtoMajor: res.ProtoMajor, ProtoMinor: res.ProtoMinor,
		Header: header, ContentLength: int64(len(text)), Body: io.NopCloser(strings.NewReader(string(text))),
	}
}

// reviewType is the first form that a client asks for and that a review can be
// answered in.
func reviewType(h http.Header) (string, bool) {
	lines := h.Values("Accept")
	if len(lines) == 0 {
		return typeJSON, true
	}
	for item := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		switch kind, params, err := mime.ParseMediaType(item); {
		case err != nil || params["as"] != "":
		case kind == typeProtobuf:
			return typeProtobuf, true
		case kind == typeJSON, kind == "application/*", kind == "*/*":
			return typeJSON, true
		}
	}
	return "", false
}

// narrowed is a review's answer without what a credential does not do.
func narrowed(s access.Subject, resource string, text []byte, kind string) ([]byte, error) {
	if resource == "selfsubjectrulesreviews" {
		review := &authorization.SelfSubjectRulesReview{}
		if err := json.Unmarshal(text, review); err != nil {
			return nil, err
		}
		review.Status.ResourceRules = narrowedRules(s, review.Status.ResourceRules)
		review.Status.NonResourceRules = narrowedPaths(s, review.Status.NonResourceRules)
		return encoded(review, review.TypeMeta, kind)
	}
	review := &authorization.SelfSubjectAccessReview{}
	if err := json.Unmarshal(text, review); err != nil {
		return nil, err
	}
	if why := refusedQuestion(s, &review.Spec); why != "" && review.Status.Allowed {
		review.Status = authorization.SubjectAccessReviewStatus{Reason: why}
	}
	return encoded(review, review.TypeMeta, kind)
}

// refusedQuestion is refusal of what somebody asks about.
func refusedQuestion(s access.Subject, asked *authorization.SelfSubjectAccessReviewSpec) string {
	if a := asked.ResourceAttributes; a != nil {
		return refusedVerb(s, a.Verb, a.Group, a.Resource, a.Subresource)
	}
	if a := asked.NonResourceAttributes; a != nil {
		return refusedPath(s, a.Verb)
	}
	return ""
}

// encoded is a review as a client reads it.
func encoded(review interface{ Marshal() ([]byte, error) }, t metav1.TypeMeta, kind string) ([]byte, error) {
	if kind == typeJSON {
		return json.Marshal(review)
	}
	raw, err := review.Marshal()
	if err != nil {
		return nil, err
	}
	text, err := (&runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: t.APIVersion, Kind: t.Kind}, Raw: raw}).Marshal()
	return append([]byte(protobufMagic), text...), err
}

// Verbs that "*" stands for, where not all of them are left.
var (
	resourceVerbs = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
	pathVerbs     = []string{"get", "head", "options", "post", "put", "patch", "delete"}
)

// without leaves of verbs those that are not refused.
func without(verbs, all []string, refused func(string) string) []string {
	if slices.Contains(verbs, "*") {
		verbs = append([]string{"*"}, all...)
	}
	left := slices.DeleteFunc(slices.Clone(verbs), func(v string) bool { return refused(v) != "" })
	if slices.Contains(left, "*") {
		return []string{"*"}
	}
	return left
}

// narrowedRules are rules without the verbs that a credential does not do: of what a
// rule says about several resources, those with the same verbs stay together. A
// rule about "*" says the ways into pods too, and stays as what else it says.
func narrowedRules(s access.Subject, rules []authorization.ResourceRule) []authorization.ResourceRule {
	left := []authorization.ResourceRule{}
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			first := len(left)
			for _, resource := range rule.Resources {
				verbs := without(rule.Verbs, resourceVerbs, func(v string) string { return refusedVerb(s, v, group, resource, "") })
				if len(verbs) == 0 {
					continue
				}
				i := slices.IndexFunc(left[first:], func(r authorization.ResourceRule) bool { return slices.Equal(r.Verbs, verbs) })
				if i < 0 {
					i = len(left) - first
					left = append(left, authorization.ResourceRule{Verbs: verbs, APIGroups: []string{group}, ResourceNames: rule.ResourceNames})
				}
				left[first+i].Resources = append(left[first+i].Resources, resource)
			}
		}
	}
	return left
}

func narrowedPaths(s access.Subject, rules []authorization.NonResourceRule) []authorization.NonResourceRule {
	left := []authorization.NonResourceRule{}
	for _, rule := range rules {
		if rule.Verbs = without(rule.Verbs, pathVerbs, func(v string) string { return refusedPath(s, v) }); len(rule.Verbs) > 0 {
			left = append(left, rule)
		}
	}
	return left
}
