// Package capability holds the doors that a guest may knock on: Kubernetes, as
// the person who asks, and upstreams, back ends that an administrator has bound.
//
// What belongs here: what a manifest's rule or template allows, the decision, the
// door that carries an allowed request on, and the record of it. What does not: whether
// the person may (Kubernetes itself decides, through kube), how frames travel
// (sandbox), and what a manifest looks like as a whole (extension).
package capability
