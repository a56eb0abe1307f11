// Package capability holds the doors that a guest may knock on. In its first
// form there is one: Kubernetes, as the person who asks.
//
// What belongs here: what a manifest's rule allows, the decision, the door that
// carries an allowed request on, and the record of it. What does not: whether
// the person may (Kubernetes itself decides, through kube), how frames travel
// (sandbox), and what a manifest looks like as a whole (extension).
package capability
