// The decision: one pure function over the rules of a manifest. What the person
// may is not its business; Kubernetes decides that after it.
package capability

import (
	"fmt"
	"slices"
	"strings"
)

// Allowed tells whether rules allow what is asked; if not, why, in words for the
// extension's author.
func Allowed(rules []Rule, q Question) (bool, string) {
	if len(rules) == 0 {
		return false, "the manifest asks for nothing of Kubernetes"
	}
	if q.Discovery {
		return true, ""
	}
	for i := range rules {
		if rules[i].allows(q) {
			return true, ""
		}
	}
	return false, fmt.Sprintf("no rule of the manifest allows %s", q)
}

func (r *Rule) allows(q Question) bool {
	resource := q.Resource
	if q.Subresource != "" {
		resource += "/" + q.Subresource
	}
	// A wildcard never stands for what is dangerous, nor for a subresource.
	dangerous := Dangerous(q.Group, resource)
	has := func(list []string, value string, wild bool) bool {
		return slices.Contains(list, value) || wild && slices.Contains(list, "*")
	}
	if !has(r.Groups, q.Group, !dangerous) ||
		!has(r.Resources, resource, !dangerous && q.Subresource == "") ||
		!has(r.Verbs, q.Verb, !dangerous) {
		return false
	}
	// A request that names no object (a list, or a creation, whose name is in
	// its body) cannot be held to names.
	return len(r.Names) == 0 || q.Name != "" && slices.Contains(r.Names, q.Name)
}

// dangerousGroups are API groups in which everything is dangerous: who may write
// them can give rights, or stand between Kubernetes and its users.
var dangerousGroups = []string{
	"rbac.authorization.k8s.io", "certificates.k8s.io", "admissionregistration.k8s.io", "apiregistration.k8s.io",
}

// Dangerous tells whether a resource (with its subresource, as pods/exec) needs
// a consent of its own: it holds or gives powers beyond what it shows.
func Dangerous(group, resource string) bool {
	if slices.Contains(dangerousGroups, group) {
		return true
	}
	name, sub, _ := strings.Cut(resource, "/")
	switch sub {
	case "proxy", "exec", "attach", "portforward", "ephemeralcontainers", "token":
		return true
	}
	return group == "" && (name == "secrets" || name == "nodes")
}

// Problems are what is wrong with a rule beyond its shape, each with the field it
// is about, for the author.
func (r *Rule) Problems() []Problem {
	var all []Problem
	wild := slices.Contains(r.Groups, "*") || slices.Contains(r.Verbs, "*")
	for i, resource := range r.Resources {
		if strings.Contains(resource, "*") && resource != "*" {
			all = append(all, Problem{fmt.Sprintf("/resources/%d", i), "name the subresource: \"*\" stands alone"})
		}
		dangerous := slices.ContainsFunc(r.Groups, func(g string) bool {
			return Dangerous(g, resource) || g == "*" && Dangerous("", resource)
		})
		if dangerous && (wild || resource == "*" || len(r.Resources) > 1 && slices.Contains(r.Resources, "*")) {
			all = append(all, Problem{fmt.Sprintf("/resources/%d", i), fmt.Sprintf("%s is dangerous and never comes with a wildcard: name its group, resource and verbs", resource)})
		}
	}
	if len(r.Names) > 0 {
		for i, v := range r.Verbs {
			if v == "list" || v == "watch" || v == "create" || v == "deletecollection" || v == "*" {
				all = append(all, Problem{fmt.Sprintf("/verbs/%d", i), fmt.Sprintf("%s names no object and cannot be held to names: a rule of its own without names is needed", v)})
			}
		}
	}
	return all
}

// Problem is something wrong with a rule, at a JSON Pointer within it.
type Problem struct{ Pointer, Message string }
